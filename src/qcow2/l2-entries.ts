/**
 * L2 entries, standard and extended, in one shape: a cluster with its subclusters. A standard entry is a cluster of one subcluster,
 * an extended one (incompatible bit 4) has 32, whose state lies in a second 64-bit word. All words are big-endian.
 *
 * | standard | meaning                        | extended, 1st word | meaning         | extended, 2nd word | meaning                   |
 * |----------|--------------------------------|--------------------|-----------------|--------------------|---------------------------|
 * | 0        | all zeros, whatever the data   | 0-8                | reserved, zero  | 0-31               | subcluster n is allocated |
 * | 1-8      | reserved, zero                 | 9-55               | host offset     | 32-63              | subcluster n-32 is zeros  |
 * | 9-55     | host offset, 0 = none          | 56-61              | reserved, zero  |                    |                           |
 * | 56-61    | reserved, zero                 | 62                 | compressed      |                    |                           |
 * | 62       | compressed                     | 63                 | COPIED          |                    |                           |
 * | 63       | COPIED                         |                    |                 |                    |                           |
 *
 * Compressed: with x = 62 - (cluster_bits - 8), bits 0 to x-1 are the stream's host offset in bytes, bits x to 61 the number of
 * 512-byte sectors beyond the first; the second word of an extended entry shall then be zero. A subcluster is never both allocated and
 * zeros, and none is allocated without a host cluster. Reserved bits are not looked at, as QEMU's reader does not look; a check tells of them, and
 * a write of the entry leaves none. Source: qcow2 specification, "Cluster mapping" and "Extended L2 Entries".
 */
import { Fault, imageProblem } from "../base/fault.ts";
import { INCOMPATIBLE_EXTENDED_L2, INCOMPATIBLE_EXTERNAL_DATA, hasBit } from "./features.ts";
import type { Header } from "./header.ts";

const COPIED = 0x8000_0000;
const COMPRESSED = 0x4000_0000;
const OFFSET_HIGH = 0x00ff_ffff;
const OFFSET_LOW = 0xffff_fe00;
const ZERO = 1;
const WORD = 2 ** 32;
const SUBCLUSTERS = 32;
/** The field of a problem with an entry that contradicts itself. */
export const CONTRADICTING = "subcluster bits";
const ALL = 0xffff_ffff;
/** Offsets above 2^53 - 1 cannot be counted exactly, and no file is that long. */
const MAX_OFFSET_HIGH = 2 ** 21 - 1;
/** A stream from here on, of at most 4 MiB, ends below 2^53. */
const MOST_COMPRESSED_OFFSET = 2 ** 53 - 2 ** 23;

/**
 * What an image says of a subcluster. "placed" and "allocated" have a host cluster: the bytes of "unallocated-placed" are the
 * backing's all the same, those of "zero-allocated" are zeros.
 */
export type SubclusterKind = "unallocated" | "unallocated-placed" | "zero" | "zero-allocated" | "data" | "compressed";

/** How the entries of an image are laid out. */
export interface EntryFormat {
  readonly clusterBits: number;
  readonly clusterSize: number;
  readonly extended: boolean;
  /** Data lies in a file of its own, where host offset 0 is a place like any other: there COPIED says that a cluster has one. */
  readonly externalData: boolean;
  /** 8, or 16 for extended entries. */
  readonly entryBytes: number;
  /** Subclusters of a cluster: 1 or 32. */
  readonly subclusters: number;
  readonly subclusterSize: number;
  /** The bits of all subclusters. */
  readonly allBits: number;
}

/** A cluster as its entry has it. Bit n of `alloc` and `zero` is subcluster n's; both are unsigned. */
export interface ClusterEntry {
  /** There is a host cluster, or a compressed stream. */
  readonly placed: boolean;
  /** Its first byte; 0 where there is none. */
  readonly hostOffset: number;
  /** The host cluster belongs to this entry alone and may be written in place. */
  readonly copied: boolean;
  /** Bytes that the compressed stream may take, up to the end of its last sector; 0 where it is not compressed. */
  readonly compressedBytes: number;
  readonly alloc: number;
  readonly zero: number;
}

export function entryFormat(header: Header): EntryFormat {
  const { clusterBits, clusterSize } = header;
  const extended = hasBit(header.incompatible, INCOMPATIBLE_EXTENDED_L2);
  const subclusters = extended ? SUBCLUSTERS : 1;
  const externalData = hasBit(header.incompatible, INCOMPATIBLE_EXTERNAL_DATA);
  return { clusterBits, clusterSize, extended, externalData, entryBytes: extended ? 16 : 8, subclusters, subclusterSize: clusterSize / subclusters, allBits: extended ? ALL : 1 };
}

/** Bits [from, to) as an unsigned number; to at most 32. */
export const bitRange = (from: number, to: number): number => (to - from === SUBCLUSTERS ? ALL : ((((1 << (to - from)) >>> 0) - 1) << from) >>> 0);

const UNALLOCATED: ClusterEntry = { placed: false, hostOffset: 0, copied: false, compressedBytes: 0, alloc: 0, zero: 0 };

/** @throws Fault when the entry cannot be: an offset that is not a cluster's, contradicting subclusters */
export function decodeCluster(table: DataView, index: number, tableOffset: number, format: EntryFormat): ClusterEntry {
  const at = index * format.entryBytes;
  const high = table.getUint32(at);
  const low = table.getUint32(at + 4);
  const zeroBits = format.extended ? table.getUint32(at + 8) : 0;
  const allocBits = format.extended ? table.getUint32(at + 12) : 0;
  if (high === 0 && low === 0 && zeroBits === 0 && allocBits === 0) return UNALLOCATED;
  // Subcluster bits beside it mean nothing to QEMU's reader either; a check tells of them.
  if ((high & COMPRESSED) !== 0) return decodeCompressed(high, low, format);
  const offsetHigh = high & OFFSET_HIGH;
  const hostOffset = offsetHigh * WORD + ((low & OFFSET_LOW) >>> 0);
  if (offsetHigh > MAX_OFFSET_HIGH || hostOffset % format.clusterSize !== 0) {
    throw badEntry(table, at, tableOffset, format, "host offset", `a multiple of the cluster size (${format.clusterSize}) below 8 PiB`);
  }
  const copied = (high & COPIED) !== 0;
  if (!format.extended) {
    const zero = (low & ZERO) !== 0;
    const placed = hostOffset !== 0 || (format.externalData && copied && !zero);
    return { placed, hostOffset, copied, compressedBytes: 0, alloc: placed && !zero ? 1 : 0, zero: zero ? 1 : 0 };
  }
  const placed = hostOffset !== 0 || (format.externalData && copied);
  if ((zeroBits & allocBits) !== 0) throw badEntry(table, at, tableOffset, format, CONTRADICTING, "no subcluster that is both allocated and zeros");
  if (!placed && allocBits !== 0) throw badEntry(table, at, tableOffset, format, CONTRADICTING, "no allocated subcluster without a host cluster");
  return { placed, hostOffset, copied, compressedBytes: 0, alloc: allocBits, zero: zeroBits };
}

const hexWord = (word: number): string => word.toString(16).padStart(8, "0");

/** @param at byte offset of the entry in its table */
function badEntry(table: DataView, at: number, tableOffset: number, format: EntryFormat, field: string, allowed: string): Fault {
  const second = format.extended ? ` 0x${hexWord(table.getUint32(at + 8))}${hexWord(table.getUint32(at + 12))}` : "";
  return new Fault(imageProblem("L2 table", field, tableOffset + at, `entry 0x${hexWord(table.getUint32(at))}${hexWord(table.getUint32(at + 4))}${second}`, allowed));
}

function decodeCompressed(high: number, low: number, format: EntryFormat): ClusterEntry {
  // x lies between 49 (2 MiB clusters) and 61 (512 bytes), always in the high word.
  const x = 62 - (format.clusterBits - 8);
  const body = high & 0x3fff_ffff;
  // Beyond what can be counted exactly no file has anything, and a stream is met there as behind any end.
  const offsetHigh = body & (2 ** (x - 32) - 1);
  const hostOffset = offsetHigh > MAX_OFFSET_HIGH ? MOST_COMPRESSED_OFFSET : offsetHigh * WORD + low;
  return { placed: true, hostOffset, copied: false, compressedBytes: ((body >>> (x - 32)) + 1) * 512 - (hostOffset % 512), alloc: 0, zero: 0 };
}

/** What is written of an entry that is not compressed. */
export type EntryWords = Pick<ClusterEntry, "hostOffset" | "copied" | "alloc" | "zero">;

/** Writes an entry that is not compressed; COPIED stands only beside a host cluster. */
export function encodeCluster(table: DataView, index: number, format: EntryFormat, entry: EntryWords): void {
  const at = index * format.entryBytes;
  const { hostOffset } = entry;
  table.setUint32(at, (Math.floor(hostOffset / WORD) | (entry.copied && (hostOffset !== 0 || format.externalData) ? COPIED : 0)) >>> 0);
  table.setUint32(at + 4, (hostOffset % WORD) + (format.extended ? 0 : entry.zero));
  if (!format.extended) return;
  table.setUint32(at + 8, entry.zero);
  table.setUint32(at + 12, entry.alloc);
}

/** Writes the entry of a compressed stream of `lengthBytes` at a host offset. */
export function encodeCompressedCluster(table: DataView, index: number, format: EntryFormat, hostOffset: number, lengthBytes: number): void {
  const at = index * format.entryBytes;
  const x = 62 - (format.clusterBits - 8);
  const moreSectors = Math.floor((hostOffset + lengthBytes - 1) / 512) - Math.floor(hostOffset / 512);
  table.setUint32(at, (COMPRESSED | (moreSectors << (x - 32)) | Math.floor(hostOffset / WORD)) >>> 0);
  table.setUint32(at + 4, hostOffset % WORD);
  if (!format.extended) return;
  table.setUint32(at + 8, 0);
  table.setUint32(at + 12, 0);
}

/** Whether nothing at all is stored in the entry. */
export function isBlank(table: DataView, index: number, format: EntryFormat): boolean {
  for (let at = index * format.entryBytes; at < (index + 1) * format.entryBytes; at += 4) if (table.getUint32(at) !== 0) return false;
  return true;
}

/** How many entries from `index` on, below `end`, have nothing stored in them. A hot loop of writing: no objects. */
export function countBlank(table: DataView, index: number, end: number, format: EntryFormat): number {
  const stop = end * format.entryBytes;
  let at = index * format.entryBytes;
  while (at < stop && table.getUint32(at) === 0 && table.getUint32(at + 4) === 0) at += 8;
  return Math.floor(at / format.entryBytes) - index;
}

/**
 * Writes the entries of `count` clusters that are data from now on and this disk's alone, host cluster by host cluster from `hostOffset`.
 * @param firstAlloc the subclusters of the first that are data, @param lastAlloc those of the last; between them all are
 */
export function encodeDataRun(table: DataView, index: number, count: number, format: EntryFormat, hostOffset: number, firstAlloc: number, lastAlloc: number): void {
  const high = Math.floor(hostOffset / WORD);
  if (format.extended || high !== Math.floor((hostOffset + count * format.clusterSize - 1) / WORD)) {
    for (let nth = 0; nth < count; nth++) {
      const alloc = nth === 0 ? firstAlloc : nth === count - 1 ? lastAlloc : format.allBits;
      encodeCluster(table, index + nth, format, { hostOffset: hostOffset + nth * format.clusterSize, copied: true, alloc, zero: 0 });
    }
    return;
  }
  const word = (high | COPIED) >>> 0;
  let low = hostOffset % WORD;
  for (let at = index * 8; at < (index + count) * 8; at += 8) {
    table.setUint32(at, word);
    table.setUint32(at + 4, low);
    low += format.clusterSize;
  }
}

/** The kind of one subcluster. */
export function subclusterKind(entry: ClusterEntry, subcluster: number): SubclusterKind {
  if (entry.compressedBytes > 0) return "compressed";
  if (((entry.alloc >>> subcluster) & 1) === 1) return "data";
  const zero = ((entry.zero >>> subcluster) & 1) === 1;
  if (!entry.placed) return zero ? "zero" : "unallocated";
  return zero ? "zero-allocated" : "unallocated-placed";
}

/** Whether bytes of this kind lie, or have their place, in the host cluster at the entry's offset. */
export const isPlaced = (kind: SubclusterKind): boolean => kind === "data" || kind === "zero-allocated" || kind === "unallocated-placed";

/**
 * How many standard entries from `index` on, below `end`, go on with `kind`, the placed ones host cluster by host cluster from
 * `hostOffset`. COPIED does not count. The hot loop of reading: it looks at words and makes no objects.
 */
export function countContinuing(table: DataView, index: number, end: number, kind: SubclusterKind, hostOffset: number, clusterSize: number): number {
  const placed = isPlaced(kind);
  const flag = kind === "zero" || kind === "zero-allocated" ? ZERO : 0;
  let wantHigh = placed ? Math.floor(hostOffset / WORD) : 0;
  let wantLow = placed ? hostOffset % WORD : 0;
  let at = index;
  for (; at < end; at++) {
    if (table.getUint32(at * 8 + 4) !== wantLow + flag || ((table.getUint32(at * 8) & ~COPIED) >>> 0) !== wantHigh) break;
    if (!placed) continue;
    wantLow += clusterSize;
    if (wantLow >= WORD) {
      wantLow -= WORD;
      wantHigh++;
    }
  }
  return at - index;
}
