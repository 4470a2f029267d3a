/**
 * Persistent bitmaps: the header extension, the directory, and the entries of a bitmap's table; decode and encode.
 *
 * | byte | width | extension        | byte | width | directory entry                                 |
 * |------|-------|------------------|------|-------|-------------------------------------------------|
 * | 0    | 4     | number           | 0    | 8     | table's host offset                             |
 * | 4    | 4     | zero             | 8    | 4     | entries of the table                            |
 * | 8    | 8     | directory size   | 12   | 4     | flags: 0 in_use, 1 auto                         |
 * | 16   | 8     | directory offset | 16   | 1     | type, 1                                         |
 * |      |       |                  | 17   | 1     | granularity_bits, 9 to 31                       |
 * |      |       |                  | 18   | 2     | name size                                       |
 * |      |       |                  | 20   | 4     | extra data size, 0; then the name, padded to 8  |
 *
 * A table entry is 0 (all clear), 1 (all set), or the host offset of a cluster of bits, the lowest bit of a byte first.
 * Bitmaps count only while their autoclear bit is set: a program that does not know them clears it when it writes.
 * Source: qcow2 specification, "Bitmaps"; the limits, and that extra data is refused, are QEMU's.
 */
import { Fault, imageProblem } from "../base/fault.ts";
import type { ImageProblem } from "../base/fault.ts";
import { divideRoundUp } from "../base/units.ts";
import { viewOf } from "../base/view.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readExactly, readPadded } from "../bytes/byte-store.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { AUTOCLEAR_BITMAPS, hasBit } from "./features.ts";
import { BITMAPS_MAGIC } from "./header.ts";
import type { Header } from "./header.ts";
import { textOf } from "./snapshots.ts";

export interface Bitmap {
  readonly name: Uint8Array;
  readonly tableOffset: number;
  /** Entries of the table. */
  readonly tableSize: number;
  /** Somebody was changing it and has not stored it: what the image has of it is not true. */
  readonly inUse: boolean;
  /** Writes are to be recorded in it. */
  readonly auto: boolean;
  readonly granularityBits: number;
}

/** A bitmap, and where in the file its directory entry lies. */
export interface PlacedBitmap extends Bitmap {
  readonly entryAt: number;
}

/** Without its name: those of 65,535 bitmaps are 64 MiB. */
export type UnnamedBitmap = Omit<PlacedBitmap, "name">;

export interface BitmapDirectory {
  readonly bitmaps: readonly PlacedBitmap[];
  readonly offset: number;
  readonly lengthBytes: number;
}

/** Why something about a bitmap is refused. */
export type BitmapProblem = { readonly kind: "bitmap"; readonly bitmap: string } & (
  | { readonly code: "not-found" | "exists" | "inconsistent" | "no-name" | "name-too-long" | "too-many" | "format-without" | "version-2" | "no-disk" | "too-large" | "granularity" }
  /** Bitmaps of disks of different sizes, in bytes. */
  | { readonly code: "sizes-differ"; readonly size: number; readonly sourceSize: number }
);

const MAX_BITMAPS = 65535;
export const MAX_BITMAP_NAME_BYTES = 1023;
export const MIN_GRANULARITY_BITS = 9;
export const MAX_GRANULARITY_BITS = 31;
const MAX_DIRECTORY_BYTES = 1024 * MAX_BITMAPS;
/** Bits of one bitmap, in bytes. */
const MAX_BITS_BYTES = 512 * 2 ** 20;
const MAX_TABLE_ENTRIES = 0x8000000;
/** Tables of bitmaps that are gone through in any file. */
const FREE_TABLE_BYTES = 2 ** 27;
/** Of the directory, as much as is read at once. */
const DIRECTORY_PIECE = 2 ** 20;
const EXTENSION_BYTES = 24;
const FIXED_BYTES = 24;
const IN_USE = 1;
const AUTO = 2;
const TRACKING = 1;
/** What a table says of a page of which every bit is set. */
export const ALL_ONES = 1;
/** Offsets within a directory entry: behind the table's place follow its size and the flags. */
export const TABLE_SIZE_AT = 8;
export const FLAGS_AT = 12;
export const PLACE_BYTES = 16;

export const directoryEntryBytes = (nameBytes: number): number => Math.ceil((FIXED_BYTES + nameBytes) / 8) * 8;

/** Entries of a table for a disk of that size. */
export function tableSizeFor(diskSize: number, granularityBits: number, clusterSize: number): number {
  return divideRoundUp(divideRoundUp(divideRoundUp(diskSize, 2 ** granularityBits), 8), clusterSize);
}

/** Whether QEMU would hold a bitmap of so many bits. */
export const fitsLimits = (diskSize: number, granularityBits: number, clusterSize: number): boolean =>
  divideRoundUp(divideRoundUp(diskSize, 2 ** granularityBits), 8) <= MAX_BITS_BYTES && tableSizeFor(diskSize, granularityBits, clusterSize) <= MAX_TABLE_ENTRIES;

/** Whether there are bitmaps that a program without knowledge of them has made untrue. */
export const hasStaleBitmaps = (header: Header): boolean => !hasBit(header.autoclear, AUTOCLEAR_BITMAPS) && header.extensions.some(({ magic }) => magic === BITMAPS_MAGIC);

/** The image's bitmaps; null where it has none that count. @throws Fault for an extension or a directory that cannot be */
export function readBitmaps(store: ByteStore, header: Header): BitmapDirectory | null {
  const bitmaps: PlacedBitmap[] = [];
  const place = forEachBitmap(store, header, (bitmap) => bitmaps.push({ ...bitmap, name: bitmap.name.slice() }));
  return place === null ? null : { bitmaps, ...place };
}

/**
 * As readBitmaps, one by one, each name lent until the next: of 65,535 with long names the names are 64 MiB, and whoever only looks at each need not have them all.
 * Nothing is acted on before all of the directory was found to be as it must.
 */
export function forEachBitmap(store: ByteStore, header: Header, act: (bitmap: PlacedBitmap) => void): Omit<BitmapDirectory, "bitmaps"> | null {
  // Of several the last one counts, as in QEMU.
  const extension = header.extensions.findLast(({ magic }) => magic === BITMAPS_MAGIC);
  if (extension === undefined || !hasBit(header.autoclear, AUTOCLEAR_BITMAPS)) return null;
  const { data, hostOffset } = extension;
  const bad = (field: string, at: number, found: string | number, allowed: string): Fault => new Fault(imageProblem("bitmaps extension", field, hostOffset + at, found, allowed));
  if (data.length !== EXTENSION_BYTES) throw bad("length", -4, data.length, `${EXTENSION_BYTES} bytes`);
  const view = viewOf(data);
  const count = view.getUint32(0);
  const [lengthBytes, offset] = [Number(view.getBigUint64(8)), Number(view.getBigUint64(16))];
  if (count === 0 || count > MAX_BITMAPS) throw bad("number of bitmaps", 0, count, `1 to ${MAX_BITMAPS}`);
  if (view.getUint32(4) !== 0) throw bad("reserved field", 4, view.getUint32(4), "0");
  if (lengthBytes === 0 || lengthBytes > MAX_DIRECTORY_BYTES) throw bad("directory size", 8, lengthBytes, `1 to ${MAX_DIRECTORY_BYTES} bytes`);
  if (offset % header.clusterSize !== 0) throw bad("directory offset", 16, offset, "a multiple of the cluster size");
  const directory = new DirectoryBytes(store, offset, lengthBytes);
  let found = 0;
  for (let at = 0; at < lengthBytes; found++) at += directoryEntryBytes(decodeDirectoryEntry(directory, at, found, header).name.length);
  if (found !== count) throw bad(found < count ? "too few bitmaps" : "too many bitmaps", 0, count, `the ${found} of the directory`);
  for (let at = 0, index = 0; at < lengthBytes; index++) {
    const bitmap = decodeDirectoryEntry(directory, at, index, header);
    act(bitmap);
    at += directoryEntryBytes(bitmap.name.length);
  }
  return { offset, lengthBytes };
}

/** A directory's bytes, read piece by piece as they are come to. What lies behind the file's end is zeros, as QEMU reads it, which are no entry. */
export class DirectoryBytes {
  readonly offset: number;
  readonly length: number;
  private readonly store: ByteStore;
  private room = new Uint8Array(0);
  private piece = this.room;
  private pieceAt = 0;

  constructor(store: ByteStore, offset: number, length: number) {
    this.store = store;
    this.offset = offset;
    this.length = length;
  }

  /** Bytes of the directory from `at` on, as far as it goes, lent until the next are asked for. */
  from(at: number, length: number): Uint8Array {
    const end = Math.min(at + length, this.length);
    if (at < this.pieceAt || end > this.pieceAt + this.piece.length) {
      const wanted = Math.min(Math.max(length, DIRECTORY_PIECE), this.length - at);
      // Of a long directory each piece goes where the last one was: nothing that has been looked at lies about.
      if (this.room.length < wanted) this.room = new Uint8Array(wanted);
      this.piece = this.room.subarray(0, wanted);
      this.pieceAt = at;
      readPadded(this.store, this.offset + at, this.piece);
    }
    return this.piece.subarray(at - this.pieceAt, end - this.pieceAt);
  }
}

/** @param index of the entry among all */
function decodeDirectoryEntry(directory: DirectoryBytes, at: number, index: number, header: Header): PlacedBitmap {
  const { offset } = directory;
  let name: Uint8Array | null = null;
  const bad = (field: string, byte: number, found: string | number, allowed: string): Fault =>
    new Fault(imageProblem(`bitmap directory entry ${index}${name === null ? "" : ` ('${textOf(name)}')`}`, field, offset + at + byte, found, allowed));
  if (at + FIXED_BYTES > directory.length) throw bad("length", 0, directory.length - at, `at least ${FIXED_BYTES} bytes`);
  const bytes = directory.from(at, FIXED_BYTES + MAX_BITMAP_NAME_BYTES);
  const view = viewOf(bytes);
  const nameBytes = view.getUint16(18);
  const extraBytes = view.getUint32(20);
  // As QEMU counts, in 32 bits: extra data of 2 GiB and more ends before the directory does.
  if (at + (directoryEntryBytes(nameBytes + extraBytes) | 0) > directory.length) throw bad("name size", 18, nameBytes, "a name inside the directory");
  if (extraBytes !== 0) throw bad("extra data size", 20, extraBytes, "0: extra data is not supported");
  if (nameBytes > MAX_BITMAP_NAME_BYTES) throw bad("name size", 18, nameBytes, `at most ${MAX_BITMAP_NAME_BYTES}`);
  name = bytes.subarray(FIXED_BYTES, FIXED_BYTES + nameBytes);
  const flags = view.getUint32(FLAGS_AT);
  const bitmap: PlacedBitmap = {
    name,
    tableOffset: Number(view.getBigUint64(0)),
    tableSize: view.getUint32(8),
    inUse: (flags & IN_USE) !== 0,
    auto: (flags & AUTO) !== 0,
    granularityBits: view.getUint8(17),
    entryAt: offset + at,
  };
  const { tableOffset, tableSize, granularityBits } = bitmap;
  if (flags > 3) throw bad("flags", FLAGS_AT, flags, "bits 0 and 1");
  if (view.getUint8(16) !== TRACKING) throw bad("type", 16, view.getUint8(16), String(TRACKING));
  if (granularityBits < MIN_GRANULARITY_BITS || granularityBits > MAX_GRANULARITY_BITS) throw bad("granularity_bits", 17, granularityBits, `${MIN_GRANULARITY_BITS} to ${MAX_GRANULARITY_BITS}`);
  if (tableOffset === 0 || tableOffset % header.clusterSize !== 0 || !Number.isSafeInteger(tableOffset)) throw bad("table offset", 0, tableOffset, "a multiple of the cluster size, not 0");
  // One that is in use may be of another size of the disk.
  const needed = bitmap.inUse ? 1 : tableSizeFor(header.virtualSize, granularityBits, header.clusterSize);
  if (tableSize === 0 || tableSize < needed || tableSize * header.clusterSize > MAX_BITS_BYTES) throw bad("table size", 8, tableSize, `${Math.max(1, needed)} to ${MAX_BITS_BYTES / header.clusterSize} entries`);
  return bitmap;
}

const flagsOf = ({ inUse, auto }: Pick<Bitmap, "inUse" | "auto">): number => (inUse ? IN_USE : 0) | (auto ? AUTO : 0);

/** The directory's bytes, or null when they would be more than QEMU reads. */
export function encodeDirectory(bitmaps: readonly Bitmap[]): Uint8Array | null {
  const lengthBytes = bitmaps.reduce((sum, { name }) => sum + directoryEntryBytes(name.length), 0);
  if (lengthBytes > MAX_DIRECTORY_BYTES || bitmaps.length > MAX_BITMAPS) return null;
  const directory = new Uint8Array(lengthBytes);
  const view = new DataView(directory.buffer);
  let at = 0;
  for (const bitmap of bitmaps) {
    directory.set(encodePlace(bitmap), at);
    view.setUint8(at + 16, TRACKING);
    view.setUint8(at + 17, bitmap.granularityBits);
    view.setUint16(at + 18, bitmap.name.length);
    directory.set(bitmap.name, at + FIXED_BYTES);
    at += directoryEntryBytes(bitmap.name.length);
  }
  return directory;
}

/** The first 16 bytes of a directory entry: where the table is, and the flags. */
export function encodePlace(bitmap: Pick<Bitmap, "tableOffset" | "tableSize" | "inUse" | "auto">): Uint8Array {
  const place = new Uint8Array(PLACE_BYTES);
  const view = new DataView(place.buffer);
  view.setBigUint64(0, BigInt(bitmap.tableOffset));
  view.setUint32(TABLE_SIZE_AT, bitmap.tableSize);
  view.setUint32(FLAGS_AT, flagsOf(bitmap));
  return place;
}

/** The data of the header extension. */
export function encodeBitmapsExtension(count: number, directory: { offset: number; lengthBytes: number }): Uint8Array {
  const data = new Uint8Array(EXTENSION_BYTES);
  const view = new DataView(data.buffer);
  view.setUint32(0, count);
  view.setBigUint64(8, BigInt(directory.lengthBytes));
  view.setBigUint64(16, BigInt(directory.offset));
  return data;
}

/** What a table says of each cluster of bits: 0 none set, 1 all set, else the host offset of the bits. */
export function readBitmapTable(store: ByteStore, header: Header, { tableOffset, tableSize }: Pick<Bitmap, "tableOffset" | "tableSize">): Float64Array {
  const view = new DataView(readExactly(store, tableOffset, tableSize * ENTRY_BYTES).buffer);
  const entries = new Float64Array(tableSize);
  for (let index = 0; index < tableSize; index++) {
    const entry = view.getUint32(index * ENTRY_BYTES) * 2 ** 32 + view.getUint32(index * ENTRY_BYTES + 4);
    const allowed = entry === 0 || entry === ALL_ONES || (entry % header.clusterSize === 0 && entry + header.clusterSize <= Number.MAX_SAFE_INTEGER);
    if (!allowed) throw new Fault(imageProblem("bitmap table", "entry", tableOffset + index * ENTRY_BYTES, entry, "0, 1, or a cluster's host offset below 8 PiB"));
    entries[index] = entry;
  }
  return entries;
}

/**
 * As QEMU's reader does when it opens an image: the bitmaps that are true must be whole, or the image is not opened. Tables are gone through
 * up to what the file takes of its disk; more than that are not all in it. @throws Fault naming what cannot be
 */
export function refuseBrokenBitmaps(store: ByteStore, header: Header): void {
  const fileEnd = store.size();
  let room = Math.max(FREE_TABLE_BYTES, store.allocated?.() ?? fileEnd);
  const looked: UnnamedBitmap[] = [];
  forEachBitmap(store, header, ({ name: _, ...bitmap }) => {
    if (bitmap.inUse || room < 0) return;
    room -= bitmap.tableSize * ENTRY_BYTES;
    looked.push(bitmap);
  });
  let broken: { readonly entryAt: number; readonly problem: ImageProblem } | null = null;
  // The last one first: of tables in holes, one behind the other, a system takes small reads in order for one that goes on, and reads all that is between.
  for (const bitmap of looked.reverse()) {
    const problem = brokenBy(store, header, bitmap, fileEnd);
    if (problem !== null) broken = { entryAt: bitmap.entryAt, problem };
  }
  if (broken === null) return;
  const { entryAt, problem } = broken;
  forEachBitmap(store, header, (bitmap) => {
    if (bitmap.entryAt === entryAt) throw new Fault({ ...problem, structure: `bitmap '${textOf(bitmap.name)}'` });
  });
}

/** Why QEMU would not open an image with this bitmap; null where it would. */
function brokenBy(store: ByteStore, header: Header, bitmap: UnnamedBitmap, fileEnd: number): ImageProblem | null {
  const { tableSize, tableOffset, entryAt } = bitmap;
  try {
    // What lies behind the file's end reads as zeros, which are no bits.
    if (tableOffset + tableSize * ENTRY_BYTES <= fileEnd) readBitmapTable(store, header, bitmap);
  } catch (error) {
    if (!(error instanceof Fault) || error.problem.kind !== "image") throw error;
    return { ...error.problem, field: "table" };
  }
  const exact = tableSizeFor(header.virtualSize, bitmap.granularityBits, header.clusterSize);
  return tableSize === exact ? null : imageProblem("bitmap", "table size", entryAt + 8, tableSize, `${exact} entries for the disk's size`);
}

/** @throws Fault for a table that the file ends before: no entry of it can be written without the file growing up to there */
export function requireTableInFile({ tableOffset, tableSize, entryAt }: UnnamedBitmap, fileEnd: number): void {
  if (tableOffset + tableSize * ENTRY_BYTES > fileEnd) throw new Fault(imageProblem("bitmap table", "host offset", entryAt, tableOffset, "a table inside the file"));
}

export function encodeBitmapTable(entries: Float64Array): Uint8Array {
  const table = new Uint8Array(entries.length * ENTRY_BYTES);
  const view = new DataView(table.buffer);
  entries.forEach((entry, index) => view.setBigUint64(index * ENTRY_BYTES, BigInt(entry)));
  return table;
}
