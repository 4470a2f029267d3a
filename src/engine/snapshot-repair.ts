/**
 * What a repair does for entries of the snapshot table that lack what version 3 tells of every snapshot, or have more extra data than is
 * read: the table is written anew, each entry with what is known of it, once nothing else is wrong with the image. Source: qcow2 specification, "Snapshots".
 */
import { ok } from "../base/result.ts";
import type { CheckFinding } from "../qcow2/check-findings.ts";
import type { ClusterReport } from "../qcow2/check.ts";
import type { RepairOutcome } from "../qcow2/repair.ts";
import type { Header } from "../qcow2/header.ts";
import { rewriteSnapshotTable } from "../qcow2/snapshot-changes.ts";
import type { OpenImage } from "./open-image.ts";

const isAmiss = ({ finding }: CheckFinding): boolean => finding === "snapshot-incomplete" || finding === "snapshot-extra";

/** Whether such entries are there, and are all that is wrong, but for a table that reaches behind the file's end because of them. */
export function lacksNothingElse({ findings, corruptions, checkErrors }: ClusterReport, { snapshotsOffset }: Header): boolean {
  const amiss = findings.filter(isAmiss).length;
  const ofTable = findings.filter((finding) => finding.finding === "beyond-end" && finding.offset === snapshotsOffset).length;
  return amiss > 0 && amiss + ofTable === corruptions && checkErrors === 0;
}

/** Writes the table anew. @returns false where the image cannot be written after all. @throws Fault of the store */
export function completeSnapshots(image: OpenImage): boolean {
  if (image.device.disk.readOnly) return false;
  const written = image.changeWhole((state) => ok(rewriteSnapshotTable(state)));
  return written.ok && written.value;
}

/** What a repair did, the entries among it. */
export function withCompleted(outcome: RepairOutcome): RepairOutcome {
  const completed = outcome.findings.filter(isAmiss).length;
  return {
    ...outcome,
    corruptionsFixed: outcome.corruptionsFixed + completed,
    findings: outcome.findings.map((finding) => (isAmiss(finding) ? { ...finding, repairing: true } : finding)),
  };
}
