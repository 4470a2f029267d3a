/** What is refused about a persistent bitmap: QEMU's words behind what was tried, and sentences of ours. */
import { assertNever } from "../base/assert.ts";
import type { BitmapProblem } from "../protocol/index.ts";
import type { Explanation } from "./explain.ts";
import { integer } from "./format.ts";
import type { Errno } from "./strerror.ts";

/** QEMU names its node by a number that it makes up; scripts look for "#block" and digits. */
const NODE = "#block100";

/** QEMU's words, those of its hint on a line of their own. */
export function bitmapWords(problem: BitmapProblem): string {
  const { bitmap } = problem;
  const notStored = (why: string): string => `Can't make bitmap '${bitmap}' persistent in '${NODE}': ${why}`;
  switch (problem.code) {
    case "not-found":
      return `Dirty bitmap '${bitmap}' not found`;
    case "exists":
      return `Bitmap already exists: ${bitmap}`;
    case "inconsistent":
      return `Bitmap '${bitmap}' is inconsistent and cannot be used\nTry block-dirty-bitmap-remove to delete this bitmap from disk`;
    case "no-name":
      return "Bitmap name cannot be empty";
    case "granularity":
      return "Granularity must be power of 2 and at least 512";
    case "name-too-long":
      return notStored("Name length exceeds maximum (1023 characters)");
    case "too-many":
      return notStored("Maximum number of persistent bitmaps is already reached");
    case "too-large":
      return notStored("Too much space will be occupied by the bitmap. Use larger granularity");
    case "version-2":
      return notStored("Cannot store dirty bitmaps in qcow2 v2 files");
    case "no-disk":
      return notStored("No memory");
    case "format-without":
      return `Can't store persistent bitmaps to ${NODE}: Operation not supported`;
    case "sizes-differ":
      return `Bitmaps are of different sizes (destination size is ${integer(problem.size)}, source size is ${integer(problem.sourceSize)}) and can't be merged`;
    default:
      return assertNever(problem);
  }
}

export function bitmapErrno({ code }: BitmapProblem): Errno {
  return code === "not-found" ? "ENOENT" : code === "exists" ? "EEXIST" : code === "format-without" || code === "version-2" ? "ENOTSUP" : "EINVAL";
}

export function explainBitmap(problem: BitmapProblem): Explanation {
  const said = (title: string, why: string, instead: string | null = null): Explanation => ({ title, why, instead, names: null });
  const name = JSON.stringify(problem.bitmap);
  switch (problem.code) {
    case "not-found":
      return said("No such bitmap", `The image has no bitmap ${name}.`);
    case "exists":
      return said("The name is taken", `The image has a bitmap ${name} already.`, "Choose another name.");
    case "inconsistent":
      return said("The bitmap is not true", `The bitmap ${name} was in use when the image was last left, so that nobody knows what it misses.`, "Remove it and add a new one.");
    case "no-name":
      return said("A name is missing", "A bitmap needs a name.");
    case "granularity":
      return said("No such granularity", "A bit stands for a power of two of bytes, from 512 to 2 GiB.");
    case "name-too-long":
      return said("The name is too long", "A bitmap's name has at most 1023 bytes.");
    case "too-many":
      return said("Too many bitmaps", "The image has as many bitmaps as its directory can hold.", "Remove one that is not needed.");
    case "too-large":
      return said("Too many bits", "A bitmap of this granularity would have more bits than any that can be read.", "Choose a larger granularity.");
    case "version-2":
      return said("No bitmaps in version 2", "An image of version 2 cannot say that its bitmaps are true.", "Amend it to version 3.");
    case "no-disk":
      return said("The disk has no bytes", "A bitmap of a disk of 0 bytes cannot be stored: a reader would take it for damage.", "Resize the disk first.");
    case "format-without":
      return said("No bitmaps in this format", "A raw image has no bitmaps.", "Convert it to qcow2.");
    case "sizes-differ":
      return said("The disks differ in size", `One disk has ${integer(problem.size)} bytes and the other ${integer(problem.sourceSize)}.`);
    default:
      return assertNever(problem);
  }
}
