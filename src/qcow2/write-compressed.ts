/**
 * Writing compressed clusters: whole ones only, each packed right behind the one before. A cluster that does not shrink is written
 * as plain data. Source: qcow2 specification, "Compressed Clusters Descriptor"; the refusals are those of QEMU's writer.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { hostCluster } from "../base/units.ts";
import { ZSTD } from "./codecs.ts";
import type { ImageState } from "./image-state.ts";
import { encodeCompressedCluster } from "./l2-entries.ts";
import { clusterAt } from "./mapping.ts";
import { changeEntry, ownL2Table, writableRefcounts, writeGuest } from "./write.ts";

/** Why compressed clusters are not written there. */
export interface CompressionRefusal {
  readonly code: "not-whole-clusters" | "cluster-in-use" | "external-data-file";
  readonly clusterSize: number;
  /** The guest offset of the first cluster that refuses. */
  readonly guestOffset: number;
}

/** Why a write is refused before any of it is made, or null; the range lies within the disk. */
export function refusalOfCompressed(state: ImageState, guestOffset: number, length: number): CompressionRefusal | null {
  const { clusterSize, header } = state;
  const end = guestOffset + length;
  if (state.hasDataFile) return { code: "external-data-file", clusterSize, guestOffset };
  const whole = guestOffset % clusterSize === 0 && (end % clusterSize === 0 || end === header.virtualSize);
  return whole ? null : { code: "not-whole-clusters", clusterSize, guestOffset };
}

/**
 * Writes guest bytes compressed. The range lies within the disk and is whole clusters, the last of which the disk's end may cut.
 * With zstd the encoder is loaded.
 * @returns the first refusal; the clusters before it are written. @throws Fault when the store refuses
 */
export function writeCompressed(state: ImageState, guestOffset: number, data: Uint8Array): Result<null, CompressionRefusal> {
  const { clusterSize } = state;
  const end = guestOffset + data.length;
  const refusal = refusalOfCompressed(state, guestOffset, data.length);
  if (refusal !== null) return err(refusal);
  for (let at = guestOffset; at < end; at += clusterSize) {
    const plain = data.subarray(at - guestOffset, Math.min(at + clusterSize, end) - guestOffset);
    const packed = pack(state, plain);
    if (packed === null) writeGuest(state, at, plain);
    else if (!putStream(state, at, packed)) return err({ code: "cluster-in-use", clusterSize, guestOffset: at });
  }
  return ok(null);
}

/** The stream of a cluster, filled up with zeros at the disk's end; null where it would be no shorter. */
function pack(state: ImageState, plain: Uint8Array): Uint8Array | null {
  const { clusterSize, codecs, header } = state;
  const cluster = plain.length === clusterSize ? plain : state.lentBuffer(clusterSize).fill(0);
  if (cluster !== plain) cluster.set(plain);
  const packed = header.compressionType === ZSTD ? codecs.zstd(cluster) : codecs.deflate(cluster);
  return packed.length < clusterSize ? packed : null;
}

/** @returns false where the guest cluster has a host cluster or a stream already, which is not replaced */
function putStream(state: ImageState, at: number, packed: Uint8Array): boolean {
  const table = ownL2Table(state, at);
  if (clusterAt(state, table, at).placed) return false;
  const refcounts = writableRefcounts(state);
  const host = refcounts.allocateBytes(packed.length);
  try {
    state.telling("write_compressed")(host, packed);
  } catch (error) {
    const first = Math.floor(host / state.clusterSize);
    const last = Math.floor((host + packed.length - 1) / state.clusterSize);
    for (let cluster = first; cluster <= last; cluster++) refcounts.undoAllocate(hostCluster(cluster), 1);
    throw error;
  }
  state.store.event?.("l2_update_compressed");
  changeEntry(state, table, at, 0, (index) => encodeCompressedCluster(table.view, index, state.format, host, packed.length));
  return true;
}
