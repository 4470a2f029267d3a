/**
 * Where an image's bytes live: positioned, synchronous reads and writes on one growing array of bytes.
 *
 * The homes differ (memory, Blob, OPFS access handle, Node file), the rules do not, and one conformance suite proves them all:
 * - read fills as much as the store has; it is short only at the end;
 * - write extends the store; a gap reads as zeros;
 * - nothing written is durable before flush returns;
 * - what the platform refuses becomes a Fault with a StoreProblem; no platform exception leaves this folder.
 */
import { Fault } from "../base/fault.ts";
import type { StoreProblem } from "../base/fault.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import type { DebugEvent } from "./debug-rules.ts";
import type { FileRange } from "./holes.ts";

export interface ByteStore {
  /** What a person would call this store in an error. */
  readonly name: string;
  readonly readOnly: boolean;
  /** What is written here reaches no file: a model's disk. Only there may an image be written in a wrong order. */
  readonly scratch?: true;
  /** Length in bytes. */
  size(): number;
  /** Reads into all of `into` from byte `offset`; returns the count read, less than asked only at the store's end. */
  read(offset: number, into: Uint8Array): number;
  /** Writes all of `from` at byte `offset`. */
  write(offset: number, from: Uint8Array): void;
  /** Sets the length; growth reads as zeros. */
  truncate(size: number): void;
  /** What the file takes of its disk in bytes, holes left out; absent where the platform does not tell. */
  allocated?(): number;
  /**
   * Where the file has holes, in order, its end as one of them; null where that cannot be told, absent where it never can.
   * @param writers what each of those who may have written it stores whole, zeros and all, in order
   */
  holes?(writers: readonly (readonly FileRange[])[]): readonly FileRange[] | null;
  /** What any read costs at least, as bytes that are read; absent where it costs its own. */
  readonly leastReadBytes?: number;
  /** Hears what is about to be done with the store; absent but where rules wait for that (debug-store.ts). */
  event?(event: DebugEvent): void;
  /** Returns when everything written is durable. */
  flush(): void;
  /** Lets go of the platform's handle; any call but close is then a Fault. Does not flush. */
  close(): void;
}

/** QEMU stores that much of a file that gets a length, so that it can tell by reading how a disk wants to be read. */
export const FIRST_BLOCK_BYTES = 4096;

/** Gives a file its length; of one that had none the first block is stored, as QEMU does it, and the rest is a hole. */
export function lengthen(store: ByteStore, size: number): void {
  const before = store.size();
  store.truncate(size);
  if (before === 0 && size > 0) store.write(0, new Uint8Array(size < FIRST_BLOCK_BYTES ? Math.min(size, SECTOR_SIZE) : FIRST_BLOCK_BYTES));
}

/** Reads exactly; bytes beyond the store's end are zeros, as a file system would give for a sparse tail. */
export function readPadded(store: ByteStore, offset: number, into: Uint8Array): void {
  // No store reaches the end of the countable offsets: an entry that says so leads behind every end.
  const count = Number.isSafeInteger(offset + into.length) ? store.read(offset, into) : 0;
  if (count < into.length) into.fill(0, count);
}

/** Reads exactly, or a Fault "short-read": for structures that must lie inside the file. */
export function readExactly(store: ByteStore, offset: number, lengthBytes: number): Uint8Array {
  const into = new Uint8Array(lengthBytes);
  fillExactly(store, offset, into);
  return into;
}

/** As readExactly, into memory that is there. */
export function fillExactly(store: ByteStore, offset: number, into: Uint8Array): void {
  const count = store.read(offset, into);
  if (count !== into.length) throw storeFault(store.name, "short-read", "read", offset, into.length, `the file ends after ${count} bytes of it`);
}

export function storeFault(
  store: string,
  code: StoreProblem["code"],
  operation: StoreProblem["operation"],
  offset: number,
  lengthBytes: number,
  detail: string,
): Fault {
  return new Fault({ kind: "store", code, operation, store, offset, lengthBytes, detail });
}
