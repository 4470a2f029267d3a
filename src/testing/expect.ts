/** Expectations of the conformance suites, which run under no test framework (a worker of a browser has none). */
import { Fault } from "../base/fault.ts";
import type { StoreProblem } from "../base/fault.ts";
import type { FileProblem } from "../bytes/file-space.ts";
import type { Result } from "../base/result.ts";

class ConformanceFailure extends Error {
  override readonly name = "ConformanceFailure";
}

/** Fails unless both are the same number, string, boolean or null. */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (!Object.is(actual, expected)) throw new ConformanceFailure(`${what}: ${String(actual)}, expected ${String(expected)}`);
}

export function sameBytes(actual: Uint8Array, expected: Uint8Array, what: string): void {
  same(actual.length, expected.length, `${what}, length`);
  for (let at = 0; at < actual.length; at++) {
    if (actual[at] !== expected[at]) throw new ConformanceFailure(`${what}: byte ${at} is ${actual[at]}, expected ${expected[at]}`);
  }
}

/** Fails unless the action throws a Fault of a store with that code. */
export function faults(code: StoreProblem["code"], act: () => unknown, what: string): void {
  try {
    act();
  } catch (thrown) {
    if (!(thrown instanceof Fault)) throw new ConformanceFailure(`${what}: threw ${String(thrown)}, expected a Fault "${code}"`);
    same(thrown.problem.kind === "store" ? thrown.problem.code : thrown.problem.kind, code, what);
    return;
  }
  throw new ConformanceFailure(`${what}: threw nothing, expected a Fault "${code}"`);
}

export function value<Value>(result: Result<Value, FileProblem>, what: string): Value {
  if (!result.ok) throw new ConformanceFailure(`${what}: ${JSON.stringify(result.error)}`);
  return result.value;
}

/** Fails unless the result is a problem with that code; a store that was opened by mistake is closed. */
export function refused(result: Result<{ close?: () => void } | null, FileProblem>, code: FileProblem["code"], what: string): void {
  if (result.ok) result.value?.close?.();
  same(result.ok ? "ok" : result.error.code, code, what);
}

/** `length` bytes that differ from position to position and from seed to seed, none of them zero. */
export function sample(length: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = 1 + ((index * 7 + (index >> 8) * 13 + seed * 31) % 255);
  return bytes;
}
