import fc from "fast-check";
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { BitmapBits } from "../../../src/qcow2/bitmap-bits.ts";
import { PIECE_BYTES, RecordedBits } from "../../../src/qcow2/recorded-bits.ts";
import { encodeBitmapTable, encodeBitmapsExtension, encodeDirectory, readBitmapTable, readBitmaps, tableSizeFor } from "../../../src/qcow2/bitmaps.ts";
import type { Bitmap } from "../../../src/qcow2/bitmaps.ts";
import { BITMAPS_MAGIC } from "../../../src/qcow2/header.ts";
import type { Header } from "../../../src/qcow2/header.ts";

const CLUSTER = 4096;
const DIRECTORY_AT = 8 * CLUSTER;
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function bitmap(changes: Partial<Bitmap> = {}): Bitmap {
  return { name: text("b0"), tableOffset: 2 * CLUSTER, tableSize: 1, inUse: false, auto: true, granularityBits: 16, ...changes };
}

function stored(directory: Uint8Array, count: number, change: (extension: DataView) => void = () => undefined): { store: MemoryStore; header: Header } {
  const contents = new MemoryContents();
  contents.write(DIRECTORY_AT, directory);
  const data = encodeBitmapsExtension(count, { offset: DIRECTORY_AT, lengthBytes: directory.length });
  change(new DataView(data.buffer));
  const header = { clusterSize: CLUSTER, virtualSize: 64 * 2 ** 20, autoclear: 1n, extensions: [{ magic: BITMAPS_MAGIC, hostOffset: 512, data }] };
  return { store: new MemoryStore("a", contents), header: header as unknown as Header };
}

const anyBitmap: fc.Arbitrary<Bitmap> = fc.record({
  name: fc.uint8Array({ minLength: 1, maxLength: 1023 }),
  tableOffset: fc.integer({ min: 1, max: 2 ** 30 }).map((cluster) => cluster * CLUSTER),
  tableSize: fc.integer({ min: 4, max: 2 ** 17 }),
  inUse: fc.boolean(),
  auto: fc.boolean(),
  granularityBits: fc.integer({ min: 9, max: 31 }),
});

test("what is encoded decodes to the same, each entry at a multiple of 8", () => {
  fc.assert(
    fc.property(fc.array(anyBitmap, { minLength: 1, maxLength: 6 }), (bitmaps) => {
      const directory = encodeDirectory(bitmaps)!;
      const { store, header } = stored(directory, bitmaps.length);
      const read = readBitmaps(store, header)!;
      expect(read).toMatchObject({ offset: DIRECTORY_AT, lengthBytes: directory.length });
      expect(read.bitmaps.map(({ entryAt, ...rest }) => (expect(entryAt % 8).toBe(0), rest))).toEqual(bitmaps);
    }),
  );
});

test("a table's entries: none, all, or a cluster", () => {
  const contents = new MemoryContents();
  const entries = Float64Array.from([0, 1, 5 * CLUSTER, 2 ** 40]);
  contents.write(2 * CLUSTER, encodeBitmapTable(entries));
  const store = new MemoryStore("a", contents);
  const header = { clusterSize: CLUSTER } as Header;
  expect(readBitmapTable(store, header, bitmap({ tableSize: 4 }))).toEqual(entries);
  for (const wrong of [2n, 4097n, 1n << 62n, (1n << 53n) - 4096n + 4096n]) {
    const word = new Uint8Array(8);
    new DataView(word.buffer).setBigUint64(0, wrong);
    contents.write(2 * CLUSTER + 8, word);
    expect(() => readBitmapTable(store, header, bitmap({ tableSize: 4 }))).toThrow(Fault);
  }
});

test("bitmaps count only while their autoclear bit is set", () => {
  const { store, header } = stored(encodeDirectory([bitmap()])!, 1);
  expect(readBitmaps(store, header)?.bitmaps).toHaveLength(1);
  expect(readBitmaps(store, { ...header, autoclear: 2n })).toBeNull();
});

test.each([0, 1, 2])("an entry that cannot be is told by its place in the directory: %i", (index) => {
  const bitmaps = ["b0", "b1", "b2"].map((name) => bitmap({ name: text(name) }));
  const directory = encodeDirectory(bitmaps)!;
  directory[32 * index + 16] = 7;
  const { store, header } = stored(directory, 3);
  expect(() => readBitmaps(store, header)).toThrow(`"bitmap directory entry ${index} ('b${index}')"`);
});

test("each field that cannot be is refused by name", () => {
  const refused = (changes: Partial<Bitmap>, patch: (view: DataView) => void = () => undefined): (() => unknown) => {
    const directory = encodeDirectory([bitmap(changes)])!;
    patch(new DataView(directory.buffer));
    const { store, header } = stored(directory, 1);
    return () => readBitmaps(store, header);
  };
  expect(refused({})).not.toThrow();
  expect(refused({ granularityBits: 8 })).toThrow("granularity_bits");
  expect(refused({ granularityBits: 32 })).toThrow("granularity_bits");
  expect(refused({ tableOffset: 100 })).toThrow("table offset");
  expect(refused({ tableOffset: 0 })).toThrow("table offset");
  expect(refused({ tableSize: 0 })).toThrow("table size");
  expect(refused({ tableSize: 2 ** 17 + 1 })).toThrow("table size");
  expect(refused({ granularityBits: 9, tableSize: 3 })).toThrow("table size");
  expect(refused({ granularityBits: 9, tableSize: 3, inUse: true })).not.toThrow();
  expect(refused({}, (view) => view.setUint32(12, 4))).toThrow("flags");
  expect(refused({}, (view) => view.setUint8(16, 2))).toThrow("type");
  expect(refused({}, (view) => view.setUint32(20, 8))).toThrow("name size");
  expect(refused({}, (view) => view.setUint32(20, 2 ** 31))).toThrow("extra data");
  expect(refused({}, (view) => view.setUint16(18, 1024))).toThrow("name size");
  expect(refused({}, (view) => view.setUint16(18, 100))).toThrow("name size");
  const wrongExtension = (change: (view: DataView) => void): (() => unknown) => {
    const { store, header } = stored(encodeDirectory([bitmap()])!, 1, change);
    return () => readBitmaps(store, header);
  };
  expect(wrongExtension((view) => view.setUint32(0, 2))).toThrow("too few bitmaps");
  expect(wrongExtension((view) => view.setUint32(4, 1))).toThrow("reserved");
  expect(wrongExtension((view) => view.setBigUint64(8, 1n << 40n))).toThrow("directory size");
  expect(wrongExtension((view) => view.setBigUint64(16, 100n))).toThrow("directory offset");
  expect(wrongExtension((view) => view.setBigUint64(16, 1n << 40n))).toThrow("type");
});

const GRANULARITY_BITS = 9;
const BITS = 40_001;
const DISK = 40_000 * 512 + 100;
const someRanges = fc.array(fc.tuple(fc.nat(DISK - 1), fc.integer({ min: 1, max: 2_000_000 })), { maxLength: 6 });
const somePage = fc.constantFrom(512, 1024, 4096);

/** A byte for each bit. */
function modelOf(ranges: readonly (readonly [offset: number, lengthBytes: number])[]): Uint8Array {
  const model = new Uint8Array(BITS);
  for (const [offset, length] of ranges) model.fill(1, Math.floor(offset / 512), Math.ceil(Math.min(DISK, offset + length) / 512));
  return model;
}

/** The bits of a model by pages, those that are alike told as such. */
function bitsOf(model: Uint8Array, pageBytes: number): BitmapBits {
  return new BitmapBits(GRANULARITY_BITS, DISK, pageBytes, (page) => {
    const bits = new Uint8Array(pageBytes);
    for (let bit = 0; bit < pageBytes * 8; bit++) if (model[page * pageBytes * 8 + bit] === 1) bits[bit >>> 3]! |= 1 << (bit % 8);
    if (bits.every((byte) => byte === 0)) return "none";
    return bits.every((byte) => byte === 0xff) ? "all" : bits;
  });
}

test("runs tell of each bit that is set, whatever the pages", () => {
  fc.assert(
    fc.property(someRanges, somePage, (ranges, pageBytes) => {
      const model = modelOf(ranges);
      const told: [number, number][] = [];
      let last = -1;
      for (const { offset, lengthBytes } of bitsOf(model, pageBytes).runs()) {
        // Each ends where a bit is not set.
        expect(offset).toBeGreaterThan(last);
        last = offset + lengthBytes;
        told.push([offset, lengthBytes]);
      }
      expect(Buffer.compare(modelOf(told), model)).toBe(0);
    }),
    { numRuns: 50 },
  );
  expect(tableSizeFor(DISK, GRANULARITY_BITS, 512)).toBe(10);
});

test("pages with the runs of another bitmap have the bits of both, each page once and in order", () => {
  fc.assert(
    fc.property(someRanges, someRanges, somePage, somePage, (ranges, others, pageBytes, otherPages) => {
      const [model, other] = [modelOf(ranges), modelOf(others)];
      let last = -1;
      for (const { index, page } of bitsOf(model, pageBytes).pagesWith(bitsOf(other, otherPages).runs())) {
        expect(index).toBeGreaterThan(last);
        last = index;
        for (let bit = 0; bit < pageBytes * 8; bit++) {
          const at = index * pageBytes * 8 + bit;
          if (at < BITS && (page === "all" || (page !== "none" && ((page[bit >>> 3]! >> (bit % 8)) & 1) === 1))) model[at] = 2;
        }
      }
      expect(model.map((bit) => Math.min(bit, 1))).toEqual(modelOf([...ranges, ...others]));
      // What has no bit in the other one is not touched.
      for (let bit = 0; bit < BITS; bit++) if (other[bit] === 1) expect(model[bit]).toBe(2);
    }),
    { numRuns: 25 },
  );
});

test("what is recorded is what was marked, in pieces and whole pages", () => {
  fc.assert(
    fc.property(someRanges, somePage, (ranges, pageBytes) => {
      const recorded = new RecordedBits(GRANULARITY_BITS, DISK, pageBytes);
      for (const [offset, length] of ranges) recorded.mark(offset, length);
      const told = new Uint8Array(BITS);
      for (const { first, end } of recorded.wholePages) told.fill(1, first * pageBytes * 8, end * pageBytes * 8);
      for (const [index, piece] of recorded.pieces) {
        for (let bit = 0; bit < PIECE_BYTES * 8; bit++) if (((piece[bit >>> 3]! >> (bit % 8)) & 1) === 1) told[index * PIECE_BYTES * 8 + bit] = 1;
      }
      expect(Buffer.compare(told, modelOf(ranges))).toBe(0);
      expect(recorded.held).toBe(recorded.pieces.size + recorded.wholePages.length);
    }),
    { numRuns: 50 },
  );
});
