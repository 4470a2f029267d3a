/** The calls on persistent bitmaps: which images have them, and what is told of one. */
import { Fault } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { bytes, isPowerOfTwo } from "../base/units.ts";
import type { BitmapChange, BitmapFacts, Failure } from "../protocol/index.ts";
import { addBitmap, clearBitmap, removeBitmap, setRecording } from "../qcow2/bitmap-changes.ts";
import { MAX_GRANULARITY_BITS, MIN_GRANULARITY_BITS, forEachBitmap } from "../qcow2/bitmaps.ts";
import type { BitmapProblem } from "../qcow2/bitmaps.ts";
import { readHeader } from "../qcow2/open.ts";
import { textOf } from "../qcow2/snapshots.ts";
import type { OpenImage } from "./open-image.ts";

/** QEMU takes a bitmap's granularity from the cluster size, within these bounds, where nobody gives it. */
const DEFAULT_GRANULARITY = { least: 4096, most: 65536 } as const;

const done = ok({ done: true } as const);
type Done = Result<{ readonly done: true }, Failure>;

const refuse = (code: Exclude<BitmapProblem["code"], "sizes-differ">, bitmap: string): Result<never, Failure> => err({ kind: "bitmap", code, bitmap });

/**
 * The image's bitmaps as its file has them; none where they cannot be believed. Those of an image that is open for writing are in use.
 * @param before what was told of them last: names that are as they were are the same strings, for there may be 64 MiB of them
 */
export function bitmapFacts(image: OpenImage, before: readonly BitmapFacts[]): readonly BitmapFacts[] {
  if (image.format === "raw") return [];
  const writing = !image.device.disk.readOnly;
  try {
    const facts: BitmapFacts[] = [];
    forEachBitmap(image.store, readHeader(image.store), ({ name, granularityBits, inUse, auto }) => {
      const [text, known] = [textOf(name), before[facts.length]?.name];
      facts.push({ name: text === known ? known : text, granularity: bytes(2 ** granularityBits), inUse: inUse || writing, inconsistent: inUse, recording: auto });
    });
    return facts;
  } catch (error) {
    if (error instanceof Fault && error.problem.kind === "image") return [];
    throw error;
  }
}

export function changeBitmap(image: OpenImage, name: string, change: BitmapChange): Done {
  if (change.action === "add" && name === "") return refuse("no-name", name);
  const granularityBits = change.action === "add" ? granularityBitsOf(image, change.granularity) : 0;
  if (granularityBits === null) return refuse("granularity", name);
  if (image.format === "raw") return refuse(change.action === "add" ? "format-without" : "not-found", name);
  const changed = image.changeWhole((state): Result<null, Failure> => {
    switch (change.action) {
      case "add":
        return addBitmap(state, name, granularityBits);
      case "remove":
        return removeBitmap(state, name);
      case "clear":
        return clearBitmap(state, name);
      case "enable":
        return setRecording(state, name, true);
      case "disable":
        return setRecording(state, name, false);
    }
  });
  return changed.ok ? done : changed;
}

/** @returns null for one that no bitmap has */
function granularityBitsOf(image: OpenImage, granularity: number | null): number | null {
  const { least, most } = DEFAULT_GRANULARITY;
  const value = granularity ?? Math.min(most, Math.max(least, image.device.disk.clusterSize));
  const bits = isPowerOfTwo(value) ? Math.log2(value) : -1;
  return bits >= MIN_GRANULARITY_BITS && bits <= MAX_GRANULARITY_BITS ? bits : null;
}
