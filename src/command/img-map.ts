/**
 * qemu-img map: where the guest's bytes lie, as a table for people or as JSON with everything that is known.
 *
 * What the image itself says is printed, and for preallocated and raw images the holes of the file under it, where they can be told
 * (bytes/holes.ts); where they cannot, and in a browser, they are data.
 */
import type { Extent } from "../protocol/index.ts";
import { explained } from "./explain.ts";
import { hex, integer } from "./format.ts";
import type { GivenOptions } from "./getopt.ts";
import { READING_OPTIONS, closeRead, imageToRead, namesGiven, openToRead } from "./img-open.ts";
import type { ImageToRead, ReadImage } from "./img-open.ts";
import { imgError } from "./img-words.ts";
import type { NodeName } from "./node-names.ts";
import { call, out } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { parseIoNumber } from "./sizes.ts";
import { strerror } from "./strerror.ts";

/** Extents asked for in one call. */
const MAP_CALL = 4096;
const COLUMN = 16;

export const mapImage: ImgCommand = {
  name: "map",
  args: "[-f fmt] [--output=human|json] [--start-offset=offset] [--max-length=len] [-U] [--image-opts] filename",
  oneline: "tells where an image's data lie",
  shorts: "hf:s:l:U",
  longs: [...READING_OPTIONS, { name: "start-offset", takesValue: true, flag: "s" }, { name: "max-length", takesValue: true, flag: "l" }],
  *run(given): Program {
    const range = yield* mapRange(given);
    if (range === null) return 1;
    const asked = yield* imageToRead(given);
    if (asked === null) return 1;
    const image = yield* openToRead(given, asked.word);
    if (image === null) return 1;
    const status = yield* printMap(image, filesOf(image, namesGiven(given, asked.word, image.facts.image.format)), range, asked.output);
    yield* closeRead(image);
    return status;
  },
};

/** Where bytes of each depth lie, the image's own in what it stands on. @param names of its nodes, null where they are the file's */
function filesOf({ file, facts }: ReadImage, names: readonly NodeName[] | null): (depth: number) => string {
  const { dataFiles } = facts.image;
  return (depth) => (depth === 0 ? names?.[1]?.name : null) ?? dataFiles[depth] ?? file;
}

interface MapRange {
  readonly start: number;
  /** null: to the end of the disk. */
  readonly maxLength: number | null;
}

/** The range that the options ask for; null after a mistake in them was printed. */
function* mapRange({ options }: GivenOptions): Program<MapRange | null> {
  let start = 0;
  let maxLength: number | null = null;
  for (const { flag, value } of options) {
    if (flag !== "s" && flag !== "l") continue;
    const what = flag === "s" ? "start offset" : "max length";
    const parsed = parseIoNumber(value);
    if (!parsed.ok && parsed.error === "out-of-range") {
      yield imgError(`Invalid ${what} specified. Must be between 0 and 9223372036854775807.`);
      return null;
    }
    if (!parsed.ok) {
      yield imgError(`Invalid ${what} specified. You may use k, M, G, T, P or E suffixes for`);
      yield imgError("kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.");
      return null;
    }
    if (flag === "s") start = parsed.value;
    else maxLength = parsed.value;
  }
  return { start, maxLength };
}

/** What stands before the first extent is found: an entry of no length, which JSON shows for an empty range. */
const nothingAt = (start: number): Extent => ({ start, length: 0, allocated: false, zero: false, data: false, compressed: false, hostOffset: null, depth: 0 });

function* printMap({ handle, facts }: ReadImage, fileOf: (depth: number) => string, range: MapRange, output: ImageToRead["output"]): Program {
  const json = output === "json";
  yield out(json ? "[" : `${["Offset", "Length", "Mapped to"].map((title) => title.padEnd(COLUMN)).join("")}File\n`);
  const size = facts.image.virtualSize;
  const end = range.maxLength === null ? size : Math.min(range.start + range.maxLength, size);
  let current = nothingAt(range.start);
  let at: number | null = range.start;
  let text = "";
  /** Adds an entry that nothing more is merged into; false where the table cannot show it. */
  const finish = (extent: Extent, last: boolean): boolean => {
    if (json) text += jsonEntry(extent) + (last ? "]\n" : ",\n");
    else if (extent.data && extent.hostOffset === null) return false;
    else if (extent.data && !extent.zero) text += tableRow(extent, fileOf(extent.depth));
    return true;
  };
  while (at !== null && at < end) {
    const mapped: { extents: readonly Extent[]; next: number | null } | null = yield* mapPiece(handle, at, end - at);
    if (mapped === null) return 1;
    for (const extent of mapped.extents) {
      if (mergeable(current, extent)) current = { ...current, length: current.length + extent.length };
      else {
        if (current.length > 0 && !finish(current, false)) return yield* notShowable(text);
        current = extent;
      }
    }
    if (text !== "") yield out(text);
    text = "";
    at = mapped.next;
  }
  if (!finish(current, true)) return yield* notShowable(text);
  if (text !== "") yield out(text);
  return 0;
}

function* mapPiece(handle: number, offset: number, length: number): Program<{ extents: readonly Extent[]; next: number | null } | null> {
  const mapped = yield* call("map", { handle, offset, length, maxExtents: MAP_CALL });
  if (mapped.ok) return mapped.value;
  yield imgError(`Could not read file metadata: ${strerror(mapped.error)}`);
  yield explained(mapped.error);
  return null;
}

/** The table is of places, and compressed data has none that a row could give. */
function* notShowable(text: string): Program {
  if (text !== "") yield out(text);
  yield imgError("File contains external, encrypted or compressed clusters.");
  return 1;
}

/** Whether two neighbours are one entry: the same answers, and host bytes that go on. */
function mergeable(current: Extent, next: Extent): boolean {
  if (current.length === 0) return false;
  if (current.allocated !== next.allocated || current.zero !== next.zero || current.data !== next.data || current.compressed !== next.compressed || current.depth !== next.depth) return false;
  if (current.hostOffset === null || next.hostOffset === null) return current.hostOffset === next.hostOffset;
  return current.hostOffset + current.length === next.hostOffset;
}

/** printf's "%#x" writes zero as it is. */
const cell = (value: number): string => (value === 0 ? "0" : hex(value)).padEnd(COLUMN);

const tableRow = ({ start, length, hostOffset }: Extent, file: string): string => `${cell(start)}${cell(length)}${cell(hostOffset ?? 0)}${file}\n`;

function jsonEntry({ start, length, allocated, zero, data, compressed, hostOffset, depth }: Extent): string {
  const place = hostOffset === null ? "" : `, "offset": ${integer(hostOffset)}`;
  return (
    `{ "start": ${integer(start)}, "length": ${integer(length)}, "depth": ${depth}, "present": ${allocated}, ` +
    `"zero": ${zero}, "data": ${data}, "compressed": ${compressed}${place}}`
  );
}
