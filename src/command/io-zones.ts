/** qemu-io's zone commands: report, open, close, finish, reset, append. Sectors of 512 bytes in what they print, bytes in what they take. */
import { SECTOR_SIZE } from "../base/units.ts";
import type { ZoneDescriptor } from "../protocol/index.ts";
import { hex } from "./format.ts";
import { diskOf, factsOf, ioNumber, printFailure } from "./io-session.ts";
import type { IoCommand, IoSession } from "./io-session.ts";
import { ioVector } from "./io-lengths.ts";
import { DEFAULT_PATTERN, unsafeOffset } from "./io-write.ts";
import { call, out } from "./program.ts";
import type { Program } from "./program.ts";

/** Zones asked for in one call: a report of a million zones is many replies of a bounded size. */
const REPORT_CALL = 2 ** 12;

/** A sector count as the report prints it; a pointer that is no multiple of a sector is rounded down. */
const sectors = (bytes: number): string => hex(Math.floor(bytes / SECTOR_SIZE));

/** One line of a zone report. */
const reportLine = (zone: ZoneDescriptor): string =>
  `start: ${sectors(zone.start)}, len ${sectors(zone.length)}, cap ${sectors(zone.capacity)}, wptr ${sectors(zone.writePointer)}, ` +
  `zcond:${zone.condition}, [type: ${zone.type}]\n`;

export const zoneReport: IoCommand = {
  name: "zone_report",
  alias: "zrp",
  min: 2,
  max: 2,
  shorts: null,
  args: "offset number",
  oneline: "report zone information",
  more: null,
  needs: "disk",
  writes: false,
  *run(session, args) {
    const offset = yield* ioNumber(args.words[0]!);
    if (offset === null) return "failed";
    const count = yield* ioNumber(args.words[1]!);
    if (count === null) return "failed";
    const outside = yield* unsafeOffset(session, "report", offset, 0);
    if (outside !== null) return yield* printFailure("zone report", outside);
    const { handle } = diskOf(session);
    let at = offset;
    let left = count;
    do {
      const asked = Math.min(left, REPORT_CALL);
      const outcome = yield* call("report", { handle, offset: at, count: asked });
      if (!outcome.ok) return yield* printFailure("zone report", outcome.error);
      const zones = outcome.value;
      let text = "";
      for (const zone of zones) text += reportLine(zone);
      yield out(text);
      const last = zones[zones.length - 1];
      if (last === undefined || zones.length < asked) break;
      left -= zones.length;
      at = last.start + last.length;
      if (left > 0 && (yield* atEnd(session, at))) break;
    } while (left > 0);
    return "ok";
  },
};

/** Whether a report that goes on at `offset` has reached the end of the disk. */
function* atEnd(session: IoSession, offset: number): Program<boolean> {
  const facts = yield* factsOf(session);
  return facts === null || offset >= facts.image.virtualSize;
}

function management(operation: "open" | "close" | "finish" | "reset", alias: string, oneline: string): IoCommand {
  return {
    name: `zone_${operation}`,
    alias,
    min: 2,
    max: 2,
    shorts: null,
    args: "offset len",
    oneline,
    more: null,
    needs: "disk",
    writes: true,
    *run(session, args) {
      const offset = yield* ioNumber(args.words[0]!);
      if (offset === null) return "failed";
      const length = yield* ioNumber(args.words[1]!);
      if (length === null) return "failed";
      const outside = yield* unsafeOffset(session, operation, offset, length);
      if (outside !== null) return yield* printFailure(`zone ${operation}`, outside);
      const outcome = yield* call("manage", { handle: diskOf(session).handle, offset, length, operation });
      return outcome.ok ? "ok" : yield* printFailure(`zone ${operation}`, outcome.error);
    },
  };
}

export const zoneOpen = management("open", "zo", "explicit open a range of zones in zone block device");
export const zoneClose = management("close", "zc", "close a range of zones in zone block device");
export const zoneFinish = management("finish", "zf", "finish a range of zones in zone block device");
export const zoneReset = management("reset", "zrs", "reset a zone write pointer in zone block device");

export const zoneAppend: IoCommand = {
  name: "zone_append",
  alias: "zap",
  min: 2,
  max: -1,
  shorts: "p",
  args: "[-p] offset len [len..]",
  oneline: "append write a number of bytes at a specified offset",
  more: {
    says: "appends the sum of the lengths at the write pointer of the zone that starts at offset",
    example: "zap -p 64M 4k 8k",
    does: "appends 12 KiB and prints where they landed",
    options: {
      p: "print the sector at which it landed",
    },
  },
  needs: "disk",
  writes: true,
  *run(session, args) {
    if (args.words.length < 2) return "usage";
    const offset = yield* ioNumber(args.words[0]!);
    if (offset === null) return "failed";
    const vector = yield* ioVector(args.words.slice(1));
    if (vector === null) return "failed";
    const outside = yield* unsafeOffset(session, "append", offset, vector.total);
    if (outside !== null) return yield* printFailure("zone append", outside);
    const outcome = yield* call("append", { handle: diskOf(session).handle, offset, lengths: vector.lengths, pattern: DEFAULT_PATTERN });
    if (!outcome.ok) return yield* printFailure("zone append", outcome.error);
    if (args.has("p")) yield out(`After zap done, the append sector is ${sectors(outcome.value.offset)}\n`);
    return "ok";
  },
};
