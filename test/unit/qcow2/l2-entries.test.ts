/** L2 entries, standard and extended: every kind by its bits, round trips, what is refused, compressed descriptors, the hot loop against the decoder. */
import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { Random } from "../../../src/base/random.ts";
import { bitRange, countBlank, countContinuing, decodeCluster, encodeCluster, encodeCompressedCluster, encodeDataRun, isBlank, isPlaced, subclusterKind } from "../../../src/qcow2/l2-entries.ts";
import type { EntryFormat } from "../../../src/qcow2/l2-entries.ts";

function formatOf(clusterBits: number, extended = false, externalData = false): EntryFormat {
  const clusterSize = 2 ** clusterBits;
  const subclusters = extended ? 32 : 1;
  return { clusterBits, clusterSize, extended, externalData, entryBytes: extended ? 16 : 8, subclusters, subclusterSize: clusterSize / subclusters, allBits: extended ? 0xffffffff : 1 };
}
const STANDARD = formatOf(16);
const EXTENDED = formatOf(16, true);
const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const OFFSETS = [0x10000, 0x7fff0000, 0x80000000, 0xffff0000, 0x1_0000_0000, 0x12_3456_0000, 2 ** 52, 2 ** 53 - 65536];

const words = (...entries: bigint[]): DataView => {
  const view = new DataView(new ArrayBuffer(entries.length * 8));
  entries.forEach((entry, index) => view.setBigUint64(index * 8, entry));
  return view;
};

function problemOf(act: () => unknown): unknown {
  try {
    return { returned: act() };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.problem;
  }
}

describe("standard entries", () => {
  const cases: readonly [string, bigint, object, string][] = [
    ["nothing", 0n, { placed: false, hostOffset: 0, copied: false, alloc: 0, zero: 0 }, "unallocated"],
    ["zeros without a cluster", 1n, { placed: false, hostOffset: 0, copied: false, alloc: 0, zero: 1 }, "zero"],
    ["data", COPIED | 0x10000n, { placed: true, hostOffset: 0x10000, copied: true, alloc: 1, zero: 0 }, "data"],
    ["shared data", 0x10000n, { placed: true, hostOffset: 0x10000, copied: false, alloc: 1, zero: 0 }, "data"],
    ["zeros with a cluster", COPIED | 0x10001n, { placed: true, hostOffset: 0x10000, copied: true, alloc: 0, zero: 1 }, "zero-allocated"],
    ["COPIED without a cluster", COPIED, { placed: false, hostOffset: 0, copied: true, alloc: 0, zero: 0 }, "unallocated"],
  ];
  test.each(cases)("%s", (_name, word, entry, kind) => {
    const decoded = decodeCluster(words(~0n, word), 1, 0, STANDARD);
    expect(decoded).toEqual({ compressedBytes: 0, ...entry });
    expect(subclusterKind(decoded, 0)).toBe(kind);
  });

  test.each(OFFSETS)("there and back at %i", (hostOffset) => {
    for (const [alloc, zero] of [[1, 0], [0, 1]] as const) {
      const view = words(~0n, ~0n, ~0n);
      encodeCluster(view, 1, STANDARD, { hostOffset, copied: true, alloc, zero });
      expect([view.getBigUint64(0), view.getBigUint64(8), view.getBigUint64(16)]).toEqual([~0n & (2n ** 64n - 1n), COPIED | BigInt(hostOffset) | BigInt(zero), ~0n & (2n ** 64n - 1n)]);
      expect(decodeCluster(view, 1, 0, STANDARD)).toEqual({ placed: true, hostOffset, copied: true, compressedBytes: 0, alloc, zero });
    }
  });

  test("COPIED is written beside a cluster only", () => {
    const view = words(~0n);
    encodeCluster(view, 0, STANDARD, { hostOffset: 0, copied: true, alloc: 0, zero: 1 });
    expect(view.getBigUint64(0)).toBe(1n);
  });

  test.each([1, 2, 7, 8, 56, 60, 61])("reserved bit %i says nothing, and a write leaves it out", (bit) => {
    const view = words(0n, 0x10000n | (1n << BigInt(bit)));
    const entry = decodeCluster(view, 1, 0x50000, STANDARD);
    expect(entry).toEqual({ placed: true, hostOffset: 0x10000, copied: false, compressedBytes: 0, alloc: 1, zero: 0 });
    encodeCluster(view, 1, STANDARD, entry);
    expect(view.getBigUint64(8)).toBe(0x10000n);
  });

  test("an offset that is no cluster's, for every cluster size; one beyond 8 PiB", () => {
    for (let bits = 10; bits <= 21; bits++) {
      expect(problemOf(() => decodeCluster(words(BigInt(2 ** bits + 512)), 0, 0x50000, formatOf(bits)))).toMatchObject({ field: "host offset", hostOffset: 0x50000 });
      expect(decodeCluster(words(BigInt(2 ** bits)), 0, 0, formatOf(bits))).toMatchObject({ placed: true, hostOffset: 2 ** bits });
    }
    expect(problemOf(() => decodeCluster(words(1n << 53n), 0, 0x50000, STANDARD))).toMatchObject({ field: "host offset" });
  });
});

describe("entries over an external data file, where host offset 0 is a place", () => {
  test.each([
    ["standard", formatOf(16, false, true), [COPIED]],
    ["extended", formatOf(16, true, true), [COPIED, 0x0000_0000_ffff_ffffn]],
  ] as const)("%s: COPIED tells", (_name, format, bits) => {
    const entry = decodeCluster(words(...bits), 0, 0, format);
    expect(entry).toMatchObject({ placed: true, hostOffset: 0, copied: true, alloc: format.allBits });
    const view = words(~0n, ~0n);
    encodeCluster(view, 0, format, entry);
    expect(bits.map((_, index) => view.getBigUint64(index * 8))).toEqual([...bits]);
    expect(decodeCluster(words(0n, 0n), 0, 0, format)).toMatchObject({ placed: false });
  });

  test("a zero entry with COPIED alone has no place", () => {
    expect(decodeCluster(words(COPIED | 1n), 0, 0, formatOf(16, false, true))).toMatchObject({ placed: false, zero: 1, alloc: 0 });
  });
});

describe("extended entries", () => {
  test("each subcluster by its two bits", () => {
    const entry = decodeCluster(words(0n, 0n, COPIED | 0x20000n, (0x8000_0002n << 32n) | 0x4000_0001n), 1, 0, EXTENDED);
    expect(entry).toEqual({ placed: true, hostOffset: 0x20000, copied: true, compressedBytes: 0, alloc: 0x4000_0001, zero: 0x8000_0002 });
    expect([0, 1, 2, 29, 30, 31].map((index) => subclusterKind(entry, index))).toEqual(["data", "zero-allocated", "unallocated-placed", "unallocated-placed", "data", "zero-allocated"]);
    const unplaced = decodeCluster(words(0n, 0x8000_0001n << 32n), 0, 0, EXTENDED);
    expect([0, 1, 31].map((index) => subclusterKind(unplaced, index))).toEqual(["zero", "unallocated", "zero"]);
  });

  test("there and back, with random bits", () => {
    const random = new Random(7);
    for (let step = 0; step < 200; step++) {
      const alloc = random.below(2 ** 32);
      const zero = (random.below(2 ** 32) & ~alloc) >>> 0;
      const hostOffset = (1 + random.below(2 ** 30)) * 65536;
      const view = words(0n, 0n, ~0n, ~0n, 0n, 0n);
      encodeCluster(view, 1, EXTENDED, { hostOffset, copied: step % 2 === 0, alloc, zero });
      expect(decodeCluster(view, 1, 0, EXTENDED)).toEqual({ placed: true, hostOffset, copied: step % 2 === 0, compressedBytes: 0, alloc, zero });
      expect([isBlank(view, 0, EXTENDED), isBlank(view, 1, EXTENDED), isBlank(view, 2, EXTENDED)]).toEqual([true, false, true]);
    }
  });

  test.each([
    ["both allocated and zeros", 0x20000n, (1n << 32n) | 1n, "subcluster bits"],
    ["allocated without a cluster", 0n, 1n, "subcluster bits"],
  ])("refused: %s", (_name, first, second, field) => {
    expect(problemOf(() => decodeCluster(words(0n, 0n, first, second), 1, 0x50000, EXTENDED))).toMatchObject({ kind: "image", structure: "L2 table", field, hostOffset: 0x50010 });
  });
});

test.each([1n, 1n << 8n, 1n << 61n])("reserved bit of the first word of an extended entry: %i", (bit) => {
  expect(decodeCluster(words(0x20000n | bit, 1n), 0, 0x50000, EXTENDED)).toEqual({ placed: true, hostOffset: 0x20000, copied: false, compressedBytes: 0, alloc: 1, zero: 0 });
});

describe("compressed entries", () => {
  test.each([1n, 1n << 40n])("subcluster bits %i of one say nothing", (bits) => {
    const [plain, marked] = [words(COMPRESSED | 0x20000n, 0n), words(COMPRESSED | 0x20000n, bits)];
    expect(decodeCluster(marked, 0, 0, EXTENDED)).toEqual(decodeCluster(plain, 0, 0, EXTENDED));
  });

  test.each([9, 10, 12, 14, 16, 18, 20, 21])("descriptors with cluster_bits %i", (bits) => {
    const x = BigInt(62 - (bits - 8));
    const most = 2n ** (62n - x) - 1n;
    for (const offset of [0n, 1n, 511n, 512n, 0x12345n, 0xffff_ffffn, 0x1_2345_6789n, (1n << (x < 53n ? x : 53n)) - 1n]) {
      for (const sectors of [0n, 1n, most]) {
        const entry = decodeCluster(words(COMPRESSED | (sectors << x) | offset), 0, 0, formatOf(bits));
        const room = (Number(sectors) + 1) * 512 - Number(offset % 512n);
        expect(entry, `${offset} and ${sectors} more sectors`).toEqual({ placed: true, hostOffset: Number(offset), copied: false, compressedBytes: room, alloc: 0, zero: 0 });
        expect(subclusterKind(entry, 0)).toBe("compressed");
      }
    }
  });

  test.each([9, 12, 16, 21])("what is written for a stream covers it to the end of its last sector: cluster_bits %i", (bits) => {
    const random = new Random(bits);
    for (const extended of bits >= 14 ? [false, true] : [false]) {
      for (let step = 0; step < 100; step++) {
        const hostOffset = 1 + random.below(2 ** 40);
        const lengthBytes = 1 + random.below(2 ** bits - 1);
        const view = words(~0n, ~0n);
        encodeCompressedCluster(view, 0, formatOf(bits, extended), hostOffset, lengthBytes);
        const { compressedBytes, ...entry } = decodeCluster(view, 0, 0, formatOf(bits, extended));
        expect(entry).toEqual({ placed: true, hostOffset, copied: false, alloc: 0, zero: 0 });
        expect(compressedBytes).toBe(Math.ceil((hostOffset + lengthBytes) / 512) * 512 - hostOffset);
      }
    }
  });

  test("an offset beyond 8 PiB", () => {
    // A stream that far away is behind every file's end, and an entry like any other until it is read.
    const far = decodeCluster(words(COMPRESSED | (1n << 53n)), 0, 0x50000, formatOf(9));
    expect(far.hostOffset + far.compressedBytes).toBeLessThan(2 ** 53);
    expect(far.hostOffset).toBeGreaterThan(2 ** 52);
  });
});

test("ranges of bits", () => {
  expect([bitRange(0, 32), bitRange(0, 1), bitRange(31, 32), bitRange(3, 3), bitRange(4, 8), bitRange(1, 32)]).toEqual([0xffffffff, 1, 0x80000000, 0, 0xf0, 0xfffffffe]);
});

test("the hot loop counts what the decoder calls alike and in line", () => {
  const random = new Random(3);
  const clusterSize = STANDARD.clusterSize;
  const base = 2 ** 32 - 3 * clusterSize;
  for (let round = 0; round < 300; round++) {
    const table = words(...Array.from({ length: 12 }, (_, index) => {
      const offset = BigInt(base + (random.chance(0.9) ? index : random.below(12)) * clusterSize);
      return [0n, 1n, offset | COPIED, offset, offset | 1n][random.chance(0.8) ? (round % 5) : random.below(5)]!;
    }));
    const first = decodeCluster(table, 0, 0, STANDARD);
    const kind = subclusterKind(first, 0);
    let expected = 0;
    for (let index = 1; index < 12; index++, expected++) {
      const next = decodeCluster(table, index, 0, STANDARD);
      if (subclusterKind(next, 0) !== kind || (isPlaced(kind) && next.hostOffset !== first.hostOffset + index * clusterSize)) break;
    }
    expect(countContinuing(table, 1, 12, kind, first.hostOffset + clusterSize, clusterSize), `round ${round}`).toBe(expected);
  }
});

describe("runs of entries that are written together", () => {
  const formats = { standard: STANDARD, extended: EXTENDED, "with an external data file": formatOf(16, false, true) };
  test.each(Object.entries(formats))("blank ones are counted as one by one: %s", (_name, format) => {
    const random = new Random(11);
    for (let turn = 0; turn < 300; turn++) {
      const count = 1 + random.below(12);
      const view = new DataView(new ArrayBuffer(count * format.entryBytes));
      for (let bits = random.below(3); bits > 0; bits--) view.setUint8(random.below(view.byteLength), 1);
      const from = random.below(count);
      let expected = 0;
      while (from + expected < count && isBlank(view, from + expected, format)) expected++;
      expect(countBlank(view, from, count, format)).toBe(expected);
    }
  });

  const hosts = OFFSETS.flatMap((host) => [host, host - 3 * 0x10000]).filter((host) => host > 0 && host + 8 * 0x10000 <= Number.MAX_SAFE_INTEGER);
  test.each(Object.entries(formats))("data is encoded as one by one, over the words' border too: %s", (_name, format) => {
    for (const host of [...hosts, ...(format.externalData ? [0] : [])]) {
      for (const [count, firstAlloc, lastAlloc] of [[1, format.allBits, format.allBits], [8, format.allBits, format.allBits], [5, format.extended ? 0xffff0000 : 1, format.extended ? 7 : 1]] as const) {
        const together = new DataView(new ArrayBuffer(10 * format.entryBytes));
        const single = new DataView(new ArrayBuffer(10 * format.entryBytes));
        encodeDataRun(together, 1, count, format, host, firstAlloc, lastAlloc);
        for (let nth = 0; nth < count; nth++) {
          const alloc = nth === 0 ? firstAlloc : nth === count - 1 ? lastAlloc : format.allBits;
          encodeCluster(single, 1 + nth, format, { hostOffset: host + nth * format.clusterSize, copied: true, alloc, zero: 0 });
        }
        expect(new Uint8Array(together.buffer)).toEqual(new Uint8Array(single.buffer));
      }
    }
  });
});
