/**
 * Two disks side by side: where what was there before is not there any more. What both have in the same place of the file is not read, so
 * that a large disk costs its tables. Ranges that the caller judges by itself are left out.
 */
import { SECTOR_SIZE } from "../base/units.ts";
import type { Extent } from "../protocol/index.ts";
import type { Device } from "./device.ts";
import type { Work } from "./jobs.ts";
import { isZero } from "../bytes/zeros.ts";

export interface Stretch {
  readonly start: number;
  readonly end: number;
}
export interface Differing extends Stretch {
  readonly shows: "zeros" | "other";
}

const EXTENTS_AT_ONCE = 1024;
const PIECE_BYTES = 64 * 1024;
/** More is not told: the disk is lost as a whole by then. */
const MOST_FOUND = 64;

/**
 * Where the bytes of `after` differ from those of `before`.
 * @param changedHost whether a range of the file may hold other bytes than before
 * @param leftOut ordered, apart from one another
 */
export function* differencesOf(before: Device, after: Device, changedHost: (start: number, end: number) => boolean, leftOut: readonly Stretch[], range: Stretch = { start: 0, end: before.disk.virtualSize }): Work<Differing[]> {
  const found: Differing[] = [];
  const [was, is] = [extentsOf(before, range), extentsOf(after, range)];
  let skip = 0;
  for (let [a, b] = [was.next().value, is.next().value], at = range.start; a && b && found.length < MOST_FOUND; ) {
    const end = Math.min(a.start + a.length, b.start + b.length);
    if (!isSame(a, b, at, end, changedHost)) {
      let from = at;
      while (skip < leftOut.length && leftOut[skip]!.end <= from) skip++;
      for (let index = skip; from < end; index++) {
        const next = leftOut[index];
        const to = Math.min(end, Math.max(from, next?.start ?? end));
        compareBytes(before, after, from, to, found);
        from = Math.max(to, next?.end ?? end);
      }
    }
    yield (end - range.start) / (range.end - range.start);
    if (a.start + a.length === end) a = was.next().value;
    if (b.start + b.length === end) b = is.next().value;
    at = end;
  }
  return found;
}

function* extentsOf({ disk }: Device, { start, end }: Stretch): Generator<Extent, undefined, void> {
  for (let at: number | null = start; at !== null && at < end; ) {
    const { extents, next }: { extents: readonly Extent[]; next: number | null } = disk.map(at, end - at, EXTENTS_AT_ONCE);
    yield* extents;
    at = next;
  }
}

function isSame(a: Extent, b: Extent, at: number, end: number, changedHost: (start: number, end: number) => boolean): boolean {
  if (a.zero && b.zero) return true;
  if (!a.data || !b.data || a.compressed || b.compressed || a.zero || b.zero || a.depth !== b.depth || a.hostOffset === null || b.hostOffset === null) return false;
  const host = a.hostOffset + at - a.start;
  if (host !== b.hostOffset + at - b.start) return false;
  return a.depth > 0 || !changedHost(host, host + end - at);
}

/** Adds the sectors that differ, neighbours together. */
function compareBytes(before: Device, after: Device, from: number, to: number, found: Differing[]): void {
  for (let at = from; at < to; at += PIECE_BYTES) {
    const length = Math.min(PIECE_BYTES, to - at);
    const [was, is] = [new Uint8Array(length), new Uint8Array(length)];
    before.read(at, was);
    after.read(at, is);
    differingSectors(was, is, at, found);
    if (found.length >= MOST_FOUND) return;
  }
}

export function differingSectors(was: Uint8Array, is: Uint8Array, at: number, found: Differing[]): void {
  for (let sector = 0; sector < was.length; sector += SECTOR_SIZE) {
    const [a, b] = [was.subarray(sector, sector + SECTOR_SIZE), is.subarray(sector, sector + SECTOR_SIZE)];
    if (a.every((byte, index) => byte === b[index])) continue;
    addDiffering(found, { start: at + sector, end: at + sector + a.length, shows: isZero(b) ? "zeros" : "other" });
  }
}

function addDiffering(found: Differing[], next: Differing): void {
  const last = found.at(-1);
  if (last !== undefined && last.end === next.start && last.shows === next.shows) found[found.length - 1] = { ...last, end: next.end };
  else found.push(next);
}
