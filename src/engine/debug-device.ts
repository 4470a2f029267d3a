/**
 * A disk some requests of which fail by rules, or are cut by limits: QEMU's driver blkdebug over a format. What fails did nothing to
 * the disk below, but for the parts of a cut request before it.
 *
 * The limits are those of a disk that takes nothing else: ends of an aligned read or write are filled up, zeros that are too short or
 * not aligned are written as bytes. Source: blkdebug's documentation, and the parts that QEMU's block layer makes of requests.
 */
import { Fault } from "../base/fault.ts";
import { ok } from "../base/result.ts";
import { roundDown, roundUp } from "../base/units.ts";
import { DebugRequests } from "../bytes/debug-requests.ts";
import type { Cut, DebugLimits } from "../bytes/debug-requests.ts";
import type { DebugRules } from "../bytes/debug-rules.ts";
import type { Extent, ZoneOperation } from "../protocol/index.ts";
import type { Answer, Device } from "./device.ts";
import { forEachPiece, patternPayload } from "./payload.ts";
import type { Payload } from "./payload.ts";
import { PlainDevice } from "./plain-device.ts";
import { outOfRange } from "./range.ts";

/** The most that zeros are written as bytes at once. */
const MOST_ZEROS = 16 * 2 ** 20;

export class DebugDevice extends PlainDevice {
  private readonly rules: DebugRules;
  private readonly limits: DebugLimits;
  private readonly requests: DebugRequests;

  /** @throws Fault over a disk with zones, whose rules requests that are cut would not keep */
  constructor({ disk, log, zones }: Device, rules: DebugRules, limits: DebugLimits) {
    super(disk, log);
    if (zones !== null) throw new Fault({ kind: "unsupported", feature: "blkdebug over a zoned disk" });
    this.rules = rules;
    this.limits = limits;
    this.requests = new DebugRequests(rules, limits, "blkdebug");
    rules.event("none");
  }

  keepsRead(): void {
    this.rules.event("cor_write");
  }

  override read(offset: number, into: Uint8Array): Answer {
    const outside = this.outside("read", offset, into.length);
    if (outside !== null) return outside;
    this.requests.read(offset, into.length);
    return super.read(offset, into);
  }

  override write(offset: number, payload: Payload): Answer {
    const outside = this.outside("write", offset, payload.length);
    if (outside !== null) return outside;
    const { start, end } = this.requests.aligned(offset, payload.length);
    const { head, tail } = this.requests.ends(offset, payload.length);
    for (const around of [head, tail]) if (around !== null) this.requests.require("read", "read", around);
    forEachPiece(payload, (at, data) => {
      const from = offset + at;
      const first = at === 0 ? start : from;
      const last = at + data.length === payload.length ? end : from + data.length;
      for (const cut of this.requests.parts({ start: first, end: last })) {
        this.rules.event("pwritev");
        this.requests.require("write", "write", cut);
        const begin = Math.max(cut.start, from);
        this.disk.write(begin, data.subarray(begin - from, Math.min(cut.end, from + data.length) - from));
        this.rules.event("pwritev_done");
      }
    });
    return ok(null);
  }

  override writeZeroes(offset: number, length: number, unmap: boolean): Answer {
    const outside = this.outside("write-zeroes", offset, length);
    if (outside !== null) return outside;
    const { optWriteZero = 0, maxWriteZero = 0 } = this.limits;
    const unit = Math.max(optWriteZero, this.requests.align);
    const most = maxWriteZero === 0 ? Infinity : roundDown(maxWriteZero, unit);
    for (const cut of inUnits(offset, offset + length, unit, most, this.mostBytes)) {
      if (cut.end - cut.start >= unit && cut.start % unit === 0) {
        this.rules.event("pwritev_zero");
        this.requests.require("write-zeroes", "write", cut);
        this.disk.writeZeroes(cut.start, cut.end - cut.start, unmap);
      } else {
        for (let at = cut.start; at < cut.end; at += this.mostBytes) this.write(at, patternPayload(0, Math.min(this.mostBytes, cut.end - at)));
      }
    }
    return ok(null);
  }

  override discard(offset: number, length: number): Answer {
    const outside = this.outside("discard", offset, length);
    if (outside !== null) return outside;
    const { optDiscard = 0, maxDiscard = 0 } = this.limits;
    const { align } = this.requests;
    const unit = Math.max(optDiscard, align);
    const most = maxDiscard === 0 ? Infinity : roundDown(maxDiscard, unit);
    for (const cut of inUnits(offset, offset + length, unit, most, Infinity)) {
      // What does not make a whole request is left as it was.
      const whole = { start: roundUp(cut.start, align), end: roundDown(cut.end, align) };
      if (whole.start >= whole.end) continue;
      this.requests.require("discard", "write", whole);
      this.disk.discard(whole.start, whole.end - whole.start);
    }
    return ok(null);
  }

  /** Tells what lies before the first byte that a rule is about, and fails there. */
  override map(offset: number, length: number, maxExtents: number): Answer<{ extents: readonly Extent[]; next: number | null }> {
    const before = this.rules.bytesBefore("block-status", offset, length);
    if (before <= 0) this.requests.require("block-status", "read", { start: offset, end: offset + length });
    const mapped = super.map(offset, Math.max(before, Math.min(1, length)), maxExtents);
    return mapped.ok && before < length && mapped.value.next === null ? ok({ ...mapped.value, next: offset + before }) : mapped;
  }

  override flush(): void {
    this.requests.require("flush", "flush", { start: 0, end: 0 });
    super.flush();
  }

  private outside(operation: ZoneOperation, offset: number, length: number): Answer | null {
    return length === 0 ? ok(null) : outOfRange(operation, offset, length, this.disk.virtualSize);
  }

  private get mostBytes(): number {
    return Math.min(this.limits.maxTransfer || MOST_ZEROS, MOST_ZEROS);
  }
}

/** A range cut at its first and its last multiple of `unit`, the ends no longer than `mostAtEnds`, the middle in parts of `most`. */
function* inUnits(start: number, end: number, unit: number, most: number, mostAtEnds: number): Generator<Cut> {
  const [from, to] = [roundUp(start, unit), roundDown(end, unit)];
  if (from > to) {
    yield* parts(start, end, mostAtEnds);
    return;
  }
  yield* parts(start, from, mostAtEnds);
  yield* parts(from, to, most);
  yield* parts(to, end, mostAtEnds);
}

function* parts(start: number, end: number, most: number): Generator<Cut> {
  for (let at = start; at < end; at += most) yield { start: at, end: Math.min(end, at + most) };
}
