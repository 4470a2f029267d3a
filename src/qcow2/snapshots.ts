/**
 * The snapshot table: where the L1 tables of internal snapshots lie. Read only, for the check.
 *
 * | byte | width | field             | byte | width | field                     |
 * |------|-------|-------------------|------|-------|---------------------------|
 * | 0    | 8     | l1_table_offset   | 14   | 2     | name_size                 |
 * | 8    | 4     | l1_size           | 36   | 4     | extra_data_size           |
 * | 12   | 2     | id_str_size       | 40   |       | extra data, id, name, padded to 8 |
 *
 * Source: qcow2 specification, "Snapshots".
 */
import { Fault, imageProblem } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { readExactly } from "../bytes/byte-store.ts";
import type { Header } from "./header.ts";

export interface SnapshotPlace {
  readonly l1Offset: number;
  readonly l1Size: number;
}

const FIXED_BYTES = 40;
const MAX_EXTRA_BYTES = 1024;
const MAX_L1_ENTRIES = (32 * 2 ** 20) / 8;

/** Reads the whole table. @returns the snapshots and the table's length in bytes. @throws Fault for an entry that cannot be */
export function readSnapshotTable(store: ByteStore, header: Header): { snapshots: SnapshotPlace[]; lengthBytes: number } {
  const snapshots: SnapshotPlace[] = [];
  let at: number = header.snapshotsOffset;
  for (let index = 0; index < header.snapshotCount; index++) {
    const fixed = readExactly(store, at, FIXED_BYTES);
    const view = new DataView(fixed.buffer);
    const l1Offset = view.getUint32(0) * 2 ** 32 + view.getUint32(4);
    const l1Size = view.getUint32(8);
    const bad = (field: string, byte: number, found: number, allowed: string): Fault =>
      new Fault(imageProblem(`snapshot table entry ${index}`, field, at + byte, found, allowed));
    if (l1Size > MAX_L1_ENTRIES) throw bad("l1_size", 8, l1Size, `at most ${MAX_L1_ENTRIES}`);
    if (l1Offset % header.clusterSize !== 0 || l1Offset + l1Size * 8 > store.size()) {
      throw bad("l1_table_offset", 0, l1Offset, "a multiple of the cluster size, with the table inside the file");
    }
    const extra = view.getUint32(36);
    if (extra > MAX_EXTRA_BYTES) throw bad("extra_data_size", 36, extra, `at most ${MAX_EXTRA_BYTES}`);
    snapshots.push({ l1Offset, l1Size });
    at += Math.ceil((FIXED_BYTES + extra + view.getUint16(12) + view.getUint16(14)) / 8) * 8;
  }
  return { snapshots, lengthBytes: at - header.snapshotsOffset };
}
