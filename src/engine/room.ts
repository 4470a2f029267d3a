/** A store without room tells only what it was asked for; the library knows what is left. */
import { err } from "../base/result.ts";
import type { CallName, Outcome } from "../protocol/index.ts";
import type { FileSpace } from "../bytes/file-space.ts";

/** A failure for want of room with what is left; any other outcome as it is. */
export async function withRoom<Name extends CallName>(files: FileSpace, outcome: Outcome<Name>): Promise<Outcome<Name>> {
  if (outcome.ok || outcome.error.kind !== "store" || outcome.error.code !== "no-space") return outcome;
  const { store, lengthBytes, detail } = outcome.error;
  const usage = await files.usage();
  if (usage === null) return outcome;
  const freeBytes = Math.max(0, usage.quotaBytes - usage.usedBytes);
  // The quota is a promise that a full disk does not keep: numbers that say there is room would contradict what happened.
  if (freeBytes >= lengthBytes) return outcome;
  return err({ kind: "file", code: "no-space", file: store, neededBytes: lengthBytes, freeBytes, detail });
}
