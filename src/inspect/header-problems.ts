/**
 * All that is wrong with a header, and not only the first of it: the decoder names a field, that field is set to something harmless in
 * a copy, and the decoder is asked again. What is allowed is thus said in one place, qcow2/header.ts.
 */
import type { ImageProblem } from "../base/fault.ts";
import { viewOf } from "../base/view.ts";
import { INCOMPATIBLE_COMPRESSION_TYPE } from "../qcow2/features.ts";
import { decodeHeader } from "../qcow2/header.ts";

type Mend = (view: DataView, clusterSize: number) => void;

const zero32 = (at: number): Mend => (view) => view.setUint32(at, 0);
const noDisk: Mend = (view) => {
  view.setBigUint64(24, 0n);
  view.setUint32(36, 0);
  view.setBigUint64(40, 0n);
};
const noSnapshots: Mend = (view) => {
  view.setUint32(60, 0);
  view.setBigUint64(64, 0n);
};
const noBacking: Mend = (view) => {
  view.setBigUint64(8, 0n);
  view.setUint32(16, 0);
};
const zlibAlone: Mend = (view) => {
  view.setUint8(104, 0);
  view.setBigUint64(72, view.getBigUint64(72) & ~(1n << BigInt(INCOMPATIBLE_COMPRESSION_TYPE)));
};

/** By the field's name. What is not here (the magic, the version, the cluster size) gives the rest of the header its meaning. */
const MENDS: ReadonlyMap<string, Mend> = new Map<string, Mend>([
  ["header_length", (view) => view.setUint32(100, 104)],
  ["size", noDisk],
  ["l1_size", noDisk],
  ["l1_table_offset", noDisk],
  ["refcount_table_offset", (view, clusterSize) => view.setBigUint64(48, BigInt(clusterSize))],
  ["refcount_table_clusters", (view) => view.setUint32(56, 1)],
  ["nb_snapshots", noSnapshots],
  ["snapshots_offset", noSnapshots],
  ["refcount_order", (view) => view.setUint32(96, 4)],
  ["compression_type", zlibAlone],
  ["crypt_method", zero32(32)],
  ["backing_file_offset", noBacking],
  ["backing_file_size", noBacking],
]);

/** How fields begin that are met when everything else was read. */
const BEHIND_ALL: readonly string[] = ["length of ", "encryption header's"];

export interface HeaderProblems {
  /** In the order in which a reader meets them. */
  readonly problems: readonly ImageProblem[];
  /** The rest has no meaning behind the last of them. */
  readonly stopped: boolean;
}

/** @param cluster the first cluster, or what there is of it */
export function headerProblems(cluster: Uint8Array, fileLength: number): HeaderProblems {
  const copy = cluster.slice();
  const view = viewOf(copy);
  const problems: ImageProblem[] = [];
  const mended = new Set<string>();
  for (;;) {
    // A table that was put into the second cluster has to lie inside the file.
    const clusterSize = copy.length >= 24 ? 2 ** Math.min(21, view.getUint32(20)) : 0;
    const length = mended.has("refcount_table_offset") ? Math.max(fileLength, 2 * clusterSize) : fileLength;
    const decoded = decodeHeader(copy, length);
    if (decoded.ok) return { problems, stopped: false };
    problems.push(decoded.error);
    const { field } = decoded.error;
    const mend = MENDS.get(field);
    if (mend === undefined || mended.has(field)) return { problems, stopped: !BEHIND_ALL.some((start) => field.startsWith(start)) };
    mended.add(field);
    mend(view, clusterSize);
  }
}
