/**
 * The engine's border: what was thrown below becomes a value here and nowhere else (decision 0001).
 * A Fault is an expected kind of trouble; anything else is a bug of ours.
 */
import { Fault } from "../base/fault.ts";
import { err } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Failure } from "../protocol/index.ts";

/** Runs `act` and turns a thrown Fault or bug into its Failure. */
export function atBorder<Value>(act: () => Result<Value, Failure>): Result<Value, Failure> {
  try {
    return act();
  } catch (error) {
    return err(failureOf(error));
  }
}

export function failureOf(error: unknown): Failure {
  if (error instanceof Fault) return error.problem;
  return { kind: "bug", message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}
