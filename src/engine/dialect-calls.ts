/**
 * The calls "dialect" and "setDialect": which file, in which order, and what is left when something fails.
 *
 * A change is one write of the first 512 bytes where header and extension lie in them before and after. Elsewhere a copy with the
 * new header is made under a name beside the image, flushed whole, and put in the image's place; until that moment the image is
 * only read. So a crash leaves the image in the one dialect or in the other, and at most the copy beside it.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { FileSpace } from "../bytes/file-space.ts";
import { checkRoom } from "../bytes/library-space.ts";
import type { Dialect, DialectChange, DialectFacts, Failure } from "../protocol/index.ts";
import { atBorder, failureOf } from "./border.ts";
import { copyStore } from "./copy.ts";
import { dialectFacts, planDialect, writeFirstCluster, writeFirstSector } from "./dialect-image.ts";
import type { DialectPlan } from "./dialect-image.ts";
import type { Job } from "./jobs.ts";
import type { Library } from "./library-calls.ts";

/** The copy's name: beside the image, so that putting it in place is a rename within one folder. */
const copyName = (file: string): string => `${file}.new-dialect`;

export async function readDialect(library: Library, file: string): Promise<Result<DialectFacts, Failure>> {
  const opened = await library.open(file, "read");
  if (!opened.ok) return opened;
  try {
    return atBorder(() => ok(dialectFacts(opened.value)));
  } finally {
    opened.value.close();
  }
}

export async function changeDialect(library: Library, files: FileSpace, file: string, to: Dialect, job: Job): Promise<Result<DialectChange, Failure>> {
  const opened = await library.open(file, "write");
  if (!opened.ok) return opened;
  const store = opened.value;
  let inPlace: Result<{ plan: DialectPlan; change: DialectChange }, Failure>;
  try {
    inPlace = atBorder(() => planAndWrite(store, to));
    if (!inPlace.ok) return inPlace;
    if (inPlace.value.change.method !== "new-file") return ok(inPlace.value.change);
    const copied = await copyWithHeader(store, files, file, inPlace.value.plan, job);
    if (!copied.ok) return copied;
  } finally {
    store.close();
  }
  const replaced = await files.replace(copyName(file), file);
  if (replaced.ok) return ok(inPlace.value.change);
  // Where the image may have been damaged on the way, the copy is what is whole: it stays, and the problem names it.
  if (replaced.error.wholeCopy === undefined) await files.remove(copyName(file));
  return replaced;
}

/** Plans, and carries the plan out where it is one sector. */
function planAndWrite(store: ByteStore, to: Dialect): Result<{ plan: DialectPlan; change: DialectChange }, Failure> {
  const planned = planDialect(store, to);
  if (!planned.ok) return planned;
  const { from, rewrite } = planned.value;
  if (rewrite === null) return ok({ plan: planned.value, change: { from, to, method: "none", featureNames: "kept" } });
  if (store.readOnly) return err({ kind: "usage", code: "read-only", detail: "a file that was opened in place is only read" });
  if (rewrite.inOneSector) writeFirstSector(store, rewrite);
  return ok({ plan: planned.value, change: { from, to, method: rewrite.inOneSector ? "sector" : "new-file", featureNames: rewrite.featureNames } });
}

/** Makes the copy, durable before this returns. An older file of its name is not touched: it may be what is left of a change. */
async function copyWithHeader(store: ByteStore, files: FileSpace, file: string, plan: DialectPlan, job: Job): Promise<Result<null, Failure>> {
  const name = copyName(file);
  const older = await files.open(name, "read");
  if (older.ok) older.value.close();
  if (older.ok || older.error.code === "in-use") return err({ kind: "file", code: "exists", file: name, detail: "left behind by a change of dialect that was interrupted" });
  const room = await checkRoom(files, name, store.size());
  if (room !== null) return err(room);
  const target = await files.open(name, "create");
  if (!target.ok) return target;
  let copied: Result<unknown, Failure>;
  try {
    copied = await job.run(copyStore(store, target.value));
    if (copied.ok && plan.rewrite !== null) writeFirstCluster(target.value, plan.rewrite, plan.clusterSize);
  } catch (error) {
    copied = err(failureOf(error));
  }
  target.value.close();
  if (copied.ok) return ok(null);
  await files.remove(name);
  return copied;
}
