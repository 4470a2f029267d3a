/**
 * The program profile: which rules the attached image follows, other rules until it is detached, and the same commands under all
 * of them on scratch disks. In a shell, where nothing is attached, the comparison alone has something to work on.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { PROFILE_NAMES, isProfileName } from "../protocol/index.ts";
import type { CreateOptions, DeviceFacts, ProfileName } from "../protocol/index.ts";
import { explain, explained, openFailureWords } from "./explain.ts";
import { compareProfiles } from "./profile-compare.ts";
import type { Comparison, ScriptCommand } from "./profile-compare.ts";
import { commandsOfHistory, readScript } from "./profile-script.ts";
import { comparisonText } from "./profile-table.ts";
import { call, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";

/** What profile needs of where it runs. */
export interface ProfileContext {
  /** The image that bare commands act on; absent in a shell. */
  readonly attached?: () => { readonly handle: number; readonly file: string } | null;
  /** The lines that were typed, oldest first; absent in a shell. */
  readonly history?: () => readonly string[];
}

const TITLES: Readonly<Record<ProfileName, string>> = {
  qcow2: "the series' device with its bugs mended towards the standards",
  "v4-as-posted": "the series as it was posted in version 4",
  zns: "NVMe Zoned Namespaces",
  zbc: "SCSI Zoned Block Commands",
  null_blk: "Linux's null_blk driver",
};

export const PROFILE_USAGE = `Usage: profile                       lists the profiles, the attached image's marked with *
       profile NAME                  switches the attached image to other rules until it is detached
       profile compare FILE [IMAGE]  runs the lines of FILE, qemu-io commands, under every profile on scratch disks
                                     like IMAGE, and tells for each pair where they part
       profile compare last N        the same for the last N commands typed

`;

const MIB = 2 ** 20;

/** The scratch disks when no image says another geometry: limits small enough for a short script to meet. */
const STANDARD_SCRATCH: CreateOptions = {
  sizeBytes: 768 * MIB,
  clusterSize: 65536,
  refcountBits: 16,
  zoned: { dialect: "v4", zoneSize: 64 * MIB, zoneCapacity: 64 * MIB, conventionalZones: 0, maxOpenZones: 2, maxActiveZones: 3, maxAppendBytes: 65536 },
};

/** Runs profile; argv is what follows its name. */
export function* profile(argv: readonly string[], context: ProfileContext): Program {
  const [first, ...rest] = argv;
  if (first === undefined) return yield* list(context);
  if (first === "--help" || first === "-h") {
    yield out(PROFILE_USAGE);
    return 0;
  }
  if (first === "compare") return yield* compare(rest, context);
  if (rest.length > 0) return yield* fail(`unexpected argument '${rest[0]!}'`);
  if (!isProfileName(first)) return yield* fail(`there is no profile '${first}'; there are ${PROFILE_NAMES.join(", ")}`);
  return yield* switchTo(first, context);
}

function* fail(words: string): Program {
  yield errorOut(`profile: ${words}\n`);
  return 1;
}

function* list(context: ProfileContext): Program {
  const attached = context.attached?.() ?? null;
  let current: string | null = null;
  if (attached !== null) {
    const facts = yield* call("facts", { handle: attached.handle });
    if (!facts.ok) return yield* fail(explain(facts.error).why);
    current = facts.value.zoned?.policy ?? null;
  }
  const width = Math.max(...PROFILE_NAMES.map((name) => name.length));
  for (const name of PROFILE_NAMES) yield out(`${name === current ? "*" : " "} ${name.padEnd(width)}  ${TITLES[name]}\n`);
  return 0;
}

function* switchTo(name: ProfileName, context: ProfileContext): Program {
  const attached = context.attached?.() ?? null;
  if (attached === null) return yield* fail("no image is attached whose rules could be switched");
  const switched = yield* call("setProfile", { handle: attached.handle, profile: name });
  if (switched.ok) {
    yield out(`${attached.file} follows the rules of ${name} until it is detached\n`);
    return 0;
  }
  yield errorOut(`profile: ${attached.file} cannot follow the rules of ${name}\n`);
  yield explained(switched.error);
  return 1;
}

function* compare(words: readonly string[], context: ProfileContext): Program {
  const fromHistory = words[0] === "last";
  if (words.length < 1 || words.length > 2 || (fromHistory && words.length !== 2)) {
    yield errorOut(PROFILE_USAGE);
    return 1;
  }
  const commands = fromHistory ? lastCommands(words[1]!, context) : yield* readScript(words[0]!);
  const compared = yield* compareOn(commands, fromHistory ? null : (words[1] ?? null), context);
  if (!compared.ok) return yield* fail(compared.error);
  yield out(comparisonText(compared.value));
  return 0;
}

/** The comparison behind `profile compare last N`, as data for a table. The error is a sentence. */
export function compareLast(count: number, context: ProfileContext): Program<Result<Comparison, string>> {
  return compareOn(lastCommands(String(count), context), null, context);
}

function* compareOn(commands: Result<ScriptCommand[], string>, image: string | null, context: ProfileContext): Program<Result<Comparison, string>> {
  if (!commands.ok) return commands;
  const options = yield* scratchLike(image, context);
  if (!options.ok) return options;
  const compared = yield* compareProfiles(commands.value, options.value);
  return compared.ok ? compared : err(explain(compared.error).why);
}

function lastCommands(word: string, context: ProfileContext): Result<ScriptCommand[], string> {
  if (context.history === undefined) return err("there is no history here; name a file of commands");
  const count = /^\d+$/.test(word) ? Number(word) : 0;
  if (count < 1) return err(`'${word}' is no number of commands`);
  const commands = commandsOfHistory(context.history(), count);
  return commands.length > 0 ? ok(commands) : err("no command for a disk was typed yet");
}

/** Options of a disk like the image, the attached one when none is named, or the standard one. Data and pointers stay behind. */
function* scratchLike(file: string | null, context: ProfileContext): Program<Result<CreateOptions, string>> {
  const attached = context.attached?.() ?? null;
  if (attached !== null && (file === null || file === attached.file)) {
    const facts = yield* call("facts", { handle: attached.handle });
    if (!facts.ok) return err(explain(facts.error).why);
    if (file !== null || facts.value.zoned !== null) return likeDevice(attached.file, facts.value);
  }
  if (file === null) return ok(STANDARD_SCRATCH);
  const opened = yield* call("open", { file, readOnly: true, format: null });
  if (!opened.ok) return err(openFailureWords(file, opened.error));
  yield* call("close", { handle: opened.value.handle });
  return likeDevice(file, opened.value.facts);
}

function likeDevice(file: string, { image, zoned }: DeviceFacts): Result<CreateOptions, string> {
  if (zoned === null) return err(`${file} has no zones`);
  const { zoneSize, zoneCapacity, conventionalZones, maxOpenZones, maxActiveZones, maxAppendBytes } = zoned.geometry;
  // An image may say more open zones than active ones, which is no more than as many, and which create refuses.
  const maxOpen = maxActiveZones > 0 ? Math.min(maxOpenZones, maxActiveZones) : maxOpenZones;
  const zoneOptions = { dialect: zoned.dialect, zoneSize, zoneCapacity, conventionalZones, maxOpenZones: maxOpen, maxActiveZones, maxAppendBytes };
  return ok({ sizeBytes: image.virtualSize, clusterSize: image.clusterSize, refcountBits: image.refcountBits, zoned: zoneOptions });
}
