/**
 * What every byte store checks before it touches its platform: that a range can be one at all (a bug otherwise), that the
 * store is still open, that it may be written. Knows no platform.
 */
import { assert } from "../base/assert.ts";
import type { Fault, StoreProblem } from "../base/fault.ts";
import { storeFault } from "./byte-store.ts";

type Operation = StoreProblem["operation"];

/** Asserts that [offset, offset + lengthBytes) lies within the safe integers. */
export function assertRange(offset: number, lengthBytes: number): void {
  // Every call of every store comes here: the message is made where there is something to say.
  if (Number.isSafeInteger(offset) && offset >= 0 && Number.isSafeInteger(lengthBytes) && lengthBytes >= 0 && Number.isSafeInteger(offset + lengthBytes)) return;
  assert(false, `not a range of bytes: ${offset} + ${lengthBytes}`);
}

/** A Fault "closed" once the store was closed. */
export function requireOpen(closed: boolean, store: string, operation: Operation, offset: number, lengthBytes: number): void {
  if (closed) throw storeFault(store, "closed", operation, offset, lengthBytes, "the store was closed");
}

/** A Fault "read-only" where the store was opened for reading. */
export function requireWritable(readOnly: boolean, store: string, operation: Operation, offset: number, lengthBytes: number): void {
  if (readOnly) throw storeFault(store, "read-only", operation, offset, lengthBytes, "the store is open for reading only");
}

/** One call of a platform, whose exceptions become Faults. @param codeOf what an exception of this platform means */
export function asFault<Value>(
  store: string,
  codeOf: (thrown: unknown) => StoreProblem["code"],
  operation: Operation,
  offset: number,
  lengthBytes: number,
  call: () => Value,
): Value {
  try {
    return call();
  } catch (thrown) {
    throw platformFault(store, codeOf, operation, offset, lengthBytes, thrown);
  }
}

/** The Fault for an exception of a platform's call. @param codeOf what an exception of this platform means */
export function platformFault(
  store: string,
  codeOf: (thrown: unknown) => StoreProblem["code"],
  operation: Operation,
  offset: number,
  lengthBytes: number,
  thrown: unknown,
): Fault {
  return storeFault(store, codeOf(thrown), operation, offset, lengthBytes, errorDetail(thrown));
}

/** The name of what a platform threw ("QuotaExceededError"), or "" where it threw no error. */
export function errorName(thrown: unknown): string {
  return typeof thrown === "object" && thrown !== null && "name" in thrown ? String(thrown.name) : "";
}

/** What the platform said, for a person who debugs. */
export function errorDetail(thrown: unknown): string {
  return thrown instanceof Error || (typeof thrown === "object" && thrown !== null && "message" in thrown)
    ? `${errorName(thrown)}: ${String(thrown.message)}`
    : String(thrown);
}
