/**
 * Copying disks, end to end, onto a disk without zones. What is known to be zeros is not read, what is read and found to be zeros
 * is not written where a hole will do, and memory is one buffer whatever the size. Source: qemu-img, "convert".
 */
import { assertNever } from "../base/assert.ts";
import { ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { SECTOR_SIZE, roundDown } from "../base/units.ts";
import { isZero } from "../bytes/zeros.ts";
import type { ConvertedDisk, Extent, Failure, MoveProblem } from "../protocol/index.ts";
import { ALL_CLUSTERS } from "../qcow2/cluster-names.ts";
import { ALL_TABLES } from "../qcow2/table-work.ts";
import type { Work } from "./jobs.ts";
import { MOVE_BYTES, Runs, attempt, attemptAct } from "./moving.ts";
import type { Run } from "./moving.ts";
import type { Sources } from "./sources.ts";
import { nextRun } from "./zeros.ts";
import type { SparseRule } from "./zeros.ts";

/** Where the copy goes: a disk, or an image's compressed clusters. */
export interface Target {
  write(offset: number, data: Uint8Array): Result<null, Failure>;
  /** A range that has to read as zeros. */
  writeZeroes(offset: number, length: number): void;
}

export interface ConvertRules {
  /** Zeros in a run of at least so many bytes are left out; 0 writes out every byte. */
  readonly sparseBytes: number;
  /** Bytes that are compressed together and so read and written together, or null. */
  readonly compressedBytes: number | null;
  /** What is not written reads as zeros. */
  readonly targetIsZero: boolean;
  /** The target shows `backingBytes` of another disk where nothing is written: what the source has from its own backing is left to it. */
  readonly backingBytes: number | null;
  /** What cannot be read is copied as zeros. */
  readonly salvage: boolean;
}

type Status = "data" | "zero" | "backing";

/** Sectors that could not be read and were salvaged as zeros are told up to this many. */
const MAX_SKIPPED = 1000;

export function* convertDisks(sources: Sources, target: Target, rules: ConvertRules): Work<Result<ConvertedDisk, MoveProblem>> {
  const converting = new Converting(sources, target, rules);
  const { size } = sources;
  for (let at = 0; at < size; yield 0) {
    const next = converting.countFrom(at);
    if (!next.ok) return next;
    at = next.value;
  }
  for (let at = 0; at < size; yield converting.fractionCopied) {
    const next = converting.copyFrom(at);
    if (!next.ok) return next;
    at = next.value;
  }
  return ok({ skipped: converting.skipped });
}

class Converting {
  private readonly sources: Sources;
  /** Where sectors could not be read, the first of them. */
  readonly skipped: ConvertedDisk["skipped"][number][] = [];
  private readonly target: Target;
  private readonly rules: ConvertRules;
  private readonly sparse: SparseRule | null;
  private readonly runs: Runs<Status>;
  private readonly buffer: Uint8Array;
  private readonly pieceBytes: number;
  /** Bytes that are to be read or written out, and those that were. */
  private bytesToCopy = 0;
  private bytesCopied = 0;

  constructor(sources: Sources, target: Target, rules: ConvertRules) {
    this.sources = sources;
    this.target = target;
    this.rules = rules;
    const { sparseBytes, compressedBytes } = rules;
    this.sparse = sparseBytes === 0 ? null : { blockBytes: 2 ** Math.floor(Math.log2(sparseBytes)), holeBytes: sparseBytes };
    this.runs = new Runs(this.sources, "source", rules.backingBytes === null ? plainStatus : overlayStatus);
    this.pieceBytes = compressedBytes ?? MOVE_BYTES;
    this.buffer = new Uint8Array(Math.min(this.pieceBytes, Math.max(this.sources.size, SECTOR_SIZE)));
  }

  /** How far the copy is, in what costs time: what is left out counts for nothing. */
  get fractionCopied(): number {
    return this.bytesToCopy === 0 ? 0 : this.bytesCopied / this.bytesToCopy;
  }

  /** Counts what one run will have to be copied of. @returns where the next begins */
  countFrom(at: number): Result<number, MoveProblem> {
    const run = this.runAt(at);
    if (!run.ok) return run;
    if (this.isCopied(run.value.status)) this.bytesToCopy += run.value.end - at;
    return ok(run.value.end);
  }

  /** Copies one run. @returns where the next begins */
  copyFrom(at: number): Result<number, MoveProblem> {
    const run = this.runAt(at);
    if (!run.ok) return run;
    const copied = this.copyRun(at, run.value);
    if (copied.ok && this.isCopied(run.value.status)) this.bytesCopied += copied.value - at;
    return copied;
  }

  private isCopied(status: Status): boolean {
    return status === "data" || (status === "zero" && this.sparse === null);
  }

  private copyRun(at: number, { status, end }: Run<Status>): Result<number, MoveProblem> {
    switch (status) {
      case "backing":
        return ok(end);
      case "zero":
        return this.sparse === null ? this.copyZeros(at, Math.min(end, at + this.pieceBytes)) : this.leaveZeros(at, end);
      case "data":
        return this.copyData(at, end);
      default:
        return assertNever(status);
    }
  }

  /** One answer of the sources, no longer than a piece where it is data, whole compressed clusters where those are written. */
  private runAt(at: number): Result<Run<Status>, MoveProblem> {
    const { backingBytes, compressedBytes } = this.rules;
    const found = this.runs.next(at);
    if (!found.ok) return this.rules.salvage && !refusesAll(found.error.cause) ? ok({ status: "data", end: this.behindUnknown(at, found.error.cause) }) : found;
    let { status, end } = found.value;
    if (status === "data") end = Math.min(end, at + this.pieceBytes);
    if (backingBytes !== null) {
      // Behind the backing's end nothing has to be written for zeros; before it they have to cover what the backing shows.
      if (at < backingBytes) end = Math.min(end, backingBytes);
      else if (status === "zero") status = "backing";
    }
    if (compressedBytes === null) return ok({ status, end });
    if (end - at < compressedBytes) return ok({ status: "data", end: this.pieceEnd(at) });
    return ok({ status, end: at + roundDown(end - at, compressedBytes) });
  }

  /** Tells where it is not known what is data. Sector by sector, as what lies behind may be known; a piece where enough was told. */
  private behindUnknown(at: number, cause: Failure): number {
    if (this.skipped.length >= MAX_SKIPPED || this.rules.compressedBytes !== null) return this.pieceEnd(at);
    this.skipped.push({ offset: at, cause, status: true });
    return at + SECTOR_SIZE;
  }

  private pieceEnd(at: number): number {
    return Math.min(at + this.pieceBytes, this.sources.size);
  }

  private copyData(at: number, end: number): Result<number, MoveProblem> {
    const piece = this.buffer.subarray(0, end - at);
    const read = attempt({ step: "read", subject: "source", offset: at }, () => this.sources.read(at, piece));
    if (!read.ok) {
      if (!this.rules.salvage || refusesAll(read.error.cause)) return read;
      this.salvage(at, piece);
    }
    return this.writeData(at, piece);
  }

  private writeData(at: number, piece: Uint8Array): Result<number, MoveProblem> {
    const end = at + piece.length;
    const { sparse } = this;
    if (this.rules.compressedBytes !== null) return sparse !== null && isZero(piece) ? this.leaveZeros(at, end) : this.write(at, piece);
    if (sparse === null) return this.write(at, piece);
    for (let done = 0; done < piece.length; ) {
      const run = nextRun(piece, done, at, sparse);
      const written = run.zero ? this.leaveZeros(at + done, at + run.end) : this.write(at + done, piece.subarray(done, run.end));
      if (!written.ok) return written;
      done = run.end;
    }
    return ok(end);
  }

  private write(at: number, data: Uint8Array): Result<number, MoveProblem> {
    const written = attempt({ step: "write", subject: "target", offset: at }, () => this.target.write(at, data));
    return written.ok ? ok(at + data.length) : written;
  }

  private copyZeros(at: number, end: number): Result<number, MoveProblem> {
    return this.write(at, this.buffer.subarray(0, end - at).fill(0));
  }

  private leaveZeros(at: number, end: number): Result<number, MoveProblem> {
    if (this.rules.targetIsZero) return ok(end);
    const written = attemptAct({ step: "write", subject: "target", offset: at }, () => this.target.writeZeroes(at, end - at));
    return written.ok ? ok(end) : written;
  }

  /** Reads a piece sector by sector; those that cannot be read are zeros. */
  private salvage(at: number, piece: Uint8Array): void {
    for (let done = 0; done < piece.length; done += SECTOR_SIZE) {
      const sector = piece.subarray(done, done + SECTOR_SIZE);
      const read = attempt({ step: "read", subject: "source", offset: at + done }, () => this.sources.read(at + done, sector));
      if (read.ok) continue;
      sector.fill(0);
      if (this.skipped.length < MAX_SKIPPED) this.skipped.push({ offset: at + done, cause: read.error.cause });
    }
  }
}

/** Whether an image is refused as a whole: nothing is left to be salvaged, sector by sector, of a disk of any size. */
const refusesAll = (cause: Failure): boolean => cause.kind === "image" && (cause.structure === ALL_TABLES || cause.structure === ALL_CLUSTERS);

const plainStatus = (extent: Extent): Status => (extent.zero ? "zero" : "data");
/** What the source has from its own backing is "backing" whatever lies there; where it has none, or that has ended, there are zeros. */
const overlayStatus = (extent: Extent): Status => (extent.depth > 0 ? "backing" : plainStatus(extent));
