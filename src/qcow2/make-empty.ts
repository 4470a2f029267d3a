/**
 * Empties a whole image in a few writes, whatever it held: it has nothing of its own any more, shows what lies below it, and its file is
 * as short as that of a new image. Given a flushed state that is open for writing, it leaves one that is not true any more: whoever
 * calls opens the image anew. A store that fails in the middle, and a crash, leave the disk as it was or an empty one, with the
 * dirty bit, by which the counts are set right when it is next opened for writing.
 *
 * The order, and what each step prevents were the power to fail between:
 * - the dirty bit before anything else: counts that nobody knows to be wrong;
 * - the L1 table cleared before the first clusters are: tables and data of the old disk lie there, and would be read as zeros;
 * - the first clusters cleared before the header leads to them: tables read from whatever lay there;
 * - the header before anything but zeros is written there: an L1 table that lay in one of them would lead somewhere;
 * - the counts before the dirty bit goes, and the file cut last: tables and counts behind its end.
 *
 * Source: qcow2 specification, "Header" and "Host cluster management"; the steps, and which images are emptied by them, are QEMU's.
 */
import { assert } from "../base/assert.ts";
import { divideRoundUp, hostOffset } from "../base/units.ts";
import { ENTRY_BYTES, encodeRefcountTableEntry, writeRefcount } from "./entries.ts";
import { BACKING_FORMAT_MAGIC, FEATURE_NAMES_MAGIC, encodeActiveDisk, encodeRefcountTablePlace } from "./header.ts";
import type { ImageState } from "./image-state.ts";

/** Clusters of the header, of a refcount table and of its one block, in this order; the L1 table stands behind. */
const BEFORE_L1 = 3;

const l1Clusters = ({ header, clusterSize }: ImageState): number => divideRoundUp(header.l1Size * ENTRY_BYTES, clusterSize);

/** Extensions that have no clusters; of one that is not known here nobody knows. */
const WITHOUT_CLUSTERS: readonly number[] = [BACKING_FORMAT_MAGIC, FEATURE_NAMES_MAGIC];

/** Whether nothing but the disk's own tables and data has clusters, and one refcount block counts all of the empty image. */
export function canBeMadeEmpty(state: ImageState): boolean {
  const { header, hasDataFile, refcounts, metadata } = state;
  if (header.version < 3 || header.snapshotCount > 0 || hasDataFile || header.cryptMethod !== 0 || refcounts === null) return false;
  if (!header.extensions.every(({ magic }) => WITHOUT_CLUSTERS.includes(magic))) return false;
  return metadata.isUncontested && BEFORE_L1 + l1Clusters(state) <= refcounts.perBlock;
}

/** Empties it. @param state can be made empty, and is flushed. @throws Fault of the store */
export function makeEmpty(state: ImageState): void {
  assert(canBeMadeEmpty(state), "an image is emptied whole that has nothing but its disk");
  const { header, clusterSize, store, refcounts } = state;
  const clusters = BEFORE_L1 + l1Clusters(state);
  const tell = (event: "l1_update" | "empty_image_prepare" | "reftable_update" | "refblock_alloc"): void => store.event?.(event);
  state.markDirty();
  tell("l1_update");
  state.write(header.l1Offset, new Uint8Array(header.l1Size * ENTRY_BYTES));
  state.barrier();
  tell("empty_image_prepare");
  state.write(clusterSize, new Uint8Array((clusters - 1) * clusterSize));
  state.barrier();
  tell("l1_update");
  tell("reftable_update");
  state.switchHeader(() => leadToFirst(state));
  tell("refblock_alloc");
  const entry = new Uint8Array(ENTRY_BYTES);
  encodeRefcountTableEntry(new DataView(entry.buffer), 0, hostOffset(2 * clusterSize));
  state.write(clusterSize, entry);
  const block = new Uint8Array(clusterSize);
  for (let cluster = 0; cluster < clusters; cluster++) writeRefcount(new DataView(block.buffer), cluster, refcounts!.order, 1);
  state.write(2 * clusterSize, block);
  state.barrier();
  state.clearDirty();
  store.truncate(clusters * clusterSize);
  state.unflushed = true;
  state.barrier();
}

/** The header's fields of both tables, which are neighbours within its first sector: one write. */
function leadToFirst(state: ImageState): void {
  const { header, clusterSize } = state;
  const disk = encodeActiveDisk({ ...header, l1Offset: hostOffset(BEFORE_L1 * clusterSize) });
  const counts = encodeRefcountTablePlace(clusterSize, 1);
  assert(disk.at + disk.data.length === counts.at, "the refcount table's place stands behind the L1 table's");
  const fields = new Uint8Array(disk.data.length + counts.data.length);
  fields.set(disk.data);
  fields.set(counts.data, disk.data.length);
  state.write(disk.at, fields);
}
