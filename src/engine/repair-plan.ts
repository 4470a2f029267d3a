/**
 * What a repair would change, found by carrying it out over a copy of nothing: an overlay in memory takes the writes, the file is only
 * read, and what then differs is told with the structure that it lies in. It is the very repair that a copy would get.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { OverlayStore } from "../bytes/overlay-store.ts";
import type { Inspected } from "../inspect/inspected.ts";
import type { Failure, PlannedChange, RepairMode, ReplyOf } from "../protocol/index.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { safely } from "./jobs.ts";
import type { Job, Work } from "./jobs.ts";
import { STANDALONE } from "./open-device.ts";
import { OpenImage } from "./open-image.ts";

/** Changes that are told; all are counted. */
const MOST_CHANGES = 2000;

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function planRepair(inspected: Inspected, file: string, mode: RepairMode, codecs: Codecs, now: () => number, job: Job): Promise<Result<ReplyOf<"repairPlan">, Failure>> {
  return await job.outcome(safely(plan(inspected, file, mode, codecs, now)));
}

function* plan(inspected: Inspected, file: string, mode: RepairMode, codecs: Codecs, now: () => number): Work<Result<ReplyOf<"repairPlan">, Failure>> {
  const overlay = new OverlayStore(inspected.store);
  const report = yield* repairOver(overlay, file, mode, codecs, now);
  if (!report.ok) return err(report.error);
  const changes: PlannedChange[] = [];
  let told = 0;
  let changedBytes = 0;
  for (const { offset, lengthBytes, before, after } of overlay.differences()) {
    told++;
    changedBytes += lengthBytes;
    if (changes.length < MOST_CHANGES) changes.push({ hostOffset: offset, lengthBytes, structure: structureAt(inspected, offset), before: hexOf(before), after: hexOf(after) });
    yield 1;
  }
  return ok({ report: report.value, changes, told, changedBytes, fileSize: overlay.size() });
}

/** Repairs what an overlay shows. Its image and its tables are gone when it has ended. */
function* repairOver(store: OverlayStore, file: string, mode: RepairMode, codecs: Codecs, now: () => number): ReturnType<OpenImage["repair"]> {
  // Only its own file: what it stands on does not count for a repair, and need not be there.
  const image = new OpenImage(0, { ...STANDALONE, file, store, format: "qcow2", inspect: true, forCheck: true }, true, now, codecs);
  return yield* image.guardWork(() => image.repair(mode));
}

/** The innermost structure at an offset, as the file is now; "" for what is none yet. */
const structureAt = ({ structures }: Inspected, offset: number): string => structures.within(offset, offset + 1).at(-1)?.structure ?? "";
