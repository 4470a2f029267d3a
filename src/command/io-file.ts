/** qemu-io's questions about the open image: length, info, map, alloc. */
import type { DeviceFacts, Extent, Failure, Outcome } from "../protocol/index.ts";
import { explained } from "./explain.ts";
import { hex, ioSize } from "./format.ts";
import { factLines, formatSpecific } from "./image-facts.ts";
import { diskOf, factsOf, ioNumber, printFailure } from "./io-session.ts";
import type { IoCommand, IoSession } from "./io-session.ts";
import { call, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";
import { strerror } from "./strerror.ts";

/** What is asked about where no length is given. */
const SECTOR = 512;
/** Extents asked for in one call. */
const MAP_CALL = 4096;

export const length: IoCommand = {
  name: "length",
  alias: "l",
  min: 0,
  max: 0,
  shorts: null,
  args: null,
  oneline: "gets the length of the current file",
  more: null,
  needs: "disk",
  writes: false,
  *run(session) {
    const facts = yield* freshFacts(session, "getlength");
    if (facts === "failed") return "failed";
    yield out(`${ioSize(facts.image.virtualSize)}\n`);
    return "ok";
  },
};

export const info: IoCommand = {
  name: "info",
  alias: "i",
  min: 0,
  max: 0,
  shorts: null,
  args: null,
  oneline: "prints information about the current file",
  more: null,
  needs: "disk",
  writes: false,
  *run(session) {
    const facts = yield* freshFacts(session, "info");
    if (facts === "failed") return "failed";
    const { format, clusterSize, vmStateOffset } = facts.image;
    const { source } = diskOf(session);
    if (source?.nullBytes !== undefined) {
      // Once as a format and once as a protocol; more it does not know of itself, and QEMU has the command fail.
      yield out(`format name: ${driverOfNothing(source.file)}\n`.repeat(2));
      return "failed";
    }
    const raw = format === "raw";
    yield out(`format name: ${format}\ncluster size: ${ioSize(raw ? 0 : clusterSize)}\nvm state offset: ${ioSize(raw ? 0 : vmStateOffset)}\n`);
    const specific = formatSpecific(facts);
    if (specific !== null) yield out(`Format specific information:\n${[...factLines(specific, 1)].join("")}`);
    return "ok";
  },
};

/** The driver of what is no file, which is all of its name. */
const driverOfNothing = (name: string): string => name.slice(0, name.indexOf(":"));

/** The facts as they are now; "failed" after the failure was printed. */
function* freshFacts(session: IoSession, what: string): Program<DeviceFacts | "failed"> {
  const outcome = yield* call("facts", { handle: diskOf(session).handle });
  if (!outcome.ok) {
    yield* printFailure(what, outcome.error);
    return "failed";
  }
  diskOf(session).facts = outcome.value;
  return outcome.value;
}

/** Runs of [offset, offset + length) that are alike in `allocated`, handed to `each` in order, those in front of a failure too. */
function* allocationRuns(
  session: IoSession,
  offset: number,
  length: number,
  each: (start: number, length: number, allocated: boolean) => void,
): Program<"ok" | { failed: Failure }> {
  const { handle } = diskOf(session);
  const end = offset + length;
  let at: number | null = offset;
  let runStart = offset;
  let runEnd = offset;
  let runAllocated = false;
  const take = (extent: Extent): void => {
    const from = Math.max(extent.start, offset);
    const to = Math.min(extent.start + extent.length, end);
    // What a backing file says is not the image's own.
    const allocated = extent.allocated && extent.depth === 0;
    if (runEnd > runStart && allocated !== runAllocated) {
      each(runStart, runEnd - runStart, runAllocated);
      runStart = from;
    }
    runAllocated = allocated;
    runEnd = to;
  };
  while (at !== null && at < end) {
    const outcome: Outcome<"map"> = yield* call("map", { handle, offset: at, length: end - at, maxExtents: MAP_CALL });
    if (!outcome.ok) {
      if (runEnd > runStart) each(runStart, runEnd - runStart, runAllocated);
      return { failed: outcome.error };
    }
    for (const extent of outcome.value.extents) take(extent);
    at = outcome.value.next;
  }
  if (runEnd > runStart) each(runStart, runEnd - runStart, runAllocated);
  return "ok";
}

export const map: IoCommand = {
  name: "map",
  alias: null,
  min: 0,
  max: 0,
  shorts: null,
  args: "",
  oneline: "prints the allocated areas of a file",
  more: null,
  needs: "disk",
  writes: false,
  *run(session) {
    const facts = yield* freshFacts(session, "map");
    if (facts === "failed") return "failed";
    const lines: string[] = [];
    const end = yield* allocationRuns(session, 0, facts.image.virtualSize, (start, count, allocated) => {
      const state = allocated ? "    allocated" : "not allocated";
      lines.push(`${ioSize(count)} (${hex(count)}) bytes ${state} at offset ${ioSize(start)} (${hex(start)})\n`);
    });
    if (lines.length > 0) yield out(lines.join(""));
    if (end === "ok") return "ok";
    yield errorOut(`qemu-io: Failed to get allocation status: ${strerror(end.failed)}\n`);
    yield explained(end.failed);
    return "failed";
  },
};

export const alloc: IoCommand = {
  name: "alloc",
  alias: "a",
  min: 1,
  max: 2,
  shorts: null,
  args: "offset [count]",
  oneline: "checks if offset is allocated in the file",
  more: null,
  needs: "disk",
  writes: false,
  *run(session, args) {
    const offset = yield* ioNumber(args.words[0]!);
    if (offset === null) return "failed";
    const word = args.words[1];
    const count = word === undefined ? SECTOR : yield* ioNumber(word);
    if (count === null) return "failed";
    const facts = yield* factsOf(session);
    const inside = Math.max(0, Math.min(count, (facts?.image.virtualSize ?? 0) - offset));
    let allocated = 0;
    if (inside > 0) {
      const end = yield* allocationRuns(session, offset, inside, (_, bytes, is) => {
        if (is) allocated += bytes;
      });
      if (end !== "ok") return yield* printFailure("is_allocated", end.failed);
    }
    yield out(`${allocated}/${inside} bytes allocated at offset ${ioSize(offset)}\n`);
    return "ok";
  },
};
