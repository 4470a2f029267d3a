/** Assertions are for bugs of ours alone. What a file, a disk or a person does wrong is a Result or a Fault. */

export class AssertionFailure extends Error {
  override readonly name = "AssertionFailure";
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionFailure(message);
}

/** The default of a switch over a union: the compiler proves it unreachable, and a lie at run time is caught. */
export function assertNever(value: never): never {
  throw new AssertionFailure(`unreachable: ${JSON.stringify(value)}`);
}
