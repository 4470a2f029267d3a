/** The programs of the command language by name: what a line of the console or of a shell may start with. */
import { PROFILE_NAMES } from "../protocol/index.ts";
import { profile } from "./profile.ts";
import type { ProfileContext } from "./profile.ts";
import { BLKZONE_WORDS, blkzone } from "./blkzone.ts";
import { NOT_LOADED, errorOut, loaded } from "./program.ts";
import type { Program } from "./program.ts";
import { qemuIo } from "./qemu-io.ts";
import { WEAR_WORDS, wear } from "./wear.ts";
import { JOB_WORDS } from "./workload-words.ts";

export interface ProgramContext extends ProfileContext {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
}

export interface NamedProgram {
  readonly name: string;
  readonly oneline: string;
  /** Words that may come first behind the name, for completion. */
  readonly words: readonly string[];
  /** Whether it works on the attached image as it is; the image is then not let go where a word happens to be its name. */
  readonly keepsAttached?: true;
  readonly run: (argv: readonly string[], context: ProgramContext) => Program;
}

/** A program that is loaded when it is first run: a first visit need not wait for it. */
function later(load: () => Promise<NamedProgram["run"]>): NamedProgram["run"] {
  return function* run(argv, context) {
    const program = yield* loaded(load);
    if (program !== null) return yield* program(argv, context);
    yield errorOut(NOT_LOADED);
    return 1;
  };
}

/** qemu-img's commands, whose code is loaded when one is run; a test compares them with its table. */
const IMG_WORDS = ["amend", "bench", "bitmap", "check", "commit", "compare", "convert", "create", "dd", "info", "map", "measure", "rebase", "resize", "snapshot"];

export const PROGRAMS: readonly NamedProgram[] = [
  { name: "qemu-img", oneline: "makes images and tells what they are", words: IMG_WORDS, run: later(async () => (await import("./qemu-img.ts")).qemuImg) },
  { name: "qemu-io", oneline: "runs commands on an image", words: ["-c", "-f", "-r"], run: qemuIo },
  { name: "blkzone", oneline: "runs zone commands on an image", words: BLKZONE_WORDS, run: (argv) => blkzone(argv) },
  { name: "dialect", oneline: "tells or changes an image's layout of the zoned format", words: [], run: later(async () => (await import("./dialect.ts")).dialect) },
  { name: "inspect", oneline: "tells what a file is, its header field by field, and what its clusters hold", words: ["--output=json"], run: later(async () => (await import("./inspect.ts")).inspect) },
  {
    name: "profile",
    oneline: "tells and switches whose rules a disk follows, and compares them",
    words: ["compare", ...PROFILE_NAMES],
    keepsAttached: true,
    run: profile,
  },
  { name: "wear", oneline: "has zones fail as those of worn media do: read-only, or offline", words: WEAR_WORDS, keepsAttached: true, run: wear },
  {
    name: "crash",
    oneline: "cuts the power in the midst of a flush, on a scratch copy, and tells what is lost and why not more",
    words: ["-c", "--cut", "--keep", "--seed", "--wrong-order", "--list", "--output=json"],
    keepsAttached: true,
    run: later(async () => (await import("./crash.ts")).crash),
  },
  { name: "link", oneline: "makes links that play commands, and reads them", words: ["--readable", "--show", "--step", "--embed", "--no-autoplay", "--lesson", "--guest", "--base"], keepsAttached: true, run: later(async () => (await import("./link.ts")).link) },
  { name: "lesson", oneline: "looks through a lesson's file, and packs it in a link", words: ["check", "link"], keepsAttached: true, run: later(async () => (await import("./lesson.ts")).lesson) },
  {
    name: "workload",
    oneline: "does what a job of fio would, a log-structured store among them",
    words: JOB_WORDS.map(({ name }) => `${name}=`),
    keepsAttached: true,
    run: later(async () => (await import("./workload.ts")).workload),
  },
];

export const findProgram = (name: string): NamedProgram | null => PROGRAMS.find((program) => program.name === name) ?? null;
