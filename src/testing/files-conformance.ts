/**
 * What every FileSpace promises (bytes/file-space.ts), as checks for any home. Knows no home; what only a library does (names'
 * rules, one writer alone) is a list of its own.
 */
import type { ByteStore } from "../bytes/byte-store.ts";
import type { FileSpace } from "../bytes/file-space.ts";
import type { LibrarySpace } from "../bytes/library-space.ts";
import { refused, same, sameBytes, sample, value } from "./expect.ts";
import type { Check } from "./store-conformance.ts";

export interface FilesHome<Space extends FileSpace = FileSpace> {
  /** An empty space. */
  make(): Promise<Space>;
}

export interface LibraryHome extends FilesHome<LibrarySpace> {
  /** A second view of the space that make() gave last, as another tab has it. */
  another(): Promise<LibrarySpace>;
}

async function put(space: FileSpace, name: string, contents: Uint8Array): Promise<void> {
  const store = value(await space.open(name, "create"), `create ${name}`);
  store.write(0, contents);
  store.flush();
  store.close();
}

async function get(space: FileSpace, name: string): Promise<Uint8Array> {
  const store = value(await space.open(name, "read"), `open ${name}`);
  const into = new Uint8Array(store.size());
  store.read(0, into);
  store.close();
  return into;
}

async function names(space: FileSpace): Promise<string> {
  return (await space.list()).map((entry) => entry.name).join(" ");
}

export const filesChecks: readonly Check<FilesHome>[] = [
  {
    name: "an empty space lists nothing",
    async run(home) {
      same(await names(await home.make()), "", "names");
    },
  },
  {
    name: "a created file is listed by name, with its size and a time of now",
    async run(home) {
      const space = await home.make();
      const before = Date.now();
      await put(space, "b.qcow2", sample(1234, 1));
      await put(space, "a.qcow2", sample(10, 2));
      same(await names(space), "a.qcow2 b.qcow2", "names");
      const entry = (await space.list())[1];
      same(entry?.sizeBytes, 1234, "size");
      same(Math.abs((entry?.modifiedMs ?? 0) - before) < 60_000, true, "modified within a minute");
    },
  },
  {
    name: "what is not there is not-found, and opening it for writing does not make it",
    async run(home) {
      const space = await home.make();
      refused(await space.open("none.qcow2", "read"), "not-found", "read");
      refused(await space.open("none.qcow2", "write"), "not-found", "write");
      refused(await space.remove("none.qcow2"), "not-found", "remove");
      refused(await space.rename("none.qcow2", "other.qcow2"), "not-found", "rename");
      same(await names(space), "", "names");
    },
  },
  {
    name: "write keeps what is there, create replaces it, read changes nothing",
    async run(home) {
      const space = await home.make();
      await put(space, "x.qcow2", sample(100, 3));
      const store = value(await space.open("x.qcow2", "write"), "open for writing");
      same(store.readOnly, false, "readOnly of write");
      same(store.size(), 100, "size");
      store.write(0, sample(10, 4));
      store.close();
      const expected = sample(100, 3);
      expected.set(sample(10, 4));
      sameBytes(await get(space, "x.qcow2"), expected, "after write");
      const reader = value(await space.open("x.qcow2", "read"), "open for reading");
      same(reader.readOnly, true, "readOnly of read");
      reader.close();
      await put(space, "x.qcow2", sample(7, 5));
      sameBytes(await get(space, "x.qcow2"), sample(7, 5), "after create");
    },
  },
  {
    name: "remove removes that file alone",
    async run(home) {
      const space = await home.make();
      await put(space, "x.qcow2", sample(1, 1));
      await put(space, "y.qcow2", sample(1, 1));
      value(await space.remove("x.qcow2"), "remove");
      same(await names(space), "y.qcow2", "names");
    },
  },
  {
    name: "rename moves the bytes, and refuses to replace",
    async run(home) {
      const space = await home.make();
      await put(space, "x.qcow2", sample(3_000_000, 6));
      await put(space, "y.qcow2", sample(5, 7));
      refused(await space.rename("x.qcow2", "y.qcow2"), "exists", "over another file");
      sameBytes(await get(space, "y.qcow2"), sample(5, 7), "the other file");
      value(await space.rename("x.qcow2", "z.qcow2"), "rename");
      same(await names(space), "y.qcow2 z.qcow2", "names");
      sameBytes(await get(space, "z.qcow2"), sample(3_000_000, 6), "the bytes");
      value(await space.rename("z.qcow2", "z.qcow2"), "rename to its own name");
      same(await names(space), "y.qcow2 z.qcow2", "names, still");
    },
  },
  {
    name: "replace puts a file in another's place, whole, also a shorter one with holes",
    async run(home) {
      const space = await home.make();
      const withHole = new Uint8Array(2_500_000);
      withHole.set(sample(9, 3), 2_400_000);
      await put(space, "x.qcow2", withHole);
      await put(space, "y.qcow2", sample(3_000_000, 7));
      value(await space.replace("x.qcow2", "y.qcow2"), "replace");
      same(await names(space), "y.qcow2", "names");
      sameBytes(await get(space, "y.qcow2"), withHole, "the bytes");
      refused(await space.replace("x.qcow2", "y.qcow2"), "not-found", "from no file");
      refused(await space.replace("y.qcow2", "x.qcow2"), "not-found", "over no file");
      same(await names(space), "y.qcow2", "names, still");
    },
  },
  {
    name: "a file can be opened again right after its store was closed, many times",
    async run(home) {
      const space = await home.make();
      await put(space, "x.qcow2", sample(10, 8));
      for (let turn = 0; turn < 50; turn++) {
        const store = value(await space.open("x.qcow2", turn % 2 === 0 ? "write" : "read"), `turn ${turn}`);
        store.close();
      }
      value(await space.remove("x.qcow2"), "remove right after close");
    },
  },
  {
    name: "usage is told whole or not at all",
    async run(home) {
      const usage = await (await home.make()).usage();
      if (usage !== null) same(usage.usedBytes >= 0 && usage.quotaBytes > 0, true, "usage in numbers");
    },
  },
];

/** Names that a library refuses. */
const badNames = ["", ".", "..", "a/b", "a\\b", "a\nb", "a\u0000b", "\u007f", "x".repeat(201), "dropped:a.qcow2"];
/** Names that it takes, however odd. */
const goodNames = ["x", "x".repeat(200), "a b.qcow2", ".hidden", "ünï 磁盘 💾.qcow2", "dropped", "a:b", "100%.qcow2"];

export const libraryChecks: readonly Check<LibraryHome>[] = [
  {
    name: "names are 1 to 200 characters, without separators and control characters",
    async run(home) {
      const space = await home.make();
      await put(space, "x.qcow2", sample(1, 1));
      for (const name of badNames) {
        refused(await space.open(name, "create"), "bad-name", `create ${JSON.stringify(name)}`);
        refused(await space.rename("x.qcow2", name), "bad-name", `rename to ${JSON.stringify(name)}`);
      }
      same(await names(space), "x.qcow2", "names");
      for (const name of goodNames) {
        await put(space, name, sample(3, 2));
        sameBytes(await get(space, name), sample(3, 2), name);
        value(await space.remove(name), `remove ${name}`);
      }
    },
  },
  {
    name: "one writer is alone: here and in another tab, until it closes",
    async run(home) {
      const space = await home.make();
      const another = await home.another();
      await put(space, "x.qcow2", sample(10, 1));
      const writer = value(await space.open("x.qcow2", "write"), "the writer");
      for (const [who, tab] of [["here", space], ["there", another]] as const) {
        for (const mode of ["read", "write", "create"] as const) refused(await tab.open("x.qcow2", mode), "in-use", `${mode} ${who}`);
        refused(await tab.remove("x.qcow2"), "in-use", `remove ${who}`);
        refused(await tab.rename("x.qcow2", "y.qcow2"), "in-use", `rename ${who}`);
        refused(await tab.replace("x.qcow2", "x.qcow2"), "in-use", `replace ${who}`);
      }
      same(writer.size(), 10, "the writer's file is whole");
      same(await names(another), "x.qcow2", "names");
      writer.close();
      await eventually(() => another.open("x.qcow2", "write"));
    },
  },
  {
    name: "readers share, and keep writers out until the last closes",
    async run(home) {
      const space = await home.make();
      const another = await home.another();
      await put(space, "x.qcow2", sample(10, 1));
      const first = value(await space.open("x.qcow2", "read"), "first reader");
      const second = value(await another.open("x.qcow2", "read"), "second reader");
      first.close();
      refused(await space.open("x.qcow2", "write"), "in-use", "a writer");
      second.close();
      await eventually(() => space.open("x.qcow2", "write"));
    },
  },
  {
    name: "an image in use keeps no other image from being used",
    async run(home) {
      const space = await home.make();
      const x = value(await space.open("x.qcow2", "create"), "x");
      const y = value(await space.open("y.qcow2", "create"), "y");
      x.write(0, sample(10, 1));
      y.write(0, sample(10, 2));
      x.close();
      y.close();
      sameBytes(await get(space, "x.qcow2"), sample(10, 1), "x");
      sameBytes(await get(space, "y.qcow2"), sample(10, 2), "y");
    },
  },
  {
    name: "a file can be had as a Blob",
    async run(home) {
      const space = await home.make();
      await put(space, "x.qcow2", sample(2_500_000, 3));
      const blob = value(await space.blobOf("x.qcow2"), "blobOf");
      sameBytes(new Uint8Array(await blob.arrayBuffer()), sample(2_500_000, 3), "the bytes");
      same((await space.blobOf("none.qcow2")).ok, false, "a Blob of nothing");
    },
  },
];

/** Another tab learns of a lock's release a moment later. */
async function eventually(open: () => ReturnType<FileSpace["open"]>): Promise<void> {
  const deadline = Date.now() + 3000;
  let store: ByteStore | null = null;
  while (store === null) {
    const result = await open();
    if (result.ok || Date.now() > deadline) store = value(result, "open after the other closed");
    else await new Promise((resolve) => setTimeout(resolve, 10));
  }
  store.close();
}
