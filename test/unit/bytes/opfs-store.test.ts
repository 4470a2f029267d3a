/** What the browser's refusals become, and a platform that transfers in small steps. */
import { beforeEach, describe, expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { OpfsFiles } from "../../../src/bytes/opfs-files.ts";
import { checkRoom } from "../../../src/bytes/library-space.ts";
import { openLibrary } from "../../../src/bytes/library.ts";
import type { Platform } from "../../../src/bytes/library.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import { sample, value } from "../../../src/testing/expect.ts";
import { FakeFolder, FakeLocks, fakeStorage, refusal } from "./opfs-fake.ts";

let folder: FakeFolder;
let space: OpfsFiles;
let store: ByteStore;
beforeEach(async () => {
  folder = new FakeFolder();
  space = new OpfsFiles(folder, new FakeLocks(), fakeStorage);
  store = value(await space.open("x.qcow2", "create"), "create");
});

function problemOf(act: () => void): object {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown.problem;
    throw thrown;
  }
  return {};
}

describe("faults of an access handle", () => {
  for (const [name, code] of [
    ["QuotaExceededError", "no-space"],
    ["InvalidStateError", "closed"],
    ["NoModificationAllowedError", "read-only"],
    ["UnknownError", "io"],
  ] as const) {
    test(`${name} is ${code}`, () => {
      folder.transfers.nextWriteThrows = refusal(name);
      expect(problemOf(() => store.write(4096, sample(10, 1)))).toMatchObject({ kind: "store", code, operation: "write", offset: 4096, lengthBytes: 10 });
      expect(store.size()).toBe(0);
    });
  }

  test("a write that makes no more progress is no-space, and the length is what got there", () => {
    store.write(0, sample(10, 1));
    folder.transfers.roomBytes = 4;
    expect(problemOf(() => store.write(10, sample(10, 1)))).toMatchObject({ code: "no-space" });
    expect(store.size()).toBe(14);
    folder.transfers.roomBytes = Number.POSITIVE_INFINITY;
    store.write(20, sample(10, 1));
    expect(store.size()).toBe(30);
  });

  test("transfers in steps of 7 bytes are whole in the end", () => {
    folder.transfers.mostBytes = 7;
    store.write(3, sample(100, 1));
    const into = new Uint8Array(200);
    expect(store.read(0, into)).toBe(103);
    expect(into.subarray(3, 103)).toEqual(sample(100, 1));
  });
});

describe("the library", () => {
  test("a handle that the platform refuses as in use gives the lock back", async () => {
    store.close();
    const foreign = await (await folder.getFileHandle("x.qcow2")).createSyncAccessHandle();
    expect(await space.open("x.qcow2", "write")).toMatchObject({ ok: false, error: { kind: "file", code: "in-use", file: "x.qcow2" } });
    foreign.close();
    expect((await space.open("x.qcow2", "write")).ok).toBe(true);
  });

  test("a move without the platform's move that runs out of space leaves the source and no copy", async () => {
    const still = new FakeFolder(false);
    const files = new OpfsFiles(still, new FakeLocks(), fakeStorage);
    const from = value(await files.open("a.qcow2", "create"), "create");
    from.write(0, sample(100, 1));
    from.close();
    still.transfers.nextWriteThrows = refusal("QuotaExceededError");
    expect(await files.rename("a.qcow2", "b.qcow2")).toMatchObject({ ok: false, error: { code: "no-space" } });
    expect((await files.list()).map((entry) => entry.name)).toEqual(["a.qcow2"]);
  });

  test("a replacement that is a copy and breaks off leaves the new file, and says so", async () => {
    const slow = new FakeFolder(false);
    const there = new OpfsFiles(slow, new FakeLocks(), fakeStorage);
    for (const name of ["new", "x.qcow2"]) {
      const file = value(await there.open(name, "create"), "create");
      file.write(0, sample(1000, name.length));
      file.close();
    }
    slow.transfers.nextWriteThrows = refusal("QuotaExceededError");
    expect(await there.replace("new", "x.qcow2")).toMatchObject({ ok: false, error: { code: "no-space", file: "x.qcow2", wholeCopy: "new" } });
    const kept = value(await there.open("new", "read"), "open");
    const bytes = new Uint8Array(1000);
    kept.read(0, bytes);
    kept.close();
    expect(bytes).toEqual(sample(1000, 3));
    value(await there.replace("new", "x.qcow2"), "the second try");
    expect((await there.list()).map(({ name }) => name)).toEqual(["x.qcow2"]);
  });

  test("room is refused with both numbers", async () => {
    expect(await checkRoom(space, "y.qcow2", 4000)).toBe(null);
    expect(await checkRoom(space, "y.qcow2", 4001)).toEqual({ kind: "file", code: "no-space", file: "y.qcow2", neededBytes: 4001, freeBytes: 4000 });
    expect(await checkRoom(new MemoryFiles(), "y.qcow2", 1e15)).toBe(null);
  });
});

describe("openLibrary", () => {
  const platform = (root: FakeFolder, library = new FakeFolder()): Platform => ({
    locks: new FakeLocks(),
    storage: { ...fakeStorage, getDirectory: async () => Object.assign(root, { getDirectoryHandle: async () => library }) },
  });

  test("is OPFS where a probe is read back, and leaves no probe behind", async () => {
    const root = new FakeFolder();
    expect((await openLibrary(platform(root))).kind).toBe("opfs");
    expect(root.files.size).toBe(0);
  });

  test("is memory where the functions exist and do not work", async () => {
    const root = new FakeFolder();
    root.transfers.nextWriteThrows = refusal("QuotaExceededError");
    expect((await openLibrary(platform(root))).kind).toBe("memory");
    root.transfers.mostBytes = 0;
    expect((await openLibrary(platform(root))).kind).toBe("memory");
    expect(root.files.size).toBe(0);
  });

  test("is OPFS where the disk is full and images are there: they are what can be removed", async () => {
    const root = new FakeFolder();
    root.transfers.nextWriteThrows = refusal("QuotaExceededError");
    expect((await openLibrary(platform(root, folder))).kind).toBe("opfs");
    root.getFileHandle = () => Promise.reject(refusal("QuotaExceededError"));
    expect((await openLibrary(platform(root, folder))).kind).toBe("opfs");
  });

  test("is memory where there is no OPFS, or no locks", async () => {
    const { locks: _, ...rest } = platform(new FakeFolder());
    expect((await openLibrary({})).kind).toBe("memory");
    expect((await openLibrary(rest)).kind).toBe("memory");
  });
});

describe("a browser that gives one access handle a file", () => {
  beforeEach(async () => {
    store.close();
    folder = new FakeFolder(true, false);
    space = new OpfsFiles(folder, new FakeLocks(), fakeStorage);
    const made = value(await space.open("base.qcow2", "create"), "create");
    made.write(0, sample(100, 3));
    made.close();
    await new Promise((resolve) => setTimeout(resolve, 5));
  });

  test("those who read a file read it together, and the last of them lets go of it", async () => {
    const [first, second] = (await Promise.all([space.open("base.qcow2", "read"), space.open("base.qcow2", "read")])).map((opened) => value(opened, "a reader"));
    expect(folder.files.get("base.qcow2")).toMatchObject({ writers: 1 });
    const third = value(await space.open("base.qcow2", "read"), "the third");
    first!.close();
    first!.close();
    third.close();
    const into = new Uint8Array(100);
    expect(second!.read(0, into)).toBe(100);
    expect(into).toEqual(sample(100, 3));
    expect(problemOf(() => first!.read(0, into))).toMatchObject({ code: "closed" });
    expect(await space.open("base.qcow2", "write")).toMatchObject({ ok: false, error: { code: "in-use" } });
    second!.close();
    expect(folder.files.get("base.qcow2")).toMatchObject({ writers: 0, readers: 0 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    value(await space.open("base.qcow2", "write"), "a writer").close();
  });

  test("a file that somebody else has is in use for all who wait for it, and free afterwards", async () => {
    const elsewhere = await (await folder.getFileHandle("base.qcow2")).createSyncAccessHandle();
    for (const opened of await Promise.all([space.open("base.qcow2", "read"), space.open("base.qcow2", "read")])) {
      expect(opened).toMatchObject({ ok: false, error: { code: "in-use" } });
    }
    elsewhere.close();
    value(await space.open("base.qcow2", "read"), "a reader").close();
    expect(folder.files.get("base.qcow2")).toMatchObject({ writers: 0, readers: 0 });
  });
});
