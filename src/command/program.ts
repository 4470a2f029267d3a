/**
 * A command is a generator: it yields what it wants printed and the engine calls it wants performed, and never does either
 * itself. The console pumps it through the worker, the shell in its own process, a test by hand; all three see one behaviour.
 */
import type { CallName, Outcome, Perform, ProgressListener, RequestOf } from "../protocol/index.ts";

import { corruptionLine } from "./corruption-words.ts";

/** out and err as a shell has them; explain is what this product adds beside QEMU's line for a refusal. */
export type Stream = "out" | "err" | "explain";

export type Step =
  | { readonly step: "print"; readonly stream: Stream; readonly text: string }
  /** `shown` makes the text for standard output of how far a long call is, a fraction from 0 to 1; empty for nothing new. */
  | { readonly step: "call"; readonly name: CallName; readonly request: unknown; readonly shown?: (fraction: number) => string }
  /** Answered with "cancelled" where somebody ended the sleep; a program that goes on without waiting need not mind. */
  | { readonly step: "sleep"; readonly ms: number }
  /** Asks for the next line of standard input; answered with null at its end. */
  | { readonly step: "line" }
  /** Asks for the trace events that the pattern names, as qemu-io's -T does; where nobody traces, nothing comes of it. */
  | { readonly step: "trace"; readonly pattern: string }
  /** Answered with what `load` comes to, a part of the program that is loaded when it is first wanted; null where it did not come. */
  | { readonly step: "load"; readonly load: () => Promise<unknown> }
  /** Sends the program's own process a signal; answered with false where it has none of its own. */
  | { readonly step: "signal"; readonly number: number };

/** Characters that are printed with one step. */
const PRINTED_AT_ONCE = 65536;

/** Returns what the program computes; a whole command line returns its exit status. */
export type Program<Value = number> = Generator<Step, Value, unknown>;

/** What a pump brings along beside the engine. */
export interface Surroundings {
  /** Waits; without it a sleep is over at once. */
  readonly sleep?: (ms: number) => Promise<void | "cancelled">;
  /** The next line of input without its newline, or null at the end; without it there is no input. */
  readonly line?: () => string | null | Promise<string | null>;
  /** Prints the trace events of that pattern from now on; without it they are not printed. */
  readonly trace?: (pattern: string) => void;
  /** Sends this process a signal by its number; without it there is no process to send one to. */
  readonly signal?: (number: number) => void;
}

/** Performs one engine call: `const outcome = yield* call("flush", { handle })`. */
export function* call<Name extends CallName>(name: Name, request: RequestOf<Name>): Generator<Step, Outcome<Name>, unknown> {
  return yield* told((yield { step: "call", name, request }) as Outcome<Name>);
}

/** The outcome of a call, once what its failure tells of the image beside itself was printed. */
function* told<Name extends CallName>(outcome: Outcome<Name>): Generator<Step, Outcome<Name>, unknown> {
  const line = outcome.ok ? null : corruptionLine(outcome.error);
  if (line !== null) yield errorOut(line);
  return outcome;
}

/** As call, for long work: `shown` makes the text that tells how far it is. */
export function* callShown<Name extends CallName>(name: Name, request: RequestOf<Name>, shown: (fraction: number) => string): Generator<Step, Outcome<Name>, unknown> {
  return yield* told((yield { step: "call", name, request, shown }) as Outcome<Name>);
}

/** Loads a part of the program. null where it did not come: no network, or its file went with the version that brought it. */
export function* loaded<Part>(load: () => Promise<Part>): Generator<Step, Part | null, unknown> {
  return (yield { step: "load", load }) as Part | null;
}

/** What is said then. */
export const NOT_LOADED = "this part of the program could not be loaded: look whether there is a network, and reload the page\n";

/** The next line of standard input, null at its end. */
export function* readLine(): Generator<Step, string | null, unknown> {
  return (yield { step: "line" }) as string | null;
}

/** A step that prints on standard output (a line brings its own newline), for `yield out(…)`: cheaper than a generator of its own. */
export const out = (text: string): Step => ({ step: "print", stream: "out", text });
/** Prints what comes in pieces, many at once: a list of very many names is never in memory as one text. */
export function* printed(pieces: Iterable<string>, end = ""): Program<void> {
  let text = "";
  for (const piece of pieces) {
    text += piece;
    if (text.length < PRINTED_AT_ONCE) continue;
    yield out(text);
    text = "";
  }
  if (text !== "" || end !== "") yield out(`${text}${end}`);
}

/** A step that prints on standard error. */
export const errorOut = (text: string): Step => ({ step: "print", stream: "err", text });

/** Runs a command without showing what it prints: what it printed when it failed, null where it succeeded. */
export function* quietly(running: Program<boolean>): Program<string | null> {
  let printed = "";
  let next = running.next();
  while (next.done !== true) {
    if (next.value.step === "print") {
      if (next.value.stream !== "explain") printed += next.value.text;
      next = running.next();
    } else next = running.next(yield next.value);
  }
  return next.value ? null : printed;
}

function listenerOf(shown: ((fraction: number) => string) | undefined, write: (text: string, stream: Stream) => void): ProgressListener | undefined {
  if (shown === undefined) return undefined;
  return (fraction) => {
    const text = shown(fraction);
    if (text !== "") write(text, "out");
  };
}

/** Pumps a program to its end. */
export async function run<Value>(
  program: Program<Value>,
  perform: Perform,
  write: (text: string, stream: Stream) => void,
  surroundings: Surroundings = {},
): Promise<Value> {
  let next = program.next();
  while (next.done !== true) {
    const step = next.value;
    switch (step.step) {
      case "print":
        write(step.text, step.stream);
        next = program.next();
        break;
      case "call":
        next = program.next(await perform(step.name, step.request as RequestOf<CallName>, listenerOf(step.shown, write)));
        break;
      case "sleep":
        next = program.next(await surroundings.sleep?.(step.ms));
        break;
      case "load":
        next = program.next(await step.load().catch(() => null));
        break;
      case "trace":
        surroundings.trace?.(step.pattern);
        next = program.next();
        break;
      case "signal":
        surroundings.signal?.(step.number);
        next = program.next(surroundings.signal !== undefined);
        break;
      case "line": {
        const line = surroundings.line?.() ?? null;
        next = program.next(line instanceof Promise ? await line : line);
        break;
      }
    }
  }
  return next.value;
}
