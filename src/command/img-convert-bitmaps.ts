/** qemu-img convert --bitmaps: the bitmaps of the source's disk, added to the target once its data is there. */
import type { BitmapFacts, DeviceFacts, Failure } from "../protocol/index.ts";
import type { ConvertCommand } from "./convert-options.ts";
import { explain, explained } from "./explain.ts";
import { bitmapWords } from "./explain-bitmap.ts";
import type { ReadImage } from "./img-open.ts";
import { imgError } from "./img-words.ts";
import { call, errorOut } from "./program.ts";
import type { Program } from "./program.ts";

/** Whether an image of that kind can say that its bitmaps are true. */
export const keepsBitmaps = ({ image }: DeviceFacts): boolean => image.format === "qcow2" && image.version === 3;

const bitmapsOf = ({ facts }: ReadImage): readonly BitmapFacts[] => facts.image.bitmaps ?? [];

/** Why they are not copied at all, as it is found before the target is made. */
export function sourceBitmapsProblem({ skipBroken }: ConvertCommand, source: ReadImage): string | null {
  if (!keepsBitmaps(source.facts)) return "Source lacks bitmap support";
  // QEMU looks at the last one first.
  const broken = skipBroken ? undefined : bitmapsOf(source).findLast(({ inconsistent }) => inconsistent);
  return broken === undefined ? null : `Cannot copy inconsistent bitmap '${broken.name}'\nTry --skip-broken-bitmaps, or use 'qemu-img bitmap --remove' to delete it`;
}

/** Those that are not true are skipped. @returns false after a failure was printed */
export function* copyBitmaps(source: ReadImage, target: ReadImage): Program<boolean> {
  for (const { name } of bitmapsOf(source).filter(({ inconsistent }) => inconsistent).toReversed()) yield errorOut(`qemu-img: warning: Skipping inconsistent bitmap '${name}'\n`);
  // Where none fits, QEMU comes to the last one first.
  const none = source.facts.image.virtualSize !== target.facts.image.virtualSize;
  for (const bitmap of none ? bitmapsOf(source).toReversed() : bitmapsOf(source)) {
    if (!bitmap.inconsistent && !(yield* copyBitmap(source, target, bitmap))) return false;
  }
  return true;
}

function* copyBitmap(source: ReadImage, { handle }: ReadImage, { name: bitmap, granularity, recording }: BitmapFacts): Program<boolean> {
  const added = yield* call("changeBitmap", { handle, bitmap, change: { action: "add", granularity } });
  if (!added.ok) return yield* failed(`Failed to create bitmap ${bitmap}: `, added.error);
  const merged = yield* call("mergeBitmap", { handle, bitmap, sourceHandle: source.handle, source: bitmap });
  if (!merged.ok) {
    const told = yield* failed(`Failed to populate bitmap ${bitmap}: `, merged.error);
    yield* call("changeBitmap", { handle, bitmap, change: { action: "remove" } });
    return told;
  }
  if (recording) return true;
  const disabled = yield* call("changeBitmap", { handle, bitmap, change: { action: "disable" } });
  return disabled.ok || (yield* failed(`Failed to populate bitmap ${bitmap}: `, disabled.error));
}

function* failed(doing: string, failure: Failure): Program<false> {
  yield imgError(doing + (failure.kind === "bitmap" ? bitmapWords(failure) : explain(failure).why.replace(/\.$/, "")));
  yield explained(failure);
  return false;
}
