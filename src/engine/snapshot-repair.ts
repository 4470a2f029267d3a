/**
 * What a repair does for entries of the snapshot table that lack what version 3 tells of every snapshot: the table is written anew, each
 * entry with what is known of it, once nothing else is wrong with the image. Source: qcow2 specification, "Snapshots".
 */
import { ok } from "../base/result.ts";
import type { CheckFinding } from "../qcow2/check-findings.ts";
import type { ClusterReport } from "../qcow2/check.ts";
import type { RepairOutcome } from "../qcow2/repair.ts";
import { rewriteSnapshotTable } from "../qcow2/snapshot-changes.ts";
import type { OpenImage } from "./open-image.ts";

const isIncomplete = ({ finding }: CheckFinding): boolean => finding === "snapshot-incomplete";

/** Whether incomplete entries are there, and are all that is wrong. */
export function lacksNothingElse({ findings, corruptions, checkErrors }: ClusterReport): boolean {
  const incomplete = findings.filter(isIncomplete).length;
  return incomplete > 0 && incomplete === corruptions && checkErrors === 0;
}

/** Writes the table anew. @returns false where the image cannot be written after all. @throws Fault of the store */
export function completeSnapshots(image: OpenImage): boolean {
  if (image.device.disk.readOnly) return false;
  return image.changeWhole((state) => {
    rewriteSnapshotTable(state);
    return ok(null);
  }).ok;
}

/** What a repair did, the entries among it. */
export function withCompleted(outcome: RepairOutcome): RepairOutcome {
  const completed = outcome.findings.filter(isIncomplete).length;
  return {
    ...outcome,
    corruptionsFixed: outcome.corruptionsFixed + completed,
    findings: outcome.findings.map((finding) => (isIncomplete(finding) ? { ...finding, repairing: true } : finding)),
  };
}
