/**
 * Which of many L2 tables have anything in them. Who goes through a disk meets its tables in the guest's order, which need not be the
 * file's: a read by table would cost millions of calls where most tables are empty. Here they are read in the file's order, neighbours
 * with one call, and those without an entry are left out.
 */
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";
import type { TableWork } from "./table-work.ts";

const RUN_BYTES = 2 ** 20;
/** What lies between two tables is read along where it is less than another read costs. */
export const GAP_BYTES = 8192;

/** A set of offsets, in order. */
export class OffsetSet {
  private readonly offsets: Float64Array;

  /** @param offsets in order, each once; kept, not copied */
  constructor(offsets: Float64Array) {
    this.offsets = offsets;
  }

  get size(): number {
    return this.offsets.length;
  }

  has(offset: number): boolean {
    const index = this.indexOf(offset);
    return this.offsets[index] === offset;
  }

  /** Where it is, or would be. */
  indexOf(offset: number): number {
    let [low, high] = [0, this.offsets.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.offsets[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/**
 * @param offsets of the tables, in order, each once; the array is used up
 * @returns those of tables with anything but zeros, and of those that begin behind the file's end, which nobody can say that of. @throws Fault of the store, and for too much work
 */
export function filledTables(store: ByteStore, offsets: Float64Array, tableBytes: number, work: TableWork): OffsetSet {
  const run = new Uint8Array(Math.max(tableBytes, RUN_BYTES));
  const fileLength = store.size();
  let kept = 0;
  let index = 0;
  while (index < offsets.length && offsets[index]! < fileLength) {
    const start = offsets[index]!;
    let end = start + tableBytes;
    let behind = index + 1;
    for (; behind < offsets.length; behind++) {
      const next = offsets[behind]!;
      if (next > end + GAP_BYTES || next + tableBytes - start > run.length || next >= fileLength) break;
      end = next + tableBytes;
    }
    const bytes = run.subarray(0, end - start);
    work.read(bytes.length);
    readPadded(store, start, bytes);
    if (isZero(bytes)) index = behind;
    for (; index < behind; index++) {
      const offset = offsets[index]!;
      if (!isZero(run.subarray(offset - start, offset - start + tableBytes))) offsets[kept++] = offset;
    }
  }
  while (index < offsets.length) offsets[kept++] = offsets[index++]!;
  return new OffsetSet(offsets.slice(0, kept));
}
