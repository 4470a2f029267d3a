/**
 * A store over a store some requests of which fail by rules (debug-rules.ts): QEMU's driver blkdebug under an image. What fails did
 * nothing to the store below. An image tells it events as it goes; coalescing is left out over it, so that each request meets its rule.
 *
 * Requests may be cut (debug-requests.ts): by an alignment, to which ends are filled up, and by the most bytes of one transfer.
 */
import type { ByteStore } from "./byte-store.ts";
import { DebugRequests } from "./debug-requests.ts";
import type { DebugLimits } from "./debug-requests.ts";
import type { DebugEvent, DebugRules } from "./debug-rules.ts";

export class DebugStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  /** Absent where the store below does not tell. */
  readonly allocated?: () => number;
  private readonly base: ByteStore;
  private readonly rules: DebugRules;
  private readonly requests: DebugRequests;

  /** Owns `base` from now on: close() closes it. */
  constructor(base: ByteStore, rules: DebugRules, limits: DebugLimits = { align: 0, maxTransfer: 0 }) {
    this.base = base;
    this.rules = rules;
    this.requests = new DebugRequests(rules, limits, base.name);
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
    this.requests.read(offset, into.length);
    return this.base.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    this.readEnds(offset, from.length);
    for (const part of this.requests.parts(this.requests.aligned(offset, from.length))) {
      this.rules.event("pwritev");
      this.requests.require("write", "write", part);
      const first = Math.max(part.start, offset);
      this.base.write(first, from.subarray(first - offset, Math.min(part.end, offset + from.length) - offset));
      this.rules.event("pwritev_done");
    }
  }

  /** Setting the length is no request that a rule could name. */
  truncate(size: number): void {
    this.base.truncate(size);
  }

  flush(): void {
    this.requests.require("flush", "flush", { start: 0, end: 0 });
    this.base.flush();
  }

  close(): void {
    this.base.close();
  }

  /** An aligned write has what lies around it read first: its ends can fail as reads. What is there stays there. */
  private readEnds(offset: number, lengthBytes: number): void {
    const { head, tail } = this.requests.ends(offset, lengthBytes);
    if (head !== null) {
      this.rules.event("pwritev_rmw_head");
      this.requests.require("read", "read", head);
      this.rules.event("pwritev_rmw_after_head");
    }
    if (tail !== null) {
      this.rules.event("pwritev_rmw_tail");
      this.requests.require("read", "read", tail);
      this.rules.event("pwritev_rmw_after_tail");
    }
  }
}
