/** From a byte of a library's file to the entry that leads there: cheap after the first, and true although the file changes between. */
import { expect, test } from "vitest";
import type { Result } from "../../../src/base/result.ts";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import type { FileProblem, OpenMode } from "../../../src/bytes/file-space.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { CountingStore } from "../../../src/testing/counting-store.ts";
import { createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

const GIB = 2 ** 30;
const CLUSTER = 65536;
/** Bytes of the disk that one L2 table maps. */
const SPAN = 2 ** 29;
const TABLES = 200;

class CountingFiles extends MemoryFiles {
  reads = 0;
  override async open(name: string, mode: OpenMode): Promise<Result<ByteStore, FileProblem>> {
    const opened = await super.open(name, mode);
    if (!opened.ok) return opened;
    const counting = new CountingStore(opened.value);
    const close = counting.close.bind(counting);
    counting.close = () => {
      this.reads += counting.take().reads;
      close();
    };
    return { ok: true, value: counting };
  }
}

/** A plain image with a cluster under each of many L2 tables; `write` changes it between two looks. */
async function library() {
  const files = new CountingFiles();
  const fixture = engineFixture(files);
  const ok = fixture.ok.bind(fixture);
  await ok("create", { file: "a.qcow2", options: createOptions({ sizeBytes: 100 * GIB, zoned: null }) });
  const write = async (offset: number): Promise<void> => {
    const { handle } = await ok("open", { file: "a.qcow2", readOnly: false, format: null });
    await ok("write", { handle, offset, length: CLUSTER, pattern: 0x5a, data: null });
    await ok("close", { handle });
  };
  const { handle } = await ok("open", { file: "a.qcow2", readOnly: false, format: null });
  for (let table = 0; table < TABLES; table++) await ok("write", { handle, offset: table * SPAN, length: CLUSTER, pattern: table, data: null });
  await ok("close", { handle });
  const { inspection } = await ok("inspect", { file: "a.qcow2" });
  const hostOf = async (offset: number): Promise<number> => (await ok("locate", { inspection, guestOffset: offset })).hostOffset!;
  const guestOf = async (hostOffset: number) => {
    files.reads = 0;
    const place = await ok("locate", { inspection, hostOffset });
    return { guest: place.guest?.offset ?? null, kind: place.layoutKind, reads: files.reads };
  };
  return { ok, write, hostOf, guestOf };
}

test("the first look goes through all tables, every later one through one", async () => {
  const { hostOf, guestOf } = await library();
  const hosts = [];
  for (const table of [199, 0, 7, 150]) hosts.push([table, await hostOf(table * SPAN)] as const);
  const [[, first], ...later] = hosts as [readonly [number, number], ...(readonly [number, number])[]];
  const looked = await guestOf(first);
  expect(looked).toMatchObject({ guest: 199 * SPAN, kind: "data" });
  expect(looked.reads).toBeGreaterThan(TABLES);
  for (const [table, host] of later) {
    const again = await guestOf(host);
    expect(again).toMatchObject({ guest: table * SPAN, kind: "data" });
    expect(again.reads).toBeLessThan(20);
  }
});

test("a cluster that came into use since is found, and one that is not any more is not", async () => {
  const { ok, write, hostOf, guestOf } = await library();
  await guestOf(await hostOf(0));
  await write(5 * SPAN + 3 * CLUSTER);
  const fresh = await hostOf(5 * SPAN + 3 * CLUSTER);
  expect(await guestOf(fresh)).toMatchObject({ guest: 5 * SPAN + 3 * CLUSTER, kind: "data" });
  const { handle } = await ok("open", { file: "a.qcow2", readOnly: false, format: null });
  await ok("discard", { handle, offset: 5 * SPAN + 3 * CLUSTER, length: CLUSTER });
  await ok("close", { handle });
  expect(await guestOf(fresh)).toMatchObject({ guest: null, kind: "free" });
});
