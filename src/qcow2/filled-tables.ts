/**
 * Which of many L2 tables have anything in them. Who goes through a disk meets its tables in the guest's order, which need not be the
 * file's: a read by table would cost millions of calls where most tables are empty. Here they are read in the file's order, neighbours
 * with one call, and those without an entry are left out.
 */
import { firstAt } from "../base/search.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { isZero } from "../bytes/zeros.ts";
import type { TableWork } from "./table-work.ts";

const RUN_BYTES = 2 ** 20;
/** What lies between two tables is read along where it is less than another read costs. */
export const GAP_BYTES = 8192;

/** Fewer tables, and fewer bytes of them, are read at once: to find that they are too many takes no longer. */
const MANY = 2 ** 16;
const MANY_BYTES = 2 ** 28;

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
    return this.indexOf(offset) !== -1;
  }

  /** Its index in the order, -1 for one that is not there. */
  indexOf(offset: number): number {
    const index = firstAt(this.offsets.length, (at) => this.offsets[at]! >= offset);
    return this.offsets[index] === offset ? index : -1;
  }
}

/** Drops what stands there more than once. @param sorted in order; its start is overwritten @returns that start */
export function distinct(sorted: Float64Array): Float64Array {
  let count = 0;
  for (let index = 0; index < sorted.length; index++) if (index === 0 || sorted[index] !== sorted[index - 1]) sorted[count++] = sorted[index]!;
  return sorted.subarray(0, count);
}

/**
 * @param offsets of the tables, in order, each once; the array is used up
 * @returns those of tables with anything but zeros, and of those that begin behind the file's end, which nobody can say that of. @throws Fault of the store, and for too much work
 */
export function filledTables(store: ByteStore, offsets: Float64Array, tableBytes: number, work: TableWork): OffsetSet {
  const fileLength = store.size();
  if (offsets.length > MANY || offsets.length * tableBytes > MANY_BYTES) foresee(offsets, tableBytes, fileLength, work);
  const run = new Uint8Array(Math.max(tableBytes, RUN_BYTES));
  let kept = 0;
  const end = forEachRun(offsets, tableBytes, fileLength, (first, behind, lengthBytes) => {
    const start = offsets[first]!;
    const bytes = run.subarray(0, lengthBytes);
    work.read(bytes.length);
    readPadded(store, start, bytes);
    if (isZero(bytes)) return;
    for (let index = first; index < behind; index++) {
      const offset = offsets[index]!;
      if (!isZero(run.subarray(offset - start, offset - start + tableBytes))) offsets[kept++] = offset;
    }
  });
  for (let index = end; index < offsets.length; index++) offsets[kept++] = offsets[index]!;
  return new OffsetSet(offsets.slice(0, kept));
}

/** @throws Fault where the tables are too much work, before any is read */
function foresee(offsets: Float64Array, tableBytes: number, fileLength: number, work: TableWork): void {
  let [reads, readBytes] = [0, 0];
  forEachRun(offsets, tableBytes, fileLength, (_first, _behind, lengthBytes) => {
    reads++;
    readBytes += lengthBytes;
  });
  work.foresee(reads, readBytes);
}

/** Tables that are read with one call, [first, behind) of the offsets. @returns the index of the first that begins behind the file's end */
function forEachRun(offsets: Float64Array, tableBytes: number, fileLength: number, act: (first: number, behind: number, lengthBytes: number) => void): number {
  const most = Math.max(tableBytes, RUN_BYTES);
  let index = 0;
  while (index < offsets.length && offsets[index]! < fileLength) {
    const start = offsets[index]!;
    let end = start + tableBytes;
    let behind = index + 1;
    for (; behind < offsets.length; behind++) {
      const next = offsets[behind]!;
      if (next > end + GAP_BYTES || next + tableBytes - start > most || next >= fileLength) break;
      end = next + tableBytes;
    }
    act(index, behind, end - start);
    index = behind;
  }
  return index;
}
