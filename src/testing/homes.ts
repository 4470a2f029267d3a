/** Homes of the conformance suites that need no platform: memory, and coalescing over it. Others are made where they run. */
import type { ByteStore } from "../bytes/byte-store.ts";
import { CoalescingStore } from "../bytes/coalescing-store.ts";
import type { LibrarySpace } from "../bytes/library-space.ts";
import { MemoryFiles } from "../bytes/memory-files.ts";
import { MemoryContents, MemoryStore } from "../bytes/memory-store.ts";
import { value } from "./expect.ts";
import type { LibraryHome } from "./files-conformance.ts";
import type { StoreHome } from "./store-conformance.ts";

/** Memory, wrapped in what is to be tested over it. */
export function memoryHome(wrap: (store: ByteStore) => ByteStore = (store) => store): StoreHome {
  let contents = new MemoryContents();
  return {
    async make() {
      contents = new MemoryContents();
      return wrap(new MemoryStore("memory", contents));
    },
    reopen: async (readOnly) => wrap(new MemoryStore("memory", contents, readOnly)),
  };
}

export const coalescingHome = (): StoreHome => memoryHome((store) => new CoalescingStore(store));

/** One file of a library, opened anew by each check. */
export function libraryFileHome(space: LibrarySpace, wrap: (store: ByteStore) => ByteStore = (store) => store): StoreHome {
  const file = "conformance.qcow2";
  return {
    make: async () => wrap(value(await space.open(file, "create"), "create")),
    reopen: async (readOnly) => wrap(value(await space.open(file, readOnly ? "read" : "write"), "reopen")),
  };
}

export function memoryLibraryHome(): LibraryHome {
  let space = new MemoryFiles();
  return {
    make: async () => (space = new MemoryFiles()),
    another: async () => space,
  };
}
