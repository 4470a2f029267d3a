/** What is refused about an internal snapshot: QEMU's words behind what was tried, and sentences of ours. */
import { assertNever } from "../base/assert.ts";
import type { SnapshotProblem } from "../protocol/index.ts";
import type { Explanation } from "./explain.ts";
import type { Errno } from "./strerror.ts";

/** QEMU's words of why a snapshot cannot be looked at; its programs put "Failed to load snapshot: " before them. */
export function snapshotLoadWords(problem: SnapshotProblem): string {
  switch (problem.code) {
    case "not-found":
      return "Can't find snapshot";
    case "l1-too-large":
    case "l1-misplaced":
      return tableWords(problem) ?? "";
    case "format-without":
      return "Block format 'raw' used by device '' does not support temporarily loading internal snapshots";
    case "too-many":
    case "refcount-full":
    case "cluster-too-far":
    case "cluster-uncounted":
    case "has-bitmaps":
      return explainSnapshot(problem).why;
    default:
      return assertNever(problem.code);
  }
}

/** What QEMU says of a snapshot's L1 table that cannot be; null for any other problem. */
export function tableWords({ code }: SnapshotProblem): string | null {
  if (code === "l1-too-large") return "Snapshot L1 table too large";
  return code === "l1-misplaced" ? "Snapshot L1 table offset invalid" : null;
}

export function snapshotErrno({ code }: SnapshotProblem): Errno {
  switch (code) {
    case "not-found":
      return "ENOENT";
    case "too-many":
    case "l1-too-large":
    case "cluster-too-far":
      return "EFBIG";
    case "cluster-uncounted":
      return "EAGAIN";
    case "refcount-full":
    case "l1-misplaced":
      return "EINVAL";
    case "has-bitmaps":
      return "EBUSY";
    case "format-without":
      return "ENOTSUP";
    default:
      return assertNever(code);
  }
}

export function explainSnapshot({ code, snapshot }: SnapshotProblem): Explanation {
  const said = (title: string, why: string, instead: string | null = null): Explanation => ({ title, why, instead, names: null });
  switch (code) {
    case "not-found":
      return said("No such snapshot", `The image has no internal snapshot ${JSON.stringify(snapshot)}.`);
    case "too-many":
      return said("Too many snapshots", "The image has as many internal snapshots as its table can hold.", "Delete one that is not needed.");
    case "refcount-full":
      return said(
        "A reference count is full",
        "The snapshot would refer to a cluster once more than the width of the image's reference counts can tell.",
        "Delete a snapshot, or convert the image to wider reference counts.",
      );
    case "cluster-too-far":
      return said("The disk is broken", "An entry of its tables leads to a place that no reference count can be kept for.", "Check the image, and repair it.");
    case "cluster-uncounted":
      return said("The disk is broken", "An entry of its tables leads to a cluster that no refcount block counts.", "Check the image, and repair it.");
    case "l1-too-large":
      return said("The snapshot is broken", `The L1 table of the snapshot ${JSON.stringify(snapshot)} has more entries than any that can be read.`);
    case "l1-misplaced":
      return said("The snapshot is broken", `The L1 table of the snapshot ${JSON.stringify(snapshot)} lies where none can.`);
    case "has-bitmaps":
      return said("The disk has bitmaps", "The image's persistent bitmaps tell what was written; going back to a snapshot would make them untrue.", "Remove the bitmaps first.");
    case "format-without":
      return said("No snapshots in this format", "A raw image has no internal snapshots.", "Convert it to qcow2.");
    default:
      return assertNever(code);
  }
}
