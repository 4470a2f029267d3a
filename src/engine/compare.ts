/** Comparing two disks, without looking at data where both say that there are zeros. Source: qemu-img, "compare". */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import type { ComparedDisks, Extent, MoveProblem } from "../protocol/index.ts";
import type { Device } from "./device.ts";
import { withHoles } from "./file-holes.ts";
import type { Work } from "./jobs.ts";
import { MOVE_BYTES, Runs, attempt } from "./moving.ts";
import type { Mapped, Place } from "./moving.ts";
import type { OpenImage } from "./open-image.ts";
import { firstNonZeroBlock } from "./zeros.ts";

type Side = "first" | "second";

/** What compare minds of an extent: whether its bytes are to be looked at, and in strict mode everything else that is said of it. */
type Status = string;

const isZeroStatus = (status: Status): boolean => status.startsWith("zero");

class Disk implements Mapped {
  readonly size: number;
  readonly runs: Runs<Status>;
  readonly buffer: Uint8Array;
  private readonly device: Device;
  private readonly side: Side;
  /** That whose holes count too; null where none do. */
  private readonly image: OpenImage | null;

  constructor(image: OpenImage, side: Side, strict: boolean, bufferBytes: number) {
    const { device } = image;
    this.device = device;
    this.image = strict ? image : null;
    this.side = side;
    this.size = device.disk.virtualSize;
    this.buffer = new Uint8Array(Math.min(bufferBytes, Math.max(this.size, SECTOR_SIZE)));
    this.runs = new Runs(this, side, strict ? strictStatus : (extent) => (extent.zero ? "zero" : "data"));
  }

  map(offset: number, length: number, maxExtents: number): ReturnType<Device["map"]> {
    const mapped = this.device.map(offset, length, maxExtents);
    return mapped.ok && this.image !== null ? ok(withHoles(this.image, mapped.value)) : mapped;
  }

  /** The bytes [offset, offset + length), lent until the next call. */
  read(offset: number, length: number): Result<Uint8Array, MoveProblem> {
    const place: Place = { step: "read", subject: this.side, offset };
    const piece = this.buffer.subarray(0, length);
    const answer = attempt(place, () => this.device.read(offset, piece));
    return answer.ok ? ok(piece) : answer;
  }
}

const strictStatus = ({ zero, data, allocated, compressed, hostOffset }: Extent): Status =>
  `${zero ? "zero" : "data"} ${data} ${allocated} ${compressed} ${hostOffset !== null}`;

/**
 * Compares the disks of two images to the first difference.
 * @param strict the sizes and what is said of each range have to agree too
 */
export function* compareImages(first: OpenImage, second: OpenImage, strict: boolean): Work<Result<ComparedDisks, MoveProblem>> {
  const a = new Disk(first, "first", strict, MOVE_BYTES);
  const b = new Disk(second, "second", strict, MOVE_BYTES);
  const longer = a.size >= b.size ? a : b;
  const common = Math.min(a.size, b.size);
  if (strict && a.size !== b.size) return ok({ mismatch: { what: "size", offset: 0 }, sizesDiffer: true });
  for (let at = 0; at < common; ) {
    const runA = a.runs.next(at);
    if (!runA.ok) return runA;
    const runB = b.runs.next(at);
    if (!runB.ok) return runB;
    if (strict && runA.value.status !== runB.value.status) return ok({ mismatch: { what: "status", offset: at }, sizesDiffer: false });
    let end = Math.min(runA.value.end, runB.value.end, common);
    const [zeroA, zeroB] = [isZeroStatus(runA.value.status), isZeroStatus(runB.value.status)];
    if (!zeroA || !zeroB) {
      end = Math.min(end, at + MOVE_BYTES);
      const difference = zeroA ? nonZeroIn(b, at, end) : zeroB ? nonZeroIn(a, at, end) : differenceIn(a, b, at, end);
      if (!difference.ok) return difference;
      if (difference.value !== null) return ok({ mismatch: { what: "content", offset: difference.value }, sizesDiffer: false });
    }
    at = end;
    yield at / longer.size;
  }
  for (let at = common; at < longer.size; ) {
    const run = longer.runs.next(at);
    if (!run.ok) return run;
    let { end } = run.value;
    if (!isZeroStatus(run.value.status)) {
      end = Math.min(end, at + MOVE_BYTES);
      const found = nonZeroIn(longer, at, end);
      if (!found.ok) return found;
      if (found.value !== null) return ok({ mismatch: { what: "content", offset: found.value }, sizesDiffer: true });
    }
    at = end;
    yield at / longer.size;
  }
  return ok({ mismatch: null, sizesDiffer: a.size !== b.size });
}

/** The first sector of the range with anything but zeros, null when there is none. */
function nonZeroIn(disk: Disk, start: number, end: number): Result<number | null, MoveProblem> {
  const piece = disk.read(start, end - start);
  if (!piece.ok) return piece;
  const at = firstNonZeroBlock(piece.value, SECTOR_SIZE);
  return ok(at < 0 ? null : start + at);
}

/** The first sector of the range in which the disks differ, null when there is none. */
function differenceIn(a: Disk, b: Disk, start: number, end: number): Result<number | null, MoveProblem> {
  const [pieceA, pieceB] = [a.read(start, end - start), b.read(start, end - start)];
  if (!pieceA.ok) return err(pieceA.error);
  if (!pieceB.ok) return err(pieceB.error);
  const at = firstDifference(pieceA.value, pieceB.value);
  return ok(at < 0 ? null : start + at - (at % SECTOR_SIZE));
}

/** Index of the first byte that differs in two arrays of one length, -1 where they are the same; each begins its own buffer. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  const count = Math.floor(a.length / 4);
  const [wordsA, wordsB] = [new Int32Array(a.buffer, a.byteOffset, count), new Int32Array(b.buffer, b.byteOffset, count)];
  let word = 0;
  while (word < count && wordsA[word] === wordsB[word]) word++;
  for (let index = word * 4; index < a.length; index++) if (a[index] !== b[index]) return index;
  return -1;
}
