/**
 * The program blkzone: zone commands on an image file in place of a device. Options, checks, output and exit status as
 * util-linux's, sectors of 512 bytes in all it takes and prints.
 *
 * Source: blkzone(8) and the answers of util-linux 2.38.1 where they need no zoned device; 2.38 to 2.41 print alike.
 */
import { Condition, ZoneType } from "../base/conditions.ts";
import { SECTOR_SIZE, toSectors } from "../base/units.ts";
import type { DeviceFacts, Failure, ZoneDescriptor, ZoneGeometry } from "../protocol/index.ts";
import { explained, fileWords, hasMoreToSay, openFailureWords } from "./explain.ts";
import { integer } from "./format.ts";
import { getopt, mistakeWords } from "./getopt.ts";
import type { LongOption } from "./getopt.ts";
import { call, errorOut, out } from "./program.ts";
import type { Program, Step } from "./program.ts";
import { errnoString, strerror } from "./strerror.ts";
import { parseUtilCount, parseUtilSize } from "./util-linux-numbers.ts";
import type { NumberMistake } from "./util-linux-numbers.ts";
import { UTIL_LINUX_VERSION, VERSION } from "./version.ts";

type ManageOperation = "open" | "close" | "finish" | "reset";
interface BlkzoneCommand {
  readonly name: string;
  readonly oneline: string;
  /** null for the two that report. */
  readonly manages: ManageOperation | null;
}

const COMMANDS: readonly BlkzoneCommand[] = [
  { name: "report", oneline: "print the zones, a line each", manages: null },
  { name: "capacity", oneline: "print the sum of the zones' capacities", manages: null },
  { name: "reset", oneline: "reset a range of zones", manages: "reset" },
  { name: "open", oneline: "open a range of zones; they are closed again when the command ends", manages: "open" },
  { name: "close", oneline: "close a range of zones", manages: "close" },
  { name: "finish", oneline: "make a range of zones full", manages: "finish" },
];

export const BLKZONE_WORDS: readonly string[] = COMMANDS.map(({ name }) => name);

const SHORTS = "hc:l:o:fvV";
const LONGS: readonly LongOption[] = [
  { name: "help", takesValue: false, flag: "h" },
  { name: "count", takesValue: true, flag: "c" },
  { name: "length", takesValue: true, flag: "l" },
  { name: "offset", takesValue: true, flag: "o" },
  { name: "force", takesValue: false, flag: "f" },
  { name: "verbose", takesValue: false, flag: "v" },
  { name: "version", takesValue: false, flag: "V" },
];

export const BLKZONE_USAGE: string =
  "Usage: blkzone <command> [options] <image>\nZone commands of util-linux on an image file in place of a device.\n\nCommands:\n" +
  COMMANDS.map(({ name, oneline }) => `  ${name.padEnd(10)} ${oneline}\n`).join("") +
  "\nOptions, in sectors of 512 bytes; K, M, G… multiply by powers of 1024:\n" +
  "  -o, --offset <sector>    where to start; 0 if not given\n" +
  "  -l, --length <sectors>   how far to go at most\n" +
  "  -c, --count <number>     how many zones at most; not together with --length\n" +
  "  -f, --force              taken and without effect\n" +
  "  -v, --verbose            say more\n" +
  "  -h, --help               this text\n" +
  "  -V, --version            the version\n";

const blkzoneError = (text: string): Step => errorOut(`blkzone: ${text}\n`);

interface Wanted {
  readonly command: BlkzoneCommand;
  readonly file: string;
  /** Sectors; 0 stands for "not given" in all but offset, as in util-linux. */
  readonly offset: number;
  readonly length: number;
  readonly count: number;
  readonly verbose: boolean;
}

/** Runs blkzone; argv is what follows its name. */
export function* blkzone(argv: readonly string[]): Program {
  const wanted = yield* parse(argv);
  if (typeof wanted === "number") return wanted;
  const { command, file } = wanted;
  const opened = yield* call("open", { file, readOnly: command.manages === null, format: null });
  if (!opened.ok) {
    yield blkzoneError(cannotOpen(file, opened.error));
    if (hasMoreToSay(opened.error)) yield explained(opened.error);
    return 1;
  }
  const { handle, facts } = opened.value;
  let status = yield* runOn(handle, facts, wanted);
  const closed = yield* call("close", { handle });
  if (!closed.ok) {
    yield blkzoneError(`${file}: ${strerror(closed.error)}`);
    yield explained(closed.error);
    status = 1;
  }
  return status;
}

function cannotOpen(file: string, failure: Failure): string {
  // No file has the empty name, whatever the system says of it.
  const words = file === "" ? errnoString("ENOENT") : failure.kind === "file" && failure.code !== "in-use" ? fileWords(failure) : openFailureWords(file, failure);
  return `cannot open ${file}: ${words}`;
}

function* runOn(handle: number, facts: DeviceFacts, wanted: Wanted): Program {
  const { zoned } = facts;
  if (zoned === null) {
    yield blkzoneError(`${wanted.file}: unable to determine zone size`);
    return 1;
  }
  const { manages } = wanted.command;
  return manages === null ? yield* report(handle, zoned.geometry, wanted) : yield* manage(handle, zoned.geometry, wanted, manages);
}

/** The command line taken apart; a number is the exit status of one that ends here. */
function* parse(argv: readonly string[]): Program<Wanted | number> {
  const first = argv[0];
  const command = first === undefined || first.startsWith("-") ? null : COMMANDS.find(({ name }) => name === first);
  if (command === undefined) {
    yield blkzoneError(`${first ?? ""} is not valid command name`);
    return 1;
  }
  const parsed = getopt(command === null ? argv : argv.slice(1), SHORTS, LONGS);
  if (!parsed.ok) {
    // The C library names the word before the options, which is the command where there is one.
    yield errorOut(`${command?.name ?? "blkzone"}: ${mistakeWords(parsed.error)}\nTry 'blkzone --help' for more information.\n`);
    return 1;
  }
  const numbers = { offset: 0, length: 0, count: 0 };
  let verbose = false;
  const seen = new Set<string>();
  for (const { flag, value } of parsed.value.options) {
    seen.add(flag);
    if (seen.has("c") && seen.has("l")) {
      yield blkzoneError("mutually exclusive arguments: --count --length");
      return 1;
    }
    switch (flag) {
      case "h":
        yield out(BLKZONE_USAGE);
        return 0;
      case "V":
        yield out(`blkzone from util-linux ${UTIL_LINUX_VERSION} (the command language; zonescope ${VERSION})\n`);
        return 0;
      case "v":
        verbose = true;
        break;
      case "c":
      case "l":
      case "o": {
        const [key, words] = NUMBERS[flag];
        const number = flag === "c" ? parseUtilCount(value) : parseUtilSize(value);
        if (!number.ok) {
          yield numberError(words, value, number.error);
          return 1;
        }
        numbers[key] = number.value;
        break;
      }
    }
  }
  const { words } = parsed.value;
  const missing = command === null ? "no command specified" : words.length === 0 ? "no device specified" : words.length > 1 ? "unexpected number of arguments" : null;
  if (missing !== null || command === null) {
    yield blkzoneError(missing ?? "");
    return 1;
  }
  return { command, file: words[0]!, ...numbers, verbose };
}

const NUMBERS = { c: ["count", "number of zones"], l: ["length", "number of sectors"], o: ["offset", "zone offset"] } as const;
const numberError = (words: string, text: string, mistake: NumberMistake): Step => blkzoneError(`failed to parse ${words}: '${text}'${mistake}`);

/** Zones to a report, as util-linux asks the kernel for them: what -v counts. */
const REPORT_ZONES = 4096;

const CONDITION_LETTERS: Readonly<Record<number, string>> = {
  [Condition.NOT_WP]: "nw",
  [Condition.EMPTY]: "em",
  [Condition.IMPLICIT_OPEN]: "oi",
  [Condition.EXPLICIT_OPEN]: "oe",
  [Condition.CLOSED]: "cl",
  [Condition.READ_ONLY]: "ro",
  [Condition.FULL]: "fu",
  [Condition.OFFLINE]: "of",
};
const TYPE_WORDS: Readonly<Record<number, string>> = { [ZoneType.CONVENTIONAL]: "CONVENTIONAL", [ZoneType.SEQUENTIAL]: "SEQ_WRITE_REQUIRED" };

/** Hexadecimal digits of a sector count, at least `digits` of them. */
const padded = (sectors: number, digits: number): string => `0x${sectors.toString(16).padStart(digits, "0")}`;

/** One line of a report; the write pointer counts from the zone's start, and the two ATA flags are never set here. */
export function blkzoneLine(zone: ZoneDescriptor): string {
  const written = zone.type === ZoneType.CONVENTIONAL ? 0 : toSectors(zone.writePointer) - toSectors(zone.start);
  return (
    `  start: ${padded(toSectors(zone.start), 9)}, len ${padded(toSectors(zone.length), 6)}, cap ${padded(toSectors(zone.capacity), 6)}, ` +
    `wptr ${padded(written, 6)} reset:0 non-seq:0, zcond:${String(zone.condition).padStart(2)}(${CONDITION_LETTERS[zone.condition] ?? "??"}) ` +
    `[type: ${zone.type}(${TYPE_WORDS[zone.type] ?? "RESERVED"})]\n`
  );
}

function* report(handle: number, geometry: ZoneGeometry, wanted: Wanted): Program {
  const { file, command, verbose } = wanted;
  const total = toSectors(geometry.deviceSize);
  const zoneSectors = toSectors(geometry.zoneSize);
  let { offset } = wanted;
  if (offset >= total) {
    yield blkzoneError(`${file}: offset is greater than or equal to device size`);
    return 1;
  }
  let left = 1 + Math.floor((total - offset) / zoneSectors);
  if (wanted.count > 0) left = wanted.count;
  else if (wanted.length > 0) left = Math.ceil(wanted.length / zoneSectors);
  let sum = 0;
  while (left > 0 && offset < total) {
    const outcome = yield* call("report", { handle, offset: offset * SECTOR_SIZE, count: Math.min(left, REPORT_ZONES) });
    if (!outcome.ok) {
      yield blkzoneError(`${file}: BLKREPORTZONE ioctl failed: ${strerror(outcome.error)}`);
      yield explained(outcome.error);
      return 1;
    }
    const zones = outcome.value;
    let text = verbose ? `Found ${zones.length} zones from 0x${offset.toString(16)}\n` : "";
    for (const zone of zones) {
      if (command.name === "capacity") sum += toSectors(zone.capacity);
      else text += blkzoneLine(zone);
      offset = toSectors(zone.start) + toSectors(zone.length);
    }
    if (text !== "") yield out(text);
    if (zones.length === 0) break;
    left -= zones.length;
  }
  if (command.name === "capacity") yield out(`${padded(sum, 9)}\n`);
  return 0;
}

function* manage(handle: number, geometry: ZoneGeometry, wanted: Wanted, operation: ManageOperation): Program {
  const { file, offset, length, count, verbose } = wanted;
  const total = toSectors(geometry.deviceSize);
  const zoneSectors = toSectors(geometry.zoneSize);
  if (offset % zoneSectors !== 0) {
    yield blkzoneError(`${file}: offset ${integer(offset)} is not aligned to zone size ${zoneSectors}`);
    return 1;
  }
  if (offset > total) {
    yield blkzoneError(`${file}: offset is greater than device size`);
    return 1;
  }
  const asked = count > 0 ? count * zoneSectors : length > 0 ? length : total;
  const sectors = Math.min(asked, total - offset);
  if (length > 0 && sectors % zoneSectors !== 0 && offset + sectors !== total) {
    yield blkzoneError(`${file}: number of sectors ${integer(length)} is not aligned to zone size ${zoneSectors}`);
    return 1;
  }
  const outcome = yield* call("manage", { handle, offset: offset * SECTOR_SIZE, length: sectors * SECTOR_SIZE, operation });
  if (!outcome.ok) {
    yield blkzoneError(`${file}: BLK${operation.toUpperCase()}ZONE ioctl failed: ${strerror(outcome.error)}`);
    yield explained(outcome.error);
    return 1;
  }
  // No newline at its end: util-linux prints none.
  if (verbose) yield out(`${file}: successful ${operation} of zones in range from ${offset}, to ${offset + sectors}`);
  return 0;
}
