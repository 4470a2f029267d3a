/**
 * How much of an image's tables is gone through. A table that lies in a hole of a sparse file costs nothing to make and is read like any
 * other: a file of a few kilobytes could keep a reader busy for hours. But a table that is true takes its bytes of the disk, and each
 * entry that says anything has eight of them. So beyond an amount that is done with at once, no more is gone through than the file takes
 * of its disk. Where the platform does not tell that, or tells none, its length stands for it. File systems that compress tell how little is left: of a
 * disk with places and no data, a sixteenth, since its tables are all that there is and count upwards.
 */
import { Fault, imageProblem } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { ENTRY_BYTES } from "./entries.ts";

/** The structure of the problem of an image with too much of them, by which its sentence is found. */
export const ALL_TABLES = "image's tables";
/** The smallest cluster, and so the least that a table takes of its disk. */
const LEAST_TABLE_BYTES = 512;

/** How often what a file takes of its disk may be gone through: tables that a file system has compressed. */
const COMPRESSED_TIMES = 16;

/** What is gone through of any file. */
export interface FreeWork {
  readonly readBytes: number;
  readonly reads: number;
  readonly entries: number;
}

/** Each of them is one or two seconds of a processor, holes that the system has to fill with zeros first among them. */
export const FREE_WORK: FreeWork = { readBytes: 2 ** 29, reads: 2 ** 17, entries: 2 ** 23 };

/** Whether what was thrown says that there are more tables than the file can hold. */
export const isTooMuch = ({ problem }: Fault): boolean => problem.kind === "image" && problem.structure === ALL_TABLES;

export class TableWork {
  private readonly store: ByteStore;
  private readonly isDistinct: () => boolean;
  private readonly takenBytes: () => number;
  /** Each read costs a block, however little is asked for: fewer reads are free, and what a file system may have compressed makes it no more. */
  private readonly readsBlocks: boolean;
  private bytes = 0;
  private reads = 0;
  private entriesTaken = 0;
  private mostBytes: number;
  private mostReads: number;
  private mostEntries: number;

  /**
   * @param isDistinct whether no table is gone through more than once; asked when the free work is done
   * @param files that are gone through together, and share what is free
   * @param takenBytes so much of what the file takes is nothing that is gone through, where it is gone through more than once; asked as isDistinct
   */
  constructor(store: ByteStore, free = FREE_WORK, isDistinct = (): boolean => true, files = 1, takenBytes = (): number => 0) {
    this.store = store;
    this.isDistinct = isDistinct;
    this.takenBytes = takenBytes;
    this.mostBytes = free.readBytes / files;
    this.readsBlocks = store.leastReadBytes !== undefined;
    this.mostReads = Math.min(free.reads, free.readBytes / (store.leastReadBytes ?? LEAST_TABLE_BYTES)) / files;
    this.mostEntries = free.entries / files;
  }

  /** So many bytes of tables are about to be read with one call. @throws Fault where that is more than the file can hold */
  read(lengthBytes: number): void {
    this.bytes += lengthBytes;
    if (this.bytes > this.mostBytes) this.holdBytes(this.bytes);
    if (++this.reads > this.mostReads) this.holdReads(this.reads);
  }

  /** So many reads, of so many bytes together, are to follow: where they are too many, none of them need be made. @throws Fault as read */
  foresee(reads: number, lengthBytes: number): void {
    if (this.bytes + lengthBytes > this.mostBytes) this.holdBytes(this.bytes + lengthBytes);
    if (this.reads + reads > this.mostReads) this.holdReads(this.reads + reads);
  }

  private holdBytes(bytes: number): void {
    this.mostBytes = this.held(bytes);
  }

  private holdReads(reads: number): void {
    this.mostReads = this.held(reads * LEAST_TABLE_BYTES, !this.readsBlocks) / LEAST_TABLE_BYTES;
  }

  /** So many entries that lead somewhere are gone through, one that several tables have as often as they have it. @throws Fault as read */
  entries(count: number): void {
    this.entriesTaken += count;
    if (this.entriesTaken > this.mostEntries) this.mostEntries = this.held(this.entriesTaken * ENTRY_BYTES) / ENTRY_BYTES;
  }

  /** @returns most bytes of tables by what the file takes of its disk, which is enough for so many */
  private held(neededBytes: number, mayBeCompressed = true): number {
    // A file with a header takes something: none is what file systems say that do not count, network and user ones among them.
    const told = this.store.allocated?.() ?? 0;
    const heldBytes = told > 0 ? told : this.store.size();
    const forTables = Math.max(0, heldBytes - this.takenBytes());
    if (neededBytes <= forTables) return forTables;
    const distinct = this.isDistinct();
    const times = mayBeCompressed && distinct ? COMPRESSED_TIMES : 1;
    const ofBytes = distinct ? heldBytes : forTables;
    const most = ofBytes * times;
    if (neededBytes > most) throw new Fault(imageProblem(ALL_TABLES, "length", 0, `more than ${neededBytes} bytes`, `at most ${times === 1 ? "" : `${times} times `}the ${ofBytes} bytes that the file takes of its disk${distinct ? "" : " for them"}`));
    return most;
  }
}
