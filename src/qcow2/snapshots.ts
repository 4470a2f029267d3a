/**
 * The snapshot table: what internal snapshots there are and where their L1 tables lie. snapshot-reader.ts reads it.
 *
 * | byte | width | field             | byte | width | field                                        |
 * |------|-------|-------------------|------|-------|----------------------------------------------|
 * | 0    | 8     | l1_table_offset   | 24   | 8     | vm_clock_nsec                                |
 * | 8    | 4     | l1_size           | 32   | 4     | vm_state_size                                |
 * | 12   | 2     | id_str_size       | 36   | 4     | extra_data_size                              |
 * | 14   | 2     | name_size         | 40   |       | extra data, id, name, padded to 8            |
 * | 16   | 4     | date_sec          | +0   | 8     | extra data: vm_state_size_large              |
 * | 20   | 4     | date_nsec         | +8   | 8     | disk_size, in bytes                          |
 * |      |       |                   | +16  | 8     | icount, all ones for none; then what is unknown |
 *
 * Ids and names are bytes that somebody else chose: they are kept as they are, and text is made of them for showing alone. An L1
 * table that cannot be is no fault of the table's: such a snapshot is listed, and refused where it is used (checkL1).
 *
 * Source: qcow2 specification, "Snapshots"; the limits are QEMU's.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { hostOffset } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { ENTRY_BYTES } from "./entries.ts";
import { MAX_L1_BYTES, MAX_SNAPSHOTS } from "./header.ts";
import type { Header } from "./header.ts";

export interface Snapshot {
  /** Host offset of its L1 table. */
  readonly l1Offset: number;
  /** Entries of its L1 table. */
  readonly l1Size: number;
  readonly id: Uint8Array;
  readonly name: Uint8Array;
  /** When it was taken, seconds since 1970 and nanoseconds of that second. */
  readonly dateSeconds: number;
  readonly dateNanoseconds: number;
  /** How long the guest had run, in nanoseconds. */
  readonly vmClock: bigint;
  /** Bytes of the guest's saved state, which lie behind the disk; 0 for a snapshot of the disk alone. */
  readonly vmStateBytes: bigint;
  /** Size of the disk then, in bytes; null where the entry does not say. */
  readonly diskSize: bigint | null;
  /** Instructions that the guest had run, null where nobody counted. */
  readonly icount: bigint | null;
  /** Extra data beyond what is known here, kept when the table is written anew. */
  readonly unknownExtra: Uint8Array;
}

export interface SnapshotTable {
  readonly snapshots: readonly Snapshot[];
  /** The table's length in bytes; that of a table without snapshots is 0. */
  readonly lengthBytes: number;
}

/** Why something about an internal snapshot is refused. Which it is about is told as it was asked for. */
export interface SnapshotProblem {
  readonly kind: "snapshot";
  readonly code:
    | "not-found"
    /** The image has as many as QEMU reads, or their table would be longer than that. */
    | "too-many"
    /** A count of references would not fit its width. */
    | "refcount-full"
    /** Its disk's tables lead to a cluster that no refcount table of the largest size reaches. */
    | "cluster-too-far"
    /** They lead to a cluster that no refcount block counts. */
    | "cluster-uncounted"
    /** Its L1 table has more entries than QEMU reads. */
    | "l1-too-large"
    /** Its L1 table does not begin at a cluster, or ends behind the file. */
    | "l1-misplaced"
    /** The disk's persistent bitmaps would be made untrue. */
    | "has-bitmaps"
    /** The image is of a format that has none. */
    | "format-without";
  readonly snapshot: string;
}

export const MAX_SNAPSHOT_TABLE_BYTES = 1024 * MAX_SNAPSHOTS;
/** QEMU uses no snapshot with a larger L1 table. */
export const MAX_L1_ENTRIES = MAX_L1_BYTES / ENTRY_BYTES;
/** L1 tables of snapshots that are longer than this in all, in bytes, are no image's that anybody uses, and would take minutes to read. */
export const MAX_ALL_L1_BYTES = 2 ** 30;
/** Bytes of an entry in front of its extra data, and those of its extra data that are known here. */
export const FIXED_BYTES = 40;
export const KNOWN_EXTRA_BYTES = 24;
export const NO_ICOUNT = 2n ** 64n - 1n;

/** Rounded up to where the next entry begins. */
export const padded = (lengthBytes: number): number => Math.ceil(lengthBytes / 8) * 8;

/**
 * The table's bytes, every entry with the extra data of version 3, which version 2 may have too.
 * @param diskSize of the disk as it is, for entries that do not say theirs
 * @returns null when it would be longer than QEMU reads
 */
export function encodeSnapshotTable(snapshots: readonly Snapshot[], diskSize: number): Uint8Array | null {
  const extraOf = (snapshot: Snapshot): number => KNOWN_EXTRA_BYTES + snapshot.unknownExtra.length;
  let lengthBytes = 0;
  for (const snapshot of snapshots) lengthBytes = padded(lengthBytes) + FIXED_BYTES + extraOf(snapshot) + snapshot.id.length + snapshot.name.length;
  if (lengthBytes > MAX_SNAPSHOT_TABLE_BYTES) return null;
  const table = new Uint8Array(lengthBytes);
  const view = new DataView(table.buffer);
  let at = 0;
  for (const snapshot of snapshots) {
    const { vmStateBytes, id, name } = snapshot;
    view.setBigUint64(at, BigInt(snapshot.l1Offset));
    view.setUint32(at + 8, snapshot.l1Size);
    view.setUint16(at + 12, id.length);
    view.setUint16(at + 14, name.length);
    view.setUint32(at + 16, snapshot.dateSeconds);
    view.setUint32(at + 20, snapshot.dateNanoseconds);
    view.setBigUint64(at + 24, snapshot.vmClock);
    // Who reads only the short field shall rather see no state than a part of it.
    view.setUint32(at + 32, vmStateBytes < 2n ** 32n ? Number(vmStateBytes) : 0);
    view.setUint32(at + 36, extraOf(snapshot));
    view.setBigUint64(at + 40, vmStateBytes);
    view.setBigUint64(at + 48, snapshot.diskSize ?? BigInt(diskSize));
    view.setBigUint64(at + 56, snapshot.icount ?? NO_ICOUNT);
    table.set(snapshot.unknownExtra, at + FIXED_BYTES + KNOWN_EXTRA_BYTES);
    const idAt = at + FIXED_BYTES + extraOf(snapshot);
    table.set(id, idAt);
    table.set(name, idAt + id.length);
    at = padded(idAt + id.length + name.length);
  }
  return table;
}

/** The L1 table of a snapshot lies where it can; its entries are not looked at. */
export function checkL1(store: ByteStore, header: Header, snapshot: Snapshot): Result<null, SnapshotProblem> {
  const { l1Offset, l1Size } = snapshot;
  const refused = (code: SnapshotProblem["code"]): Result<never, SnapshotProblem> => err({ kind: "snapshot", code, snapshot: textOf(snapshot.name) });
  if (l1Size > MAX_L1_ENTRIES) return refused("l1-too-large");
  if (l1Offset % header.clusterSize !== 0 || l1Offset + l1Size * 8 > store.size()) return refused("l1-misplaced");
  return ok(null);
}

const decoder = new TextDecoder();

/** Bytes as text for people; what is no UTF-8 shows as the replacement character. */
export const textOf = (text: Uint8Array): string => decoder.decode(text);

/** The header of the disk as a snapshot has it, for reading: its L1 table in place of the active one. */
export const headerOfSnapshot = (header: Header, { l1Offset, l1Size }: Snapshot): Header => ({ ...header, l1Offset: hostOffset(l1Offset), l1Size });

/** How a snapshot is asked for: a text that is its id, or else its name; or both by themselves, null for any. */
export type SnapshotQuery = string | { readonly id: string | null; readonly name: string | null };

/** The first that fits: of a text, ids are tried before names. @returns its index, or -1 */
export function findSnapshot(snapshots: readonly Snapshot[], query: SnapshotQuery): number {
  if (typeof query === "string") {
    const byId = findSnapshot(snapshots, { id: query, name: null });
    return byId >= 0 ? byId : findSnapshot(snapshots, { id: null, name: query });
  }
  const { id, name } = query;
  if (id === null && name === null) return -1;
  return snapshots.findIndex((snapshot) => (id === null || isText(snapshot.id, id)) && (name === null || isText(snapshot.name, name)));
}

function isText(bytes: Uint8Array, text: string): boolean {
  const wanted = new TextEncoder().encode(text);
  return bytes.length === wanted.length && bytes.every((byte, index) => byte === wanted[index]);
}

/** The id of the next snapshot: one more than the largest number that an id begins with. */
export function nextSnapshotId(snapshots: readonly Snapshot[]): string {
  let largest = 0n;
  for (const { id } of snapshots) {
    const digits = /^\s*\+?(\d{1,20})/.exec(textOf(id))?.[1];
    if (digits !== undefined && BigInt(digits) > largest) largest = BigInt(digits);
  }
  return String(largest + 1n);
}
