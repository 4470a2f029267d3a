/**
 * Keeps an image's snapshots from being written over: their table, the L1 tables that it leads to, and the L2 tables that those lead to.
 * What a snapshot shows must stay, also where the refcounts lie.
 *
 * L1 tables are read in pieces, each byte of the file once however many snapshots name it. What would take too long or too much memory
 * to know is a fault: the image is then for reading.
 * Source: qcow2 specification, "Snapshots"; the limit of a table is QEMU's.
 */
import { Fault, imageProblem } from "../base/fault.ts";
import { sortNumbers } from "../base/sort.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { ENTRY_BYTES } from "./entries.ts";
import type { Header } from "./header.ts";
import { forEachLedTo } from "./led-to.ts";
import { clash, merged } from "./metadata-map.ts";
import type { MetadataMap } from "./metadata-map.ts";
import { snapshotEntries } from "./snapshot-reader.ts";
import { MAX_ALL_L1_BYTES, MAX_L1_ENTRIES, checkL1 } from "./snapshots.ts";
import type { Snapshot, SnapshotProblem } from "./snapshots.ts";

/** Most entries of L1 tables that lead somewhere, and most L2 tables that they lead to. */
const MAX_GUARDED_ENTRIES = 2 ** 24;
const MAX_GUARDED_TABLES = 2 ** 20;
/** What such tables are called in a map. */
const L1_OF_SNAPSHOT = "L1 table of a snapshot";
export const L2_OF_SNAPSHOT = "L2 table of a snapshot";

/**
 * @param shares whether the tables may have clusters in common with others: a repair cuts a table that reaches over others, and must get there
 * @returns what is wrong with the first L1 table that cannot be, and so leads nowhere that is known; null for none
 * @throws Fault for a snapshot table that cannot be, for tables that share a cluster with one of the active disk, and for too many to be known
 */
export function protectSnapshots(store: ByteStore, header: Header, metadata: MetadataMap, shares: boolean): Fault | null {
  const protect = (structure: string, offset: number, length: number): void => (shares ? metadata.protect(structure, offset, length) : metadata.protectAlone(structure, offset, length));
  const tables: { first: number; end: number }[] = [];
  const entries = snapshotEntries(store, header, shares);
  let unguarded: Fault | null = null;
  let next = entries.next();
  for (; next.done !== true; next = entries.next()) {
    const { snapshot } = next.value;
    const { l1Offset, l1Size } = snapshot;
    const checked = checkL1(store, header, snapshot);
    if (!checked.ok) unguarded ??= snapshotFault(snapshot, checked.error);
    // Behind the file's end, too: the file will grow. One that is nowhere, or larger than any that is read, is refused where it is used.
    const end = l1Offset + l1Size * ENTRY_BYTES;
    if (l1Size > 0 && l1Size <= MAX_L1_ENTRIES && l1Offset % header.clusterSize === 0 && Number.isSafeInteger(end)) tables.push({ first: l1Offset, end });
  }
  if (next.value.lengthBytes > 0) protect("snapshot table", header.snapshotsOffset, next.value.lengthBytes);
  const apart = merged(tables);
  const totalBytes = apart.reduce((sum, { first, end }) => sum + end - first, 0);
  const refuse = (field: string, found: number | string, most: number, unit: string): Fault => new Fault(imageProblem("snapshot table", field, header.snapshotsOffset, found, `at most ${most} ${unit}`));
  if (totalBytes > MAX_ALL_L1_BYTES) throw refuse("length of all L1 tables", totalBytes, MAX_ALL_L1_BYTES, "bytes");
  const l2Clusters = new Set<number>();
  let left = MAX_GUARDED_ENTRIES;
  for (const { first, end } of apart) {
    protect(L1_OF_SNAPSHOT, first, end - first);
    forEachLedTo(store, first, end, header.clusterSize, (cluster) => {
      l2Clusters.add(cluster);
      return --left >= 0 && l2Clusters.size <= MAX_GUARDED_TABLES;
    });
    if (left < 0) throw refuse("entries of all L1 tables", `more than ${MAX_GUARDED_ENTRIES}`, MAX_GUARDED_ENTRIES, "entries");
    if (l2Clusters.size > MAX_GUARDED_TABLES) throw refuse("L2 tables", `more than ${MAX_GUARDED_TABLES}`, MAX_GUARDED_TABLES, "tables");
  }
  const clusters = sortNumbers(Float64Array.from(l2Clusters));
  if (!shares) refuseTables(metadata, clusters, header.clusterSize);
  metadata.protectClusters(L2_OF_SNAPSHOT, clusters);
  return unguarded;
}

/** An L2 table may be the disk's as well, until the disk changes it; any other table is written where it lies. @throws Fault for one */
function refuseTables(metadata: MetadataMap, clusters: Float64Array, clusterSize: number): void {
  for (const cluster of clusters) {
    const owner = metadata.ownerOf(cluster * clusterSize);
    if (owner !== null && owner !== "L2 table") throw clash(L2_OF_SNAPSHOT, cluster * clusterSize, owner);
  }
}

function snapshotFault({ l1Offset, l1Size }: Snapshot, { code }: SnapshotProblem): Fault {
  return new Fault(
    code === "l1-too-large" ? imageProblem(L1_OF_SNAPSHOT, "l1_size", l1Offset, l1Size, `at most ${MAX_L1_ENTRIES}`) : imageProblem(L1_OF_SNAPSHOT, "l1_table_offset", l1Offset, l1Offset, "a cluster's start, the table inside the file"),
  );
}
