/**
 * qemu-io's commands for those who test: waiting, signals, breakpoints. Breakpoints stop requests inside QEMU's debugging driver,
 * which is not here, so that they are refused as QEMU refuses them for an image without it.
 */
import { ioNumber } from "./io-session.ts";
import type { IoArguments, IoCommand, IoEnd, IoSession } from "./io-session.ts";
import { errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";

const HIGHEST_SIGNAL = 65;
const SIGABRT = 6;
const SIGTERM = 15;

export const sleep: IoCommand = {
  name: "sleep",
  alias: null,
  min: 1,
  max: 1,
  shorts: null,
  args: null,
  oneline: "waits for the given value in milliseconds",
  more: null,
  needs: "nothing",
  writes: false,
  *run(_, args) {
    const word = args.words[0]!;
    if (!/^\s*\+?(0[xX][0-9a-fA-F]+|\d+)$/.test(word)) {
      yield out(`${word} is not a valid number\n`);
      return "failed";
    }
    yield { step: "sleep", ms: Number(word) };
    return "ok";
  },
};

/** Sends this process a signal, where it is one of its own. */
function* raise(number: number): Program<IoEnd> {
  const raised = (yield { step: "signal", number }) as boolean;
  if (!raised) yield errorOut("there is no process here that a signal could be sent to\n");
  return raised ? "ok" : "failed";
}

export const abort: IoCommand = {
  name: "abort",
  alias: null,
  min: 0,
  max: 0,
  shorts: null,
  args: null,
  oneline: "simulate a program crash using abort(3)",
  more: null,
  needs: "own-session",
  writes: false,
  *run() {
    return yield* raise(SIGABRT);
  },
};

export const sigraise: IoCommand = {
  name: "sigraise",
  alias: null,
  min: 1,
  max: 1,
  shorts: null,
  args: "signal",
  oneline: "raises a signal",
  more: {
    says: "sends this process a signal by its number",
    example: `sigraise ${SIGTERM}`,
    does: "raises SIGTERM",
    options: {},
  },
  needs: "own-session",
  writes: false,
  *run(_, args) {
    const word = args.words[0]!;
    const number = yield* ioNumber(word);
    if (number === null) return "failed";
    if (number > HIGHEST_SIGNAL) {
      yield out(`signal argument '${word}' is too large to be a valid signal\n`);
      return "failed";
    }
    return number === 0 ? "ok" : yield* raise(number);
  },
};

function breakpoint(name: string, args: string, count: number, oneline: string, refusal: (args: IoArguments) => string): IoCommand {
  return {
    name,
    alias: null,
    min: count,
    max: count,
    shorts: null,
    args,
    oneline,
    more: null,
    needs: "disk",
    writes: false,
    *run(_: IoSession, given: IoArguments) {
      yield out(`${refusal(given)}: Operation not supported\n`);
      return "failed";
    },
  };
}

export const breakAt = breakpoint("break", "event tag", 2, "sets a breakpoint on event and tags the stopped request as tag", () => "Could not set breakpoint");
export const removeBreak = breakpoint("remove_break", "tag", 1, "remove a breakpoint by tag", (args) => `Could not remove breakpoint ${args.words[0]!}`);
export const resume = breakpoint("resume", "tag", 1, "resumes the request tagged as tag", () => "Could not resume request");
/** In QEMU it waits for ever where no breakpoint can be; that helps nobody. */
export const waitBreak = breakpoint("wait_break", "tag", 1, "waits for the suspension of a request", () => "Could not wait for a request");
