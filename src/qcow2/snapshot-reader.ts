/**
 * Reading the snapshot table entry by entry, so that none of its length need be in memory. What lies behind the file's end reads as zeros,
 * and an entry of zeros is a snapshot without name, id or clusters.
 *
 * Two ways: strictly, as for every reader, whom a table beyond the limits is refused; and cutting, as for a repair: extra data that is
 * too long counts by its first 1024 bytes, and entries behind the limits are left out.
 *
 * Source: qcow2 specification, "Snapshots"; the limits, and what is cut, are QEMU's.
 */
import { Fault, imageProblem } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { MAX_SNAPSHOTS } from "./header.ts";
import type { Header } from "./header.ts";
import { FIXED_BYTES, KNOWN_EXTRA_BYTES, MAX_SNAPSHOT_TABLE_BYTES, NO_ICOUNT, padded } from "./snapshots.ts";
import type { Snapshot, SnapshotTable } from "./snapshots.ts";

/** Most extra data of an entry, in bytes. */
export const MAX_EXTRA_BYTES = 1024;
/** Largest distance from the table's start, in bytes, that QEMU counts in. */
const MAX_SPAN = 2 ** 31 - 1;
/** An entry with its names and the most extra data fits into this. */
const WINDOW_BYTES = 2 ** 18;
/** Copies are put into so much at once. */
const SLAB_BYTES = 2 ** 13;

export interface TableEntry {
  readonly index: number;
  readonly snapshot: Snapshot;
  /** As the entry says; where it is more than MAX_EXTRA_BYTES, the snapshot has the first of them. */
  readonly extraBytes: number;
}

export interface TableEnd {
  /** Bytes from the table's start to the end of the last entry, on the disk. */
  readonly lengthBytes: number;
  /** Entries that were left out: more than may be, and behind them those that a table of that length has no room for. */
  readonly tooMany: number;
  readonly tooLong: number;
}

/** Reads ahead, so that small entries do not cost a read each. */
class Window {
  private readonly store: ByteStore;
  private readonly bytes = new Uint8Array(WINDOW_BYTES);
  private start = 0;
  private length = 0;

  constructor(store: ByteStore) {
    this.store = store;
  }

  /** Bytes that are lent until the next call. */
  read(offset: number, lengthBytes: number): DataView {
    if (offset < this.start || offset + lengthBytes > this.start + this.length) {
      this.start = offset;
      this.length = this.length === 0 ? Math.max(lengthBytes, 2 ** 12) : WINDOW_BYTES;
      readPadded(this.store, offset, this.bytes.subarray(0, this.length));
    }
    return new DataView(this.bytes.buffer, offset - this.start, lengthBytes);
  }
}

/** Copies of short texts, many in one piece of memory: of 65,536 snapshots each by itself takes ten times its length. */
class Copies {
  private slab = new Uint8Array(0);
  private used = 0;

  of(view: DataView, at: number, lengthBytes: number): Uint8Array {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + at, lengthBytes);
    if (lengthBytes > SLAB_BYTES / 8) return bytes.slice();
    if (this.used + lengthBytes > this.slab.length) {
      this.slab = new Uint8Array(SLAB_BYTES);
      this.used = 0;
    }
    const copy = this.slab.subarray(this.used, this.used + lengthBytes);
    this.used += lengthBytes;
    copy.set(bytes);
    return copy;
  }
}

/**
 * The table's entries one by one.
 * @param cutting reads a table beyond the limits as a repair will leave it
 * @throws Fault for such a table where nothing is cut, and for a place that cannot be
 */
export function* snapshotEntries(store: ByteStore, header: Pick<Header, "snapshotsOffset" | "snapshotCount">, cutting: boolean): Generator<TableEntry, TableEnd, void> {
  const start: number = header.snapshotsOffset;
  // A check opens an image before it judges the header's word for the place, and behind 2^53 no entry could be told from the next.
  if (header.snapshotCount > 0 && !Number.isSafeInteger(start)) throw new Fault(imageProblem("snapshot table", "snapshots_offset", 64, start, "a multiple of the cluster size"));
  if (header.snapshotCount > MAX_SNAPSHOTS && !cutting) throw new Fault(imageProblem("header", "nb_snapshots", 60, header.snapshotCount, `at most ${MAX_SNAPSHOTS}`));
  const count = cutting ? Math.min(header.snapshotCount, MAX_SNAPSHOTS) : header.snapshotCount;
  const tooMany = header.snapshotCount - count;
  const window = new Window(store);
  const copies = new Copies();
  let end = 0;
  // Of the table as it will be, where extra data is cut.
  let keptEnd = 0;
  for (let index = 0; index < count; index++) {
    const at = start + padded(end);
    const fixed = window.read(at, FIXED_BYTES);
    const [idBytes, nameBytes, extraBytes] = [fixed.getUint16(12), fixed.getUint16(14), fixed.getUint32(36)];
    const keptExtra = Math.min(extraBytes, MAX_EXTRA_BYTES);
    if (keptExtra < extraBytes && !cutting) throw new Fault(imageProblem(`snapshot table entry ${index}`, "extra_data_size", at + 36, extraBytes, `at most ${MAX_EXTRA_BYTES}`));
    const entryEnd = padded(end) + FIXED_BYTES + extraBytes + idBytes + nameBytes;
    keptEnd = padded(keptEnd) + FIXED_BYTES + keptExtra + idBytes + nameBytes;
    if (keptEnd > MAX_SNAPSHOT_TABLE_BYTES || entryEnd > MAX_SPAN) {
      if (cutting) return { lengthBytes: end, tooMany, tooLong: count - index };
      throw new Fault(imageProblem("snapshot table", "entries behind its first 64 MiB", at, count - index, "0"));
    }
    const snapshot = decodeEntry(window, copies, at, keptExtra, { extraBytes, idBytes, nameBytes });
    end = entryEnd;
    yield { index, snapshot, extraBytes };
  }
  return { lengthBytes: end, tooMany, tooLong: 0 };
}

interface Lengths {
  readonly extraBytes: number;
  readonly idBytes: number;
  readonly nameBytes: number;
}

/** One entry: its fixed part, and extra data, id and name behind it. */
function decodeEntry(window: Window, copies: Copies, at: number, keptExtra: number, { extraBytes, idBytes, nameBytes }: Lengths): Snapshot {
  const fixed = window.read(at, FIXED_BYTES + keptExtra);
  const icount = keptExtra >= 24 ? fixed.getBigUint64(FIXED_BYTES + 16) : NO_ICOUNT;
  const unknown = Math.max(0, keptExtra - KNOWN_EXTRA_BYTES);
  const told = {
    l1Offset: Number(fixed.getBigUint64(0)),
    l1Size: fixed.getUint32(8),
    dateSeconds: fixed.getUint32(16),
    dateNanoseconds: fixed.getUint32(20),
    vmClock: fixed.getBigUint64(24),
    vmStateBytes: keptExtra >= 8 ? fixed.getBigUint64(FIXED_BYTES) : BigInt(fixed.getUint32(32)),
    diskSize: keptExtra >= 16 ? fixed.getBigUint64(FIXED_BYTES + 8) : null,
    icount: icount === NO_ICOUNT ? null : icount,
    unknownExtra: unknown === 0 ? NO_BYTES : copies.of(fixed, FIXED_BYTES + KNOWN_EXTRA_BYTES, unknown),
  };
  const names = window.read(at + FIXED_BYTES + extraBytes, idBytes + nameBytes);
  return { ...told, id: untilNul(copies.of(names, 0, idBytes)), name: untilNul(copies.of(names, idBytes, nameBytes)) };
}

const NO_BYTES = new Uint8Array(0);

/** Who wrote these for programs in C ended them at the first zero. */
function untilNul(text: Uint8Array): Uint8Array {
  const end = text.indexOf(0);
  return end < 0 ? text : text.subarray(0, end);
}

/** Reads the whole table. @throws Fault for one beyond the limits, unless it is cut */
export function readSnapshotTable(store: ByteStore, header: Pick<Header, "snapshotsOffset" | "snapshotCount">, cutting = false): SnapshotTable {
  const snapshots: Snapshot[] = [];
  const entries = snapshotEntries(store, header, cutting);
  for (;;) {
    const next = entries.next();
    if (next.done === true) return { snapshots, lengthBytes: next.value.lengthBytes };
    snapshots.push(next.value.snapshot);
  }
}
