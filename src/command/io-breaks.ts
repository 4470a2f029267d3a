/**
 * qemu-io's breakpoints, for an image under a node blkdebug: an asynchronous write stops where it would write its data, and goes
 * on when it is resumed.
 *
 * A request here runs from its start to its end, so that one that stops has not begun. What QEMU has wait for it, because it touches the
 * same clusters, waits too, and comes behind it. Other events lie deeper within a request, and no breakpoint can be set at them. A
 * write that does not run beside others would stop for ever, and does not stop.
 */
import { roundDown, roundUp } from "../base/units.ts";
import { diskOf, factsOf } from "./io-session.ts";
import type { IoCommand, IoEnd, IoSession } from "./io-session.ts";
import { out } from "./program.ts";
import type { Program } from "./program.ts";

/** The event that a request can be stopped at: data is about to be written. */
const WRITE = "write_aio";

interface HeldRequest {
  /** Under which it was stopped; null for one that waits for another. */
  readonly tag: string | null;
  /** The clusters that it touches, in bytes of the disk. */
  readonly start: number;
  readonly end: number;
  readonly run: () => Program<IoEnd>;
}

/** Of an open image: the tags under which the next writes are to stop, and the requests that stopped or wait, in the order in which they came. */
export interface Breakpoints {
  readonly set: string[];
  held: HeldRequest[];
}

const overlap = (a: HeldRequest, b: HeldRequest): boolean => a.start < b.end && b.start < a.end;

/** Runs an asynchronous request, or has it wait. @param stops whether it writes data, which a breakpoint can stop */
export function* besideOthers(session: IoSession, stops: boolean, offset: number, length: number, run: () => Program<IoEnd>): Program<IoEnd> {
  const breaks = diskOf(session).breaks;
  const facts = breaks === undefined ? null : yield* factsOf(session);
  if (breaks === undefined || facts === null) return yield* run();
  const { clusterSize } = facts.image;
  const request = { tag: null, start: roundDown(offset, clusterSize), end: roundUp(offset + length, clusterSize), run };
  if (breaks.held.some((held) => overlap(held, request))) {
    breaks.held.push(request);
    return "ok";
  }
  const tag = stops ? breaks.set.pop() : undefined;
  if (tag === undefined) return yield* run();
  yield out(`blkdebug: Suspended request '${tag}'\n`);
  breaks.held.push({ ...request, tag });
  return "ok";
}

/** Lets the requests of a tag go on, and then those that waited for them alone. @returns whether there were any */
function* resumeTag(breaks: Breakpoints, tag: string): Program<boolean> {
  const stopped = breaks.held.filter((held) => held.tag === tag);
  for (const request of stopped) {
    yield out(`blkdebug: Resuming request '${tag}'\n`);
    yield* letGo(breaks, request);
  }
  for (;;) {
    const free = breaks.held.find((held, index) => held.tag === null && !breaks.held.slice(0, index).some((before) => overlap(before, held)));
    if (free === undefined) return stopped.length > 0;
    yield* letGo(breaks, free);
  }
}

function* letGo(breaks: Breakpoints, request: HeldRequest): Program<void> {
  breaks.held = breaks.held.filter((held) => held !== request);
  yield* request.run();
}

/** Runs all that stopped or waits, before the image is closed: nobody can resume them later. */
export function* resumeAll({ breaks }: { readonly breaks?: Breakpoints }): Program<void> {
  while (breaks !== undefined && breaks.held.length > 0) yield* letGo(breaks, breaks.held[0]!);
}

const NOT_THERE = "No such file or directory";
const NOT_SUPPORTED = "Operation not supported";

function breakpoint(name: string, args: string, oneline: string, act: (breaks: Breakpoints | undefined, words: readonly string[]) => Program<string | null>): IoCommand {
  return {
    name,
    alias: null,
    min: args.split(" ").length,
    max: args.split(" ").length,
    shorts: null,
    args,
    oneline,
    more: null,
    needs: "disk",
    writes: false,
    *run(session, { words }) {
      const refusal = yield* act(diskOf(session).breaks, words);
      if (refusal === null) return "ok";
      yield out(`${refusal}\n`);
      return "failed";
    },
  };
}

export const breakAt = breakpoint("break", "event tag", "sets a breakpoint on event and tags the stopped request as tag", function* (breaks, [event = "", tag = ""]) {
  yield* [];
  if (breaks === undefined || event !== WRITE) return `Could not set breakpoint: ${NOT_SUPPORTED}`;
  breaks.set.push(tag);
  return null;
});

export const removeBreak = breakpoint("remove_break", "tag", "remove a breakpoint by tag", function* (breaks, [tag = ""]) {
  if (breaks === undefined) return `Could not remove breakpoint ${tag}: ${NOT_SUPPORTED}`;
  const index = breaks.set.indexOf(tag);
  if (index >= 0) breaks.set.splice(index, 1);
  const resumed = yield* resumeTag(breaks, tag);
  return resumed || index >= 0 ? null : `Could not remove breakpoint ${tag}: ${NOT_THERE}`;
});

export const resume = breakpoint("resume", "tag", "resumes the request tagged as tag", function* (breaks, [tag = ""]) {
  if (breaks === undefined) return `Could not resume request: ${NOT_SUPPORTED}`;
  return (yield* resumeTag(breaks, tag)) ? null : `Could not resume request: ${NOT_THERE}`;
});

/** In QEMU it waits for ever where no request stopped; that helps nobody. */
export const waitBreak = breakpoint("wait_break", "tag", "waits for the suspension of a request", function* (breaks, [tag = ""]) {
  yield* [];
  if (breaks?.held.some((held) => held.tag === tag) === true) return null;
  return `Could not wait for a request: ${breaks === undefined ? NOT_SUPPORTED : NOT_THERE}`;
});
