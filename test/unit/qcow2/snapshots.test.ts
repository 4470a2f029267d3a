import fc from "fast-check";
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import type { Header } from "../../../src/qcow2/header.ts";
import { checkL1, encodeSnapshotTable, findSnapshot, nextSnapshotId } from "../../../src/qcow2/snapshots.ts";
import { readSnapshotTable, snapshotEntries } from "../../../src/qcow2/snapshot-reader.ts";
import type { TableEnd } from "../../../src/qcow2/snapshot-reader.ts";
import type { Snapshot } from "../../../src/qcow2/snapshots.ts";

const TABLE_AT = 0x10000;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    l1Offset: 0x30000,
    l1Size: 1,
    id: text("1"),
    name: text("one"),
    dateSeconds: 1_700_000_000,
    dateNanoseconds: 5,
    vmClock: 12_345_678_901n,
    vmStateBytes: 0n,
    diskSize: 1n << 20n,
    icount: 7n,
    unknownExtra: new Uint8Array(0),
    ...changes,
  };
}

function stored(table: Uint8Array, count: number): { store: MemoryStore; header: Header } {
  const contents = new MemoryContents();
  contents.write(TABLE_AT, table);
  return { store: new MemoryStore("a", contents), header: { snapshotsOffset: TABLE_AT, snapshotCount: count, clusterSize: 65536 } as Header };
}

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const bytesWithoutZero = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ max: 255, min: 1, maxLength });
const anySnapshot: fc.Arbitrary<Snapshot> = fc.record({
  l1Offset: fc.nat(2 ** 30).map((cluster) => cluster * 65536),
  l1Size: fc.nat(2 ** 31 - 1),
  id: bytesWithoutZero(20),
  name: bytesWithoutZero(300),
  dateSeconds: fc.nat(2 ** 31 - 1),
  dateNanoseconds: fc.nat(999_999_999),
  vmClock: u64,
  vmStateBytes: u64,
  diskSize: u64,
  icount: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 2n })),
  unknownExtra: fc.uint8Array({ maxLength: 1000 }),
});

test("what is encoded decodes to the same", () => {
  fc.assert(
    fc.property(fc.array(anySnapshot, { maxLength: 8 }), (snapshots) => {
      const table = encodeSnapshotTable(snapshots, 0)!;
      const { store, header } = stored(table, snapshots.length);
      expect(readSnapshotTable(store, header)).toEqual({ snapshots, lengthBytes: table.length });
    }),
  );
});

test("entries begin at multiples of 8 and the fields lie where the specification has them", () => {
  const table = encodeSnapshotTable([snapshot({ vmStateBytes: 0x1_0000_0002n }), snapshot({ id: text("22"), vmStateBytes: 9n, icount: null })], 0)!;
  const view = new DataView(table.buffer);
  expect(Buffer.from(table.subarray(0, 72)).toString("hex")).toBe(
    "0000000000030000" + "00000001" + "0001" + "0003" + "6553f100" + "00000005" + "00000002dfdc1c35" + "00000000" + "00000018" +
      "0000000100000002" + "0000000000100000" + "0000000000000007" + "316f6e6500000000",
  );
  expect(view.getUint32(72 + 32)).toBe(9);
  expect(view.getBigUint64(72 + 56)).toBe(2n ** 64n - 1n);
  expect(table.length).toBe(72 + 64 + 5);
});

test("entries without extra data take the short fields, and no size and count", () => {
  const table = new Uint8Array(44);
  const view = new DataView(table.buffer);
  view.setUint16(12, 1);
  view.setUint16(14, 3);
  view.setUint32(32, 77);
  table.set(text("5old"), 40);
  const { store, header } = stored(table, 1);
  const [decoded] = readSnapshotTable(store, header).snapshots;
  expect(decoded).toMatchObject({ vmStateBytes: 77n, diskSize: null, icount: null, id: text("5"), name: text("old") });
  expect(new DataView(encodeSnapshotTable([decoded!], 4096)!.buffer).getBigUint64(48)).toBe(4096n);
});

test("text ends at its first zero, as those who wrote it in C have it", () => {
  const table = encodeSnapshotTable([snapshot({ name: new Uint8Array([65, 0, 66]) })], 0)!;
  const { store, header } = stored(table, 1);
  expect(readSnapshotTable(store, header).snapshots[0]!.name).toEqual(text("A"));
});

test("refuses too much extra data and a table too long", () => {
  const table = encodeSnapshotTable([snapshot()], 0)!;
  const broken = (change: (view: DataView) => void): (() => unknown) => {
    const copy = table.slice();
    change(new DataView(copy.buffer));
    const { store, header } = stored(copy, 1);
    return () => readSnapshotTable(store, header);
  };
  expect(broken((view) => view.setUint32(36, 1025))).toThrow(Fault);
  expect(broken((view) => view.setUint32(36, 2 ** 32 - 1))).toThrow("extra_data_size");
  const huge = Array.from({ length: 65536 }, () => snapshot({ name: new Uint8Array(1000).fill(65) }));
  expect(encodeSnapshotTable(huge, 0)).toBeNull();
});

test("an L1 table that cannot be is refused where it is used", () => {
  const { store, header } = stored(new Uint8Array(0x30000), 0);
  const code = (changes: Partial<Snapshot>): string => {
    const checked = checkL1(store, header, snapshot(changes));
    return checked.ok ? "ok" : checked.error.code;
  };
  expect(code({ l1Offset: 0x30000, l1Size: 8192 })).toBe("ok");
  expect(code({ l1Offset: 0x30000, l1Size: 8193 })).toBe("l1-misplaced");
  expect(code({ l1Offset: 0x30200 })).toBe("l1-misplaced");
  expect(code({ l1Offset: 2 ** 60 })).toBe("l1-misplaced");
  expect(code({ l1Size: 2 ** 22 + 1 })).toBe("l1-too-large");
});

test("a text is an id before it is a name; both together must fit one snapshot", () => {
  const list = [snapshot({ id: text("1"), name: text("2") }), snapshot({ id: text("2"), name: text("x") }), snapshot({ id: text("3"), name: text("x") })];
  expect(findSnapshot(list, "2")).toBe(1);
  expect(findSnapshot(list, "x")).toBe(1);
  expect(findSnapshot(list, { id: null, name: "2" })).toBe(0);
  expect(findSnapshot(list, { id: "3", name: "x" })).toBe(2);
  expect(findSnapshot(list, { id: "1", name: "x" })).toBe(-1);
  expect(findSnapshot(list, "")).toBe(-1);
});

test("the next id is one more than the largest number", () => {
  const ids = (...list: string[]): string => nextSnapshotId(list.map((id) => snapshot({ id: text(id) })));
  expect(ids()).toBe("1");
  expect(ids("3", "10", "9x", "abc", "-4")).toBe("11");
});

test("behind the file's end there are snapshots without anything", () => {
  const { store, header } = stored(new Uint8Array(0), 3);
  expect(readSnapshotTable(store, header)).toMatchObject({ lengthBytes: 120, snapshots: [0, 1, 2].map(() => ({ l1Size: 0, id: text(""), name: text("") })) });
});

/** An entry that has so many bytes of extra data, of which the first 24 are known. */
function withExtra(extraBytes: number): Uint8Array {
  const whole = encodeSnapshotTable([snapshot({ unknownExtra: new Uint8Array(extraBytes - 24).fill(7) })], 0)!;
  return whole;
}

test("cutting, extra data counts by its first 1024 bytes, and the table is as long as it is", () => {
  const table = withExtra(5000);
  const { store, header } = stored(table, 1);
  expect(() => readSnapshotTable(store, header)).toThrow("extra_data_size");
  const { snapshots, lengthBytes } = readSnapshotTable(store, header, true);
  expect(lengthBytes).toBe(table.length);
  expect(snapshots[0]).toMatchObject({ name: text("one"), unknownExtra: new Uint8Array(1000).fill(7) });
});

test("cutting, a table of more than 64 MiB ends before the entry that does not fit, by what is kept of extra data", () => {
  // 513 names of 131,070 bytes are more than 64 MiB; of 600, the last 88 do not fit.
  const entry = new Uint8Array(40 + 2 * 65535 + 2);
  new DataView(entry.buffer).setUint32(12, 0xffffffff);
  const table = new Uint8Array(entry.length * 600);
  for (let at = 0; at < table.length; at += entry.length) table.set(entry, at);
  const fits = Math.floor((64 * 2 ** 20) / entry.length);
  const { store, header } = stored(table, 600);
  expect(() => readSnapshotTable(store, header)).toThrow(`"found":"${600 - fits}"`);
  const ends = ended(snapshotEntries(store, header, true));
  expect(ends).toEqual({ entries: fits, end: { lengthBytes: fits * entry.length - 2, tooMany: 0, tooLong: 600 - fits } });
  expect(ended(snapshotEntries(store, { ...header, snapshotCount: 65536 + 9 }, true)).end.tooMany).toBe(9);
});

function ended(entries: ReturnType<typeof snapshotEntries>): { entries: number; end: TableEnd } {
  for (let count = 0; ; count++) {
    const next = entries.next();
    if (next.done === true) return { entries: count, end: next.value };
  }
}

test("more snapshots than may be are refused before the first is read, and cut to the limit by a repair", () => {
  const { store, header } = stored(new Uint8Array(0), 65537);
  expect(() => readSnapshotTable(store, header)).toThrow(/nb_snapshots/);
  const reads: number[] = [];
  const read = store.read.bind(store);
  store.read = (offset, into) => (reads.push(offset), read(offset, into));
  expect(() => snapshotEntries(store, header, false).next()).toThrow(/nb_snapshots/);
  expect(reads).toEqual([]);
  expect(readSnapshotTable(store, header, true).snapshots.length).toBe(65536);
});
