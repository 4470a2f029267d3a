/**
 * The snapshot table as a check reads it, and what a repair cuts from one beyond the limits: entries behind the last that may be are
 * no longer counted in the header, at once, so that what they referred to is found as leaked; extra data that is too long is left out
 * where the table is written anew, which is only done once the refcounts are true again. Source: qcow2 specification, "Snapshots"; what is
 * cut, and when, is as qemu-img check does it.
 */
import { Fault, imageProblem } from "../base/fault.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { CheckFinding } from "./check-findings.ts";
import { MAX_SNAPSHOTS, encodeSnapshotCount } from "./header.ts";
import type { Header } from "./header.ts";
import { MAX_EXTRA_BYTES, snapshotEntries } from "./snapshot-reader.ts";
import { textOf } from "./snapshots.ts";

/** Bytes of extra data that every snapshot of a version 3 image has. */
const EXTRA_V3 = 16;

/** What a check needs of an entry: its names, and where its L1 table lies. */
export interface SnapshotPlace {
  readonly id: string;
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

export interface JudgedTable {
  readonly snapshots: readonly SnapshotPlace[];
  /** On the disk. */
  readonly lengthBytes: number;
  /** Entries at its end that are beyond the limits, and were left out. */
  readonly overhanging: number;
}

/**
 * Reads the snapshot table as far as a check needs it.
 * @param cutting takes a table beyond the limits for what a repair makes of it, @param tell is given what is wrong, in QEMU's order
 * @throws Fault for a table that cannot be, and for one beyond the limits where nothing is cut
 */
export function judgeSnapshotTable(store: ByteStore, header: Header, cutting: boolean, tell: (finding: CheckFinding) => void): JudgedTable {
  const refuse = (field: string, at: number, found: number, allowed: string): Fault => new Fault(imageProblem("snapshot table", field, at, found, allowed));
  if (header.snapshotCount > MAX_SNAPSHOTS) {
    if (!cutting) throw refuse("nb_snapshots", 60, header.snapshotCount, `at most ${MAX_SNAPSHOTS}`);
    tell({ finding: "snapshots-overhanging", count: header.snapshotCount - MAX_SNAPSHOTS, wrong: "too-many" });
  }
  // As the header's reader has it: of no snapshots nobody follows it.
  const misplaced = header.snapshotsOffset % header.clusterSize !== 0 || header.snapshotsOffset >= (header.snapshotCount > 0 ? 2 ** 53 : 2 ** 63);
  if (misplaced) throw refuse("snapshots_offset", 64, header.snapshotsOffset, "a multiple of the cluster size");
  const snapshots: SnapshotPlace[] = [];
  const incomplete: number[] = [];
  const entries = snapshotEntries(store, header, cutting);
  let next = entries.next();
  for (; next.done !== true; next = entries.next()) {
    const { index, extraBytes, snapshot } = next.value;
    if (extraBytes > MAX_EXTRA_BYTES) tell({ finding: "snapshot-extra", index, extraBytes, most: MAX_EXTRA_BYTES });
    if (extraBytes < EXTRA_V3 && header.version >= 3) incomplete.push(index);
    snapshots.push({ id: textOf(snapshot.id), name: textOf(snapshot.name), offset: snapshot.l1Offset, size: snapshot.l1Size });
  }
  const { lengthBytes, tooMany, tooLong } = next.value;
  if (tooLong > 0) tell({ finding: "snapshots-overhanging", count: tooLong, wrong: "too-long" });
  for (const index of incomplete) tell({ finding: "snapshot-incomplete", index });
  return { snapshots, lengthBytes, overhanging: tooMany + tooLong };
}

/** Has the header count no more snapshots than the limits allow. Nothing else changes: what the others had is then leaked, and harms nobody. */
export function cutSnapshotCount(store: ByteStore, count: number): void {
  const { at, data } = encodeSnapshotCount(count);
  store.flush();
  store.write(at, data);
  store.flush();
}
