/** The conformance suites over every home that runs in Node. The browser's homes: test/e2e/conformance.test.ts. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import { BlobStore } from "../../../src/bytes/blob-store.ts";
import { CachedStore } from "../../../src/bytes/cached-store.ts";
import { OverlayStore } from "../../../src/bytes/overlay-store.ts";
import { CoalescingStore } from "../../../src/bytes/coalescing-store.ts";
import { NodeFiles } from "../../../src/bytes/node-files.ts";
import { value } from "../../../src/testing/expect.ts";
import { filesChecks, libraryChecks } from "../../../src/testing/files-conformance.ts";
import type { FilesHome } from "../../../src/testing/files-conformance.ts";
import { coalescingHome, memoryHome, memoryLibraryHome } from "../../../src/testing/homes.ts";
import { RecordingStore } from "../../../src/crash/recording-store.ts";
import { readOnlyStoreChecks, storeChecks } from "../../../src/testing/store-conformance.ts";
import type { Check, ReadOnlyHome, StoreHome } from "../../../src/testing/store-conformance.ts";
import { CallerStore } from "../../../src/package/caller-store.ts";
import { opfsFakeHome, opfsFakeStoreHome } from "./opfs-fake.ts";
import { BytesBlob, readBytesBlob } from "./bytes-blob.ts";

const folder = mkdtempSync(join(tmpdir(), "zonescope-bytes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function suite<Home>(name: string, checks: readonly Check<Home>[], home: () => Home): void {
  describe(name, () => {
    for (const check of checks) test(check.name, () => check.run(home()));
  });
}

let folders = 0;
function newFolder(): string {
  const path = join(folder, String(++folders));
  mkdirSync(path);
  return path;
}

function nodeHome(wrap: (store: ByteStore) => ByteStore = (store) => store): StoreHome {
  const files = new NodeFiles(newFolder());
  return {
    make: async () => wrap(value(await files.open("x.qcow2", "create"), "create")),
    reopen: async (readOnly) => wrap(value(await files.open("x.qcow2", readOnly ? "read" : "write"), "reopen")),
  };
}

const nodeFilesHome: FilesHome = { make: async () => new NodeFiles(newFolder()) };
const blobHome: ReadOnlyHome = { make: async (contents) => new BlobStore("blob", new BytesBlob(contents), readBytesBlob) };

suite("MemoryStore", storeChecks, memoryHome);
suite("NodeStore", storeChecks, nodeHome);
suite("CoalescingStore over memory", storeChecks, coalescingHome);
suite("CoalescingStore over NodeStore", storeChecks, () => nodeHome((store) => new CoalescingStore(store)));
suite("OpfsStore over a stand-in", storeChecks, opfsFakeStoreHome);
suite("RecordingStore", storeChecks, () => ({ make: async () => new RecordingStore("recorded"), reopen: null }));
suite("OverlayStore over memory", storeChecks, () => ({ make: async () => new OverlayStore(new MemoryStore("below")), reopen: null }));
suite("A store of a caller of the package", storeChecks, () => memoryHome((store) => new CallerStore("theirs", store, false)));
suite("BlobStore", readOnlyStoreChecks, () => blobHome);
suite("CachedStore over a Blob", readOnlyStoreChecks, () => ({ make: async (contents) => new CachedStore(new BlobStore("blob", new BytesBlob(contents), readBytesBlob), { blockBytes: 512, budgetBytes: 2048, longestBytes: 4096 }) }));
suite("MemoryFiles", filesChecks, memoryLibraryHome);
suite("MemoryFiles as a library", libraryChecks, memoryLibraryHome);
suite("NodeFiles", filesChecks, () => nodeFilesHome);
suite("OpfsFiles over a stand-in", filesChecks, opfsFakeHome);
suite("OpfsFiles as a library, over a stand-in", libraryChecks, opfsFakeHome);
suite("OpfsFiles where the platform cannot move", [...filesChecks, ...libraryChecks], () => opfsFakeHome({ canMove: false }));

describe("the suite itself", () => {
  /** Stores that break one promise each: a suite that passes them proves nothing. */
  const broken: Record<string, new (name: string) => ByteStore> = {
    "a write one byte off": class extends MemoryStore {
      override write(offset: number, from: Uint8Array): void {
        super.write(offset === 0 ? 0 : offset + 1, from);
      }
    },
    "a read that says it was whole": class extends MemoryStore {
      override read(offset: number, into: Uint8Array): number {
        super.read(offset, into);
        return into.length;
      }
    },
    "a shrinking that keeps the old bytes": class extends MemoryStore {
      private length = 0;
      override size(): number {
        super.size();
        return this.length;
      }
      override write(offset: number, from: Uint8Array): void {
        super.write(offset, from);
        if (from.length > 0) this.length = Math.max(this.length, offset + from.length);
      }
      override read(offset: number, into: Uint8Array): number {
        return super.read(offset, into.subarray(0, Math.max(0, this.length - offset)));
      }
      override truncate(size: number): void {
        if (size > this.contents.size) super.truncate(size);
        this.length = size;
      }
    },
    "offsets of 32 bits": class extends MemoryStore {
      override write(offset: number, from: Uint8Array): void {
        super.write(offset % 2 ** 32, from);
      }
    },
    "a closed store that still answers": class extends MemoryStore {
      override close(): void {}
    },
  };
  for (const [defect, Broken] of Object.entries(broken)) {
    test(`catches ${defect}`, async () => {
      const home: StoreHome = { make: async () => new Broken("broken"), reopen: null };
      const failures: string[] = [];
      for (const check of storeChecks) await check.run(home).catch(() => failures.push(check.name));
      expect(failures).not.toEqual([]);
    });
  }
});
