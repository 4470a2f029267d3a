/** How the package tells of a failure: an Error with a sentence for a person, and the failure itself as plain data for a program. */
import { explain } from "../command/explain.ts";
import type { Result } from "../base/result.ts";
import type { Failure } from "../protocol/index.ts";

/** What every function of the package throws when a disk refuses, a file is broken, or a store fails. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  /** Plain data: `kind` says which kind of failure it is, and the other fields its numbers. */
  readonly failure: Failure;

  constructor(failure: Failure) {
    const { title, why, instead } = explain(failure);
    super([`${title}.`, why, instead].filter((part) => part !== null && part !== "").join(" "));
    this.failure = failure;
  }
}

/** The value, or the failure as an ImageError. */
export function orThrow<Value>(outcome: Result<Value, Failure>): Value {
  if (outcome.ok) return outcome.value;
  throw new ImageError(outcome.error);
}
