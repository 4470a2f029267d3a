/**
 * Images of which one entry leads to one table: every entry that can lead anywhere, and every table that there is, so that each way in
 * which a write could land on a table is tried once.
 */
import { tablesOf } from "./tables.ts";
import type { Table } from "./tables.ts";
import type { Mutant } from "./mutator.ts";

const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
/** Of a table as many entries, from its first. */
const ENTRIES = 4;

interface Slot {
  readonly name: string;
  /** Where its 64-bit word lies. */
  readonly at: number;
  /** The words that lead to a place, as different kinds of entries have it. */
  readonly wordsFor: (offset: bigint) => readonly bigint[];
}

const plain = (offset: bigint): readonly bigint[] => [offset];
const flagged = (offset: bigint): readonly bigint[] => [offset | COPIED, offset];

/** Each entry led to each table, and each table's cluster counted as free. */
export function* aimedMutants(image: Uint8Array): Generator<Mutant, void, void> {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const clusterSize = 2 ** view.getUint32(20);
  const tables = tablesOf((offset, length) => image.slice(offset, offset + length), image.length);
  const targets = tables.filter(({ start }, index) => tables.findIndex((other) => other.start === start) === index);
  const mutant = (what: string, change: (view: DataView) => void): Mutant => {
    const bytes = image.slice();
    change(new DataView(bytes.buffer));
    return { bytes, what };
  };
  for (const { name, at, wordsFor } of slotsOf(view, tables)) {
    for (const target of targets) {
      for (const word of wordsFor(BigInt(target.start))) {
        if (view.getBigUint64(at) !== word) yield mutant(`${name} at ${at} -> ${target.name} at ${target.start}, as ${word.toString(16)}`, (into) => into.setBigUint64(at, word));
      }
    }
  }
  const block = tables.find(({ name }) => name === "refcount block");
  const bits = 2 ** (view.getUint32(4) >= 3 ? view.getUint32(96) : 4);
  if (block === undefined || bits < 8) return;
  for (const { name, start } of targets) {
    const at = block.start + ((start / clusterSize) * bits) / 8;
    if (at + bits / 8 <= block.end) yield mutant(`count of the ${name} at ${start}: 0`, (into) => new Uint8Array(into.buffer, at, bits / 8).fill(0));
  }
}

function* slotsOf(view: DataView, tables: readonly Table[]): Generator<Slot, void, void> {
  yield { name: "header's L1 table", at: 40, wordsFor: plain };
  yield { name: "header's refcount table", at: 48, wordsFor: plain };
  if (view.getUint32(60) > 0) yield { name: "header's snapshot table", at: 64, wordsFor: plain };
  const clusterBits = view.getUint32(20);
  const compressed = (offset: bigint): readonly bigint[] => [...flagged(offset), offset | COPIED | 1n, offset | COMPRESSED | (1n << BigInt(62 - (clusterBits - 8)))];
  for (const { name, start, end } of tables) {
    const step = name.includes("extended") ? 16 : name === "snapshot table" ? 72 : 8;
    const wordsFor = name.includes("L2 table") ? compressed : name.includes("L1 table") ? flagged : plain;
    if (name === "header" || name === "refcount block" || name === "bits of a bitmap") continue;
    const entries = name === "bitmap directory" || name === "refcount table" ? 1 : ENTRIES;
    for (let index = 0; index < entries && start + index * step + 8 <= end; index++) yield { name, at: start + index * step, wordsFor };
  }
}
