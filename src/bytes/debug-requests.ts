/**
 * What a node blkdebug makes of requests, to a store (debug-store.ts) and to a disk (engine/debug-device.ts) alike: they are cut by its
 * limits, and each part fails that a rule is about (debug-rules.ts).
 */
import { Fault } from "../base/fault.ts";
import { roundDown, roundUp } from "../base/units.ts";
import type { DebugRules, IoType } from "./debug-rules.ts";

/** How requests are cut, in bytes; 0 for as they come. */
export interface DebugLimits {
  /** A power of two. */
  readonly align: number;
  /** A multiple of the alignment. */
  readonly maxTransfer: number;
  /** Of zeros and discards, which a store does not get and a disk does: what their ends are cut to, and the most of one. */
  readonly optWriteZero?: number;
  readonly maxWriteZero?: number;
  readonly optDiscard?: number;
  readonly maxDiscard?: number;
}

/** A part of what is asked for, in bytes: [start, end). */
export interface Cut {
  readonly start: number;
  readonly end: number;
}

const ENOSPC = 28;

export class DebugRequests {
  /** At least 1. */
  readonly align: number;
  private readonly rules: DebugRules;
  private readonly mostBytes: number;
  private readonly name: string;

  /** @param name of whom faults tell that they failed */
  constructor(rules: DebugRules, { align, maxTransfer }: DebugLimits, name: string) {
    this.rules = rules;
    this.align = Math.max(1, align);
    this.mostBytes = maxTransfer || Infinity;
    this.name = name;
  }

  /** A range with its ends filled up to the alignment. */
  aligned(offset: number, lengthBytes: number): Cut {
    return { start: roundDown(offset, this.align), end: roundUp(offset + lengthBytes, this.align) };
  }

  /** A range in parts of one transfer each. */
  *parts({ start, end }: Cut): Generator<Cut> {
    for (let at = start; at < end; at += this.mostBytes) yield { start: at, end: Math.min(end, at + this.mostBytes) };
  }

  /** @throws Fault where a part of it is to fail */
  read(offset: number, lengthBytes: number): void {
    for (const part of this.parts(this.aligned(offset, lengthBytes))) this.require("read", "read", part);
  }

  /** What a write of a range has read first, for its ends are filled up with what lies around them; null for an end that is aligned, or within the other. */
  ends(offset: number, lengthBytes: number): { readonly head: Cut | null; readonly tail: Cut | null } {
    const { start, end } = this.aligned(offset, lengthBytes);
    const head = offset > start ? { start, end: start + this.align } : null;
    const isTail = offset + lengthBytes < end && !(head !== null && head.end === end);
    return { head, tail: isTail ? { start: end - this.align, end } : null };
  }

  /** @throws Fault where a rule is about such a request */
  require(ioType: IoType, operation: "read" | "write" | "flush", { start, end }: Cut): void {
    const errno = this.rules.errnoOf(ioType, start, end - start);
    if (errno === null) return;
    const code = errno === ENOSPC ? "no-space" : "io";
    throw new Fault({ kind: "store", code, operation, store: this.name, offset: start, lengthBytes: end - start, detail: "a rule of blkdebug", errno });
  }
}
