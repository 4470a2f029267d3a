/**
 * A command is a generator: it yields what it wants printed and the engine calls it wants performed, and never does either
 * itself. The console pumps it through the worker, the shell in its own process, a test by hand; all three see one behaviour.
 */
import type { CallName, Outcome, Perform, RequestOf } from "../protocol/index.ts";

/** out and err as a shell has them; explain is what this product adds beside QEMU's line for a refusal. */
export type Stream = "out" | "err" | "explain";

export type Step =
  | { readonly step: "print"; readonly stream: Stream; readonly text: string }
  | { readonly step: "call"; readonly name: CallName; readonly request: unknown };

/** Returns what the program computes; a whole command line returns its exit status. */
export type Program<Value = number> = Generator<Step, Value, unknown>;

/** Performs one engine call: `const outcome = yield* call("flush", { handle })`. */
export function* call<Name extends CallName>(name: Name, request: RequestOf<Name>): Generator<Step, Outcome<Name>, unknown> {
  return (yield { step: "call", name, request }) as Outcome<Name>;
}

/** Prints text as it is; a line brings its own newline. */
export function* print(text: string, stream: Stream = "out"): Generator<Step, void, unknown> {
  yield { step: "print", stream, text };
}

/** Pumps a program to its end. */
export async function run<Value>(program: Program<Value>, perform: Perform, write: (text: string, stream: Stream) => void): Promise<Value> {
  let next = program.next();
  while (next.done !== true) {
    if (next.value.step === "print") {
      write(next.value.text, next.value.stream);
      next = program.next();
    } else {
      next = program.next(await perform(next.value.name, next.value.request as RequestOf<CallName>));
    }
  }
  return next.value;
}
