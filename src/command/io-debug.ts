/** qemu-io's commands for those who test: waiting and signals; breakpoints are in io-breaks.ts. */
import { ioNumber } from "./io-session.ts";
import type { IoCommand, IoEnd } from "./io-session.ts";
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
