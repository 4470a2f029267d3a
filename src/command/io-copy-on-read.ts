/**
 * Copy-on-read (-C): what a read brings from a backing file is written into the image, whole clusters of it, or whole subclusters where
 * the image has those, so that the next read finds it there. What is zero is written as zeros, which takes no space.
 */
import type { Failure, Outcome } from "../protocol/index.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { diskOf, factsOf } from "./io-session.ts";
import type { IoSession } from "./io-session.ts";
import { call } from "./program.ts";
import type { Program } from "./program.ts";

/** Parts of a cluster that come from a backing file one by one, where an image has extended L2 entries. */
const SUBCLUSTERS = 32;
const EXTENTS = 1024;
/** The most that is copied at once, in bytes. */
const PIECE = 2 ** 20;

/** Copies what [offset, offset + length) shows of a backing file into the image itself; the range lies within the disk. */
export function* copyOnRead(session: IoSession, offset: number, length: number): Program<Result<null, Failure>> {
  const facts = yield* factsOf(session);
  if (facts === null || length === 0 || facts.image.format === "raw" || facts.image.readOnly) return ok(null);
  const { handle } = diskOf(session);
  const { clusterSize, extendedL2, virtualSize } = facts.image;
  const unit = extendedL2 ? clusterSize / SUBCLUSTERS : clusterSize;
  const end = Math.min(Math.ceil((offset + length) / unit) * unit, virtualSize);
  let at: number | null = Math.floor(offset / unit) * unit;
  while (at !== null && at < end) {
    const mapped: Outcome<"map"> = yield* call("map", { handle, offset: at, length: end - at, maxExtents: EXTENTS });
    if (!mapped.ok) return mapped;
    // As QEMU: what follows each other and is not the image's own is brought together, and is stored as zeros only where all of it is.
    const runs: { start: number; end: number }[] = [];
    for (const { start, length: extentBytes, allocated, depth } of mapped.value.extents) {
      if (allocated && depth === 0) continue;
      const last = runs.at(-1);
      if (last?.end === start) last.end += extentBytes;
      else runs.push({ start, end: start + extentBytes });
    }
    for (const { start, end: stop } of runs) {
      const copied = yield* copy(handle, start, stop);
      if (!copied.ok) return copied;
    }
    at = mapped.value.next;
  }
  return ok(null);
}

function* copy(handle: number, start: number, end: number): Program<Result<null, Failure>> {
  for (let at = start; at < end; at += PIECE) {
    const length = Math.min(PIECE, end - at);
    const read = yield* call("read", { handle, offset: at, length, pattern: 0, wantData: true });
    if (!read.ok) return read;
    const { data, mismatchOffset } = read.value;
    const written =
      mismatchOffset === null || data === null
        ? yield* call("writeZeroes", { handle, offset: at, length, unmap: false, copiesOnRead: true })
        : yield* call("write", { handle, offset: at, length, pattern: 0, data, copiesOnRead: true });
    if (!written.ok) return err(written.error);
  }
  return ok(null);
}
