/**
 * Breaks images: a few changes to one, each in a table or in the header, by a seed. Knows where tables lie, so that what it does
 * hurts: overlapping tables, tables that lead to themselves, absurd sizes, offsets beyond 2^53, streams that are none, files cut short.
 */
import type { Random } from "../../base/random.ts";
import { tablesOf } from "./tables.ts";
import type { Table } from "./tables.ts";

const OFFSET = 0x00ff_ffff_ffff_fe00n;
const U64 = (1n << 64n) - 1n;
/** Words that were the ruin of somebody's reader. */
const EVIL_WORDS = [0n, 1n, 1n << 62n, 1n << 63n, (1n << 63n) | 1n, U64, 1n << 53n, (1n << 53n) - 512n, (1n << 52n) | (1n << 63n), 1n << 55n, (3n << 62n) | 0x1000n, 0x7fff_ffff_ffff_fe00n];
const EVIL_NUMBERS = [0, 1, 2, 8, 9, 21, 22, 31, 63, 64, 112, 512, 4096, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff];
/** Fields of the header by their first byte and width: a change there hurts more than one anywhere in its cluster. */
const HEADER_FIELDS: readonly (readonly [number, 4 | 8])[] = [
  [4, 4], [8, 8], [16, 4], [20, 4], [24, 8], [32, 4], [36, 4], [40, 8], [48, 8], [56, 4], [60, 4], [64, 8], [72, 8], [80, 8], [88, 8], [96, 4], [100, 4], [104, 4], [112, 4], [116, 4],
];

export interface Mutant {
  readonly bytes: Uint8Array;
  /** What was done, in words, for whoever has to find out. */
  readonly what: string;
}

export function mutate(image: Uint8Array, random: Random): Mutant {
  const bytes = image.slice();
  const view = new DataView(bytes.buffer);
  const tables = tablesOf((offset, length) => padded(bytes, offset, length), bytes.length);
  const clusterSize = 2 ** view.getUint32(20);
  const done: string[] = [];
  for (let count = 1 + random.below(3); count > 0; count--) {
    done.push(random.chance(0.25) ? changeHeader(view, random, clusterSize) : changeTable(view, random, random.pick(tables), tables, clusterSize));
  }
  if (!random.chance(0.06)) return { bytes, what: done.join("; ") };
  const cut = random.below(bytes.length);
  return { bytes: bytes.slice(0, cut), what: `${done.join("; ")}; cut to ${cut} bytes` };
}

function padded(bytes: Uint8Array, offset: number, length: number): Uint8Array {
  const into = new Uint8Array(length);
  if (offset < bytes.length) into.set(bytes.subarray(offset, offset + length));
  return into;
}

function changeHeader(view: DataView, random: Random, clusterSize: number): string {
  const [at, width] = random.pick(HEADER_FIELDS);
  if (width === 4) {
    const old = view.getUint32(at);
    view.setUint32(at, random.chance(0.3) ? (old ^ (1 << random.below(32))) >>> 0 : random.pick(EVIL_NUMBERS));
    return `header at ${at}: ${old} -> ${view.getUint32(at)}`;
  }
  return changeWord(view, random, "header", at, clusterSize);
}

function changeTable(view: DataView, random: Random, table: Table, tables: readonly Table[], clusterSize: number): string {
  const words = Math.floor((table.end - table.start) / 8);
  if (words === 0) return "nothing";
  // The first entries are those that are in use.
  const at = table.start + 8 * random.below(random.chance(0.7) ? Math.min(words, 24) : words);
  if (random.chance(0.2)) {
    const byte = at + random.below(8);
    const old = view.getUint8(byte);
    view.setUint8(byte, random.chance(0.5) ? random.below(256) : old ^ (1 << random.below(8)));
    return `${table.name} at ${byte}: byte ${old} -> ${view.getUint8(byte)}`;
  }
  if (random.chance(0.35)) {
    // Leads to a table: itself, or another.
    const target = random.chance(0.3) ? table : random.pick(tables);
    return putWord(view, table.name, at, (view.getBigUint64(at) & ~OFFSET) | BigInt(target.start - (target.start % clusterSize)) | (random.chance(0.5) ? 1n << 63n : 0n));
  }
  return changeWord(view, random, table.name, at, clusterSize);
}

function changeWord(view: DataView, random: Random, name: string, at: number, clusterSize: number): string {
  const old = view.getBigUint64(at);
  const clusters = Math.ceil(view.byteLength / clusterSize);
  switch (random.below(5)) {
    case 0:
      return putWord(view, name, at, random.pick(EVIL_WORDS));
    case 1:
      return putWord(view, name, at, (old & ~OFFSET) | BigInt(random.below(clusters + 3) * clusterSize));
    case 2:
      return putWord(view, name, at, old ^ (1n << BigInt(random.below(64))));
    case 3:
      // A compressed cluster of whatever length, wherever.
      return putWord(view, name, at, (1n << 62n) | (BigInt(random.below(1024)) << 54n) | BigInt(random.below(view.byteLength + clusterSize)));
    default:
      return putWord(view, name, at, (old + BigInt(random.pick([1, 511, 512, 513, clusterSize]))) & U64);
  }
}

function putWord(view: DataView, name: string, at: number, value: bigint): string {
  if (at + 8 > view.byteLength) return "nothing";
  const old = view.getBigUint64(at);
  view.setBigUint64(at, value & U64);
  return `${name} at ${at}: ${old.toString(16)} -> ${(value & U64).toString(16)}`;
}
