/**
 * A store over a store some requests of which fail by rules (debug-rules.ts): QEMU's driver blkdebug under an image. What fails did
 * nothing to the store below. An image tells it events as it goes; coalescing is left out over it, so that each request meets its rule.
 *
 * Requests may be cut: by an alignment, to which ends are filled up, and by the most bytes of one transfer.
 */
import { Fault } from "../base/fault.ts";
import type { ByteStore } from "./byte-store.ts";
import type { DebugEvent, DebugRules, IoType } from "./debug-rules.ts";

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

const ENOSPC = 28;

export class DebugStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  /** Absent where the store below does not tell. */
  readonly allocated?: () => number;
  private readonly base: ByteStore;
  private readonly rules: DebugRules;
  private readonly limits: DebugLimits;

  /** Owns `base` from now on: close() closes it. */
  constructor(base: ByteStore, rules: DebugRules, limits: DebugLimits = { align: 0, maxTransfer: 0 }) {
    this.base = base;
    this.rules = rules;
    this.limits = limits;
    this.name = base.name;
    this.readOnly = base.readOnly;
    if (base.allocated !== undefined) this.allocated = () => base.allocated!();
    rules.event("none");
  }

  event(event: DebugEvent): void {
    this.rules.event(event);
  }

  size(): number {
    return this.base.size();
  }

  read(offset: number, into: Uint8Array): number {
    const { start, end } = this.aligned(offset, into.length);
    for (const piece of this.pieces(start, end)) this.require("read", "read", piece.start, piece.end);
    return this.base.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    const { start, end } = this.aligned(offset, from.length);
    this.readEnds(offset, offset + from.length, start, end);
    for (const piece of this.pieces(start, end)) {
      this.rules.event("pwritev");
      this.require("write", "write", piece.start, piece.end);
      const first = Math.max(piece.start, offset);
      this.base.write(first, from.subarray(first - offset, Math.min(piece.end, offset + from.length) - offset));
      this.rules.event("pwritev_done");
    }
  }

  /** Setting the length is no request that a rule could name. */
  truncate(size: number): void {
    this.base.truncate(size);
  }

  flush(): void {
    this.require("flush", "flush", 0, 0);
    this.base.flush();
  }

  close(): void {
    this.base.close();
  }

  private aligned(offset: number, lengthBytes: number): { start: number; end: number } {
    const align = Math.max(1, this.limits.align);
    return { start: Math.floor(offset / align) * align, end: Math.ceil((offset + lengthBytes) / align) * align };
  }

  private *pieces(start: number, end: number): Generator<{ start: number; end: number }> {
    const most = this.limits.maxTransfer || Infinity;
    for (let at = start; at < end; at += most) yield { start: at, end: Math.min(end, at + most) };
  }

  /** An aligned write has what lies around it read first: its ends can fail as reads. What is there stays there. */
  private readEnds(from: number, to: number, start: number, end: number): void {
    if (from > start) {
      this.rules.event("pwritev_rmw_head");
      this.require("read", "read", start, start + this.limits.align);
      this.rules.event("pwritev_rmw_after_head");
    }
    if (to < end && !(from > start && end - start === this.limits.align)) {
      this.rules.event("pwritev_rmw_tail");
      this.require("read", "read", end - this.limits.align, end);
      this.rules.event("pwritev_rmw_after_tail");
    }
  }

  private require(ioType: IoType, operation: "read" | "write" | "flush", start: number, end: number): void {
    const errno = this.rules.errnoOf(ioType, start, end - start);
    if (errno === null) return;
    const code = errno === ENOSPC ? "no-space" : "io";
    throw new Fault({ kind: "store", code, operation, store: this.name, offset: start, lengthBytes: end - start, detail: "a rule of blkdebug", errno });
  }
}
