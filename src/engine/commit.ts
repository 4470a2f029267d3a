/**
 * Writing what an image and those between have over a base into that base, and emptying the image afterwards.
 *
 * The base is durable before the first cluster of the image is given up: a crash in between would otherwise lose what was in
 * neither. Until then nothing in the image changes, and it shows the same disk at every moment, whatever of the base is written
 * already: it is the base's new content that it has itself. Source: qemu-img, "commit".
 */
import { ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { roundDown } from "../base/units.ts";
import type { Extent, MoveProblem } from "../protocol/index.ts";
import type { Disk } from "./disk.ts";
import type { Work } from "./jobs.ts";
import { MOVE_BYTES, Runs, attemptAct } from "./moving.ts";

/** Bounds of the pieces that QEMU looks at, in bytes; between them they are the base's clusters. */
const LEAST_PIECE = 4096;
const MOST_PIECE = 65536;

/** below: the base's own, or nothing. zero: above the base, or behind an end that cuts the base off. */
type Status = "below" | "zero" | "data";

/**
 * Copies what lies above the base into it.
 * @param depth the base's in the image's chain
 * @param oldBaseSize bytes that the base had before it was made as long as the image
 * @param clusterSize the base's, in bytes; null for one that has none
 */
export function* copyIntoBase(image: Disk, base: Disk, depth: number, oldBaseSize: number, clusterSize: number | null): Work<Result<null, MoveProblem>> {
  const size = image.virtualSize;
  const statusOf = (extent: Extent): Status => {
    if (extent.depth >= depth) return "below";
    if (!extent.allocated) return extent.start < oldBaseSize ? "zero" : "below";
    return extent.zero ? "zero" : "data";
  };
  const runs = new Runs({ size, map: (offset, length, maxExtents) => ok(image.map(offset, length, maxExtents)) }, "source", statusOf);
  const buffer = new Uint8Array(MOVE_BYTES);
  // A last piece that is none of whole clusters is written as it is, zeros too: QEMU has the base's cluster taken by it.
  const lastPiece = clusterSize === null || size % clusterSize === 0 ? size : roundDown(size, Math.min(Math.max(clusterSize, LEAST_PIECE), MOST_PIECE));
  for (let at = 0; at < size; ) {
    const run = runs.next(at);
    if (!run.ok) return run;
    const status = run.value.status === "zero" && at >= lastPiece ? "data" : run.value.status;
    const end = status === "data" ? Math.min(run.value.end, at + MOVE_BYTES) : at < lastPiece ? Math.min(run.value.end, lastPiece) : run.value.end;
    const start = at;
    const moved = status === "below" ? ok(null) : status === "zero" ? zeroIn(base, start, end) : copyRange(image, base, start, buffer.subarray(0, end - start));
    if (!moved.ok) return moved;
    at = end;
    yield at / size;
  }
  return ok(null);
}

const zeroIn = (base: Disk, start: number, end: number): Result<null, MoveProblem> =>
  attemptAct({ step: "write", subject: "target", offset: start }, () => base.writeZeroes(start, end - start, true));

function copyRange(image: Disk, base: Disk, offset: number, piece: Uint8Array): Result<null, MoveProblem> {
  const read = attemptAct({ step: "read", subject: "source", offset }, () => image.read(offset, piece));
  return read.ok ? attemptAct({ step: "write", subject: "target", offset }, () => base.write(offset, piece)) : read;
}
