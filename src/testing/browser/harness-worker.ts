/**
 * Runs the conformance suites in a browser's worker, where OPFS and synchronous Blob reads exist, and posts one result per
 * check. Composition only: what is checked stands in the suites.
 */
import { BlobStore } from "../../bytes/blob-store.ts";
import { CoalescingStore } from "../../bytes/coalescing-store.ts";
import { openLibrary } from "../../bytes/library.ts";
import type { LibrarySpace } from "../../bytes/library-space.ts";
import { filesChecks, libraryChecks } from "../files-conformance.ts";
import type { LibraryHome } from "../files-conformance.ts";
import { libraryFileHome, memoryHome, memoryLibraryHome } from "../homes.ts";
import { readOnlyStoreChecks, storeChecks } from "../store-conformance.ts";
import type { Check, ReadOnlyHome } from "../store-conformance.ts";
import type { HarnessMessage } from "./harness-message.ts";

const post = (message: HarnessMessage): void => self.postMessage(message);

async function runSuite<Home>(suite: string, checks: readonly Check<Home>[], home: Home): Promise<void> {
  for (const check of checks) {
    let failure: string | null = null;
    try {
      await check.run(home);
    } catch (thrown) {
      failure = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    }
    post({ type: "result", suite, name: check.name, failure });
  }
}

async function openOpfs(): Promise<LibrarySpace> {
  const space = await openLibrary();
  if (space.kind !== "opfs") throw new Error("OPFS does not work in this browser");
  return space;
}

const opfsHome: LibraryHome = {
  async make() {
    const space = await openOpfs();
    for (const { name } of await space.list()) await space.remove(name);
    return space;
  },
  another: openOpfs,
};

const blobHome: ReadOnlyHome = {
  make: async (contents) => new BlobStore("blob", new Blob([contents]), (blob) => new FileReaderSync().readAsArrayBuffer(blob)),
};

async function main(): Promise<void> {
  await runSuite("MemoryStore", storeChecks, memoryHome());
  await runSuite("BlobStore over FileReaderSync", readOnlyStoreChecks, blobHome);
  const space = await opfsHome.make();
  await runSuite("OpfsStore", storeChecks, libraryFileHome(space));
  await runSuite("CoalescingStore over OpfsStore", storeChecks, libraryFileHome(space, (store) => new CoalescingStore(store)));
  await runSuite("OpfsFiles", filesChecks, opfsHome);
  await runSuite("OpfsFiles as a library", libraryChecks, opfsHome);
  await runSuite("MemoryFiles as a library", libraryChecks, memoryLibraryHome());
}

main().then(
  () => post({ type: "done" }),
  (thrown: unknown) => post({ type: "broken", detail: String(thrown) }),
);
