/**
 * Failures in sentences: the one place where a refusal becomes prose. For a zone's refusal: which rule, with the numbers, what
 * would have worked, and what the same refusal is called by errno, virtio-blk, NVMe and SCSI. For the rest: what and where.
 *
 * Source: zone semantics, "Transitions" and "Errors". The zone sentences are in explain-zone.ts.
 */
import { assertNever } from "../base/assert.ts";
import type { Failure, FileProblem, ImageProblem, ResizeProblem, StoreProblem, UsageProblem } from "../protocol/index.ts";
import { chainWords, explainChain } from "./explain-chain.ts";
import { amendWords } from "./explain-amend.ts";
import { bitmapWords, explainBitmap } from "./explain-bitmap.ts";
import { explainRemote } from "./explain-remote.ts";
import { explainSnapshot, snapshotLoadWords } from "./explain-snapshot.ts";
import { explainRefusal } from "./explain-zone.ts";
import { exactBytes, hex } from "./format.ts";
import { qemuImageWords, tooMuchWords } from "./image-problem-words.ts";
import { errorOut } from "./program.ts";
import type { Step } from "./program.ts";
import { errnoOf } from "./strerror.ts";
import type { Errno } from "./strerror.ts";

/** What a refusal is called elsewhere; null where that world has no such refusal. */
export interface StandardNames {
  readonly errno: Errno;
  readonly virtio: string;
  readonly nvme: string | null;
  readonly scsi: string | null;
}

export interface Explanation {
  /** The rule in a few words, e.g. "Not at the write pointer". */
  readonly title: string;
  /** One sentence of why, with the numbers. */
  readonly why: string;
  /** One sentence of what would have worked; null where nothing would. */
  readonly instead: string | null;
  /** null for what is no refusal of a zoned device. */
  readonly names: StandardNames | null;
}

/** What browsers say where a part that is loaded when it is wanted does not come. */
const NOT_FETCHED = /dynamically imported module|importing a module script/i;

export function explain(failure: Failure): Explanation {
  switch (failure.kind) {
    case "zone":
      return explainRefusal(failure);
    case "image":
      if (failure.structure === "header" && failure.field === "magic") return explainMagic(failure);
      return {
        title: "The image breaks the format",
        why: `T${imageWords(failure).slice(1)}.`,
        instead: null,
        names: null,
      };
    case "store":
      return explainStore(failure);
    case "file":
      return explainFile(failure);
    case "option":
      return {
        title: "An option's value cannot be",
        why: `${failure.option} is ${failure.found}; allowed is ${failure.allowed}.`,
        instead: null,
        names: null,
      };
    case "unsupported":
      return { title: "Not supported", why: `This program does not support ${featureWords(failure.feature)}.`, instead: null, names: null };
    case "usage":
      return explainUsage(failure);
    case "snapshot":
      return explainSnapshot(failure);
    case "amend":
      return { title: "An option stays as it is", why: `${amendWords(failure)}.`, instead: failure.code === "backing-file" ? "Rebase the image instead." : null, names: null };
    case "resize":
      return { title: "The disk keeps its size", why: `${resizeWords(failure)}.`, instead: null, names: null };
    case "bitmap":
      return explainBitmap(failure);
    case "chain":
      return explainChain(failure, chainWords(failure, openFailureWords));
    case "bug":
      if (NOT_FETCHED.test(failure.message)) return { title: "A part of the program could not be loaded", why: sentence(failure.message), instead: "Look whether there is a network, then try again.", names: null };
      return {
        title: "A defect of this program",
        why: `${sentence(failure.message)} It works no further on this image, so that nothing is made worse.`,
        instead: "Close the image and open it again; everything flushed is in the file.",
        names: null,
      };
    case "move":
      return explain(failure.cause);
    case "remote":
      return explainRemote(failure);
    case "cancelled":
      return { title: "Cancelled", why: "The work was cancelled before it was done.", instead: null, names: null };
    default:
      return assertNever(failure);
  }
}

/** A feature that is known by its bits alone: which bits, in place of their mask. */
const featureWords = (feature: string): string =>
  feature.replace(/Unknown incompatible feature: ([0-9a-f]+)/, (_, mask: string) => {
    const bits = [...Array(64).keys()].filter((bit) => ((BigInt(`0x${mask}`) >> BigInt(bit)) & 1n) !== 0n);
    return bits.length === 1 ? `the incompatible feature of bit ${bits[0]}` : `the incompatible features of bits ${bits.join(", ")}`;
  });

/** Most files that are brought by mistake are no images at all. */
function explainMagic({ found, allowed }: ImageProblem): Explanation {
  const begins = /^[0-9a-f ]+$/.test(found) ? `It begins with ${found}` : `It is ${found}`;
  return { title: "Not a qcow2 image", why: `${begins}; a qcow2 image begins with ${allowed.split(",")[0]!}.`, instead: null, names: null };
}

/** How browsers and Node say that there is no room. */
const PLATFORM_IS_FULL = /^(QuotaExceededError|Error: ENOSPC)\b/;

function explainStore(problem: StoreProblem): Explanation {
  const where =
    problem.operation === "flush" || problem.operation === "size" || problem.operation === "open"
      ? `The ${problem.operation} of ${problem.store}`
      : problem.operation === "truncate"
        ? `Setting the length of ${problem.store} to ${exactBytes(problem.offset)}`
        : `The ${problem.operation} of ${exactBytes(problem.lengthBytes)} at byte ${hex(problem.offset)} of ${problem.store}`;
  // That there was no room is said; platforms say it once more, at length.
  const said = problem.code === "no-space" && PLATFORM_IS_FULL.test(problem.detail) ? " for want of room" : problem.detail === "" ? "" : `: ${problem.detail}`;
  const titles: Readonly<Record<StoreProblem["code"], string>> = {
    "no-space": "No space left",
    "short-read": "The file ends too soon",
    "short-write": "The write was cut short",
    "read-only": "The file is open for reading only",
    closed: "The file is closed",
    changed: "The file has changed",
    io: "The file could not be read or written",
  };
  return {
    title: titles[problem.code],
    why: sentence(`${where} failed${said}`),
    instead: problem.code === "no-space" ? "Free some space, then try again; what was flushed before is safe." : problem.code === "changed" ? "Open it again, to see it as it is now." : null,
    names: null,
  };
}

function explainFile(problem: FileProblem): Explanation {
  const said = problem.detail === undefined || problem.detail === "" ? "" : `: ${problem.detail}`;
  const simple = (title: string, why: string, instead: string | null = null): Explanation => ({ title, why: sentence(why), instead, names: null });
  if (problem.wholeCopy !== undefined) {
    const why = `${problem.file} was being overwritten and may be damaged${said}`;
    return simple("The file may be damaged", why, `Keep ${problem.wholeCopy}: it is whole, and can take the place of ${problem.file}.`);
  }
  switch (problem.code) {
    case "not-found":
      return simple("No such file", `There is no file named ${problem.file}`);
    case "exists":
      return simple("The name is taken", `A file named ${problem.file} exists already`, "Choose another name, or delete that file first.");
    case "in-use":
      return simple("The image is in use", `${problem.file} is open elsewhere${said}`, "Close it there, or take it over.");
    case "bad-name":
      return simple("Not a file name", `${problem.file === "" ? "An empty name" : problem.file} cannot be a file's name here${said}`, nameInstead(problem.file));
    case "no-space": {
      const { neededBytes, freeBytes } = problem;
      const numbers = neededBytes === undefined || freeBytes === undefined ? said : `: ${exactBytes(neededBytes)} are needed and ${exactBytes(freeBytes)} are left`;
      return simple("No space left", `${problem.file} does not fit${numbers}`, "Delete an image that is not needed, or make a smaller one; what was flushed before is safe.");
    }
    case "denied":
      return simple("No permission", `Access to ${problem.file} was denied${said}`);
    case "not-a-file":
      return simple("Not a file", `${problem.file} is a folder or a device, and no file that holds an image`);
    case "io":
      return simple("The file could not be read or written", `${problem.file} failed${said}`);
    default:
      return assertNever(problem.code);
  }
}

/** What to write in place of a path or of a device, as lines from elsewhere have them. */
function nameInstead(file: string): string | null {
  if (/(?:^|=)\/dev\//.test(file)) return "Name an image in place of the device.";
  const last = /^[^=,]*\/([^/\\=,]+)$/.exec(file)?.[1];
  return last === undefined || last === "." || last === ".." ? null : `Leave the folder out: ${last}.`;
}

function explainUsage(problem: UsageProblem): Explanation {
  switch (problem.code) {
    case "closed-handle":
      return { title: "The image is closed", why: sentence(problem.detail), instead: "Open it again.", names: null };
    case "lent":
      return { title: "Linux has the image", why: begun(sentence(problem.detail)), instead: 'Look at it here ("zrp", "read", "info"), or write from the terminal; "detach" ends Linux.', names: null };
    case "read-only":
      // A detail that says the title once more is left to QEMU's kind of line, which has no title.
      return { title: "The image is read-only", why: / is open for reading$/.test(problem.detail) ? "It was opened for reading only." : begun(sentence(problem.detail)), instead: "Work on a copy of it.", names: null };
    case "too-large":
      return { title: "Too much at once", why: sentence(problem.detail), instead: "Ask for less at a time.", names: null };
    case "corrupt":
      return { title: "The image is corrupt", why: sentence(problem.detail), instead: 'Open it for reading, or repair it with "qemu-img check -r all".', names: null };
    case "unrepairable":
      return { title: "The image could not be repaired", why: sentence(problem.detail), instead: "Open it for reading.", names: null };
    case "compressed-misaligned":
      return { title: "No whole clusters", why: sentence(problem.detail), instead: "Write whole clusters, or without compression.", names: null };
    case "vm-state-too-far":
      return { title: "Too far behind the disk", why: sentence(problem.detail), instead: "Write it nearer to the disk.", names: null };
    case "compressed-in-use":
    case "compressed-data-file":
      return { title: "Not to be compressed", why: sentence(problem.detail), instead: "Write without compression.", names: null };
    default:
      return assertNever(problem.code);
  }
}

/** Text as a sentence: a capital in front unless it starts with a name, a full stop behind. */
function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  return /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}

/** The first letter as a sentence has it. */
const begun = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** The explanation as lines of text, each with its newline. */
export function explanationLines(failure: Failure): string {
  const { title, why, instead, names } = explain(failure);
  let text = `${title}. ${why}\n`;
  if (instead !== null) text += `Instead: ${instead}\n`;
  return names === null ? text : `${text}${elsewhereLine(names)}\n`;
}

/** Who calls a refusal what, in the order in which it is told; null where that world has no such refusal. */
export const elsewhere = ({ errno, virtio, nvme, scsi }: StandardNames): readonly (readonly [where: string, name: string | null])[] => [
  ["errno", errno],
  ["virtio-blk", virtio],
  ["NVMe", nvme],
  ["SCSI", scsi],
];

/** The names of a refusal in one line, without its newline. */
export const elsewhereLine = (names: StandardNames): string =>
  `Elsewhere: ${elsewhere(names)
    .map(([where, name]) => `${where} ${name ?? "has no such refusal"}`)
    .join(", ")}`;

/** The explanation as a program's step; `yield explained(failure)`. What QEMU has no word for is an error's text by itself, for its errno says nothing. */
export function explained(failure: Failure): Step {
  const words = ownWords(failure);
  return words === null ? { step: "print", stream: "explain", text: explanationLines(failure) } : errorOut(`${words}\n`);
}

/** A sentence about an image that is refused here alone; null for any other failure. */
function ownWords(failure: Failure): string | null {
  if (failure.kind === "move") return ownWords(failure.cause);
  return failure.kind === "image" ? tooMuchWords(failure) : null;
}

/** Why an image could not be opened, as QEMU words it behind the program's and file's name. */
export function openFailureWords(file: string, failure: Failure): string {
  switch (failure.kind) {
    case "file":
      if (failure.code === "in-use") return `Failed to get "write" lock\nIs another process using the image [${file}]?`;
      if (failure.code === "not-a-file") return `'file' driver requires '${file}' to be a regular file`;
      return file === "" ? "The 'file' block driver requires a file name" : `Could not open '${file}': ${fileWords(failure)}`;
    case "image":
      return qemuImageWords(failure) ?? imageWords(failure);
    case "unsupported":
      return `Unsupported qcow2 feature(s): ${failure.feature}`;
    case "amend":
      return amendWords(failure);
    case "resize":
      return resizeWords(failure);
    case "chain":
      return chainWords(failure, openFailureWords);
    case "snapshot":
      return `Failed to load snapshot: ${snapshotLoadWords(failure)}`;
    case "usage":
      if (failure.code === "corrupt") return "qcow2: Image is corrupt; cannot be opened read/write";
      if (failure.code === "unrepairable") return "Could not repair dirty image: Input/output error";
      return explain(failure).why;
    case "bitmap":
      return bitmapWords(failure);
    case "zone":
    case "store":
    case "option":
    case "bug":
    case "cancelled":
    case "move":
    case "remote":
      return explain(failure).why;
    default:
      return assertNever(failure);
  }
}

/** QEMU's words for a size that a disk cannot have. */
function resizeWords({ code }: ResizeProblem): string {
  const words: Readonly<Record<ResizeProblem["code"], string>> = {
    misaligned: "The new size must be a multiple of 512",
    "too-large": "Failed to grow the L1 table: File too large",
    "old-with-snapshots": "Can't resize a v2 image which has snapshots",
    fixed: "Cannot resize fixed-size raw disks",
  };
  return words[code];
}

/** A broken image in one sentence; qemu's programs put the file's name before it. */
export const imageWords = (problem: ImageProblem): string =>
  `the field ${problem.field} of the ${problem.structure}, at byte ${hex(problem.hostOffset)} of the file, is ${problem.found}; allowed is ${problem.allowed}`;

/** Whether `openFailureWords` leaves something to be explained: of a broken or unsupported image it says all. */
export function hasMoreToSay(failure: Failure): boolean {
  if (failure.kind === "chain") return "cause" in failure && hasMoreToSay(failure.cause);
  if (failure.kind === "image") return qemuImageWords(failure) !== null && failure.field !== "magic";
  return failure.kind !== "unsupported";
}

/** strerror's string, or what the platform said where no errno of the list says it. */
export function fileWords(problem: FileProblem): string {
  const strings: Readonly<Partial<Record<Errno, string>>> = { ENOENT: "No such file or directory", EACCES: "Permission denied", ENOSPC: "No space left on device" };
  const errno = errnoOf(problem);
  return strings[errno] ?? (problem.detail !== undefined && problem.detail !== "" ? problem.detail : errno === "EINVAL" ? "Invalid argument" : "Input/output error");
}
