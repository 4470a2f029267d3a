/**
 * What a disk after a crash shows against what the durability section of the zone semantics promises: of each zone that was written a
 * moment between the last flush and the last command, of all else what the last flush left. Judges by reads and pointers alone.
 */
import { SECTOR_SIZE, zoneIndex } from "../base/units.ts";
import type { Condition } from "../base/conditions.ts";
import type { CrashLoss, CrashRange, CrashZone, CrashZoneState } from "../protocol/index.ts";
import { zoneLength } from "../zoned/geometry.ts";
import { differencesOf, differingSectors } from "./crash-compare.ts";
import type { Differing, Stretch } from "./crash-compare.ts";
import { CrashNotes } from "./crash-notes.ts";
import type { Patch, ZoneMoment, ZoneNote } from "./crash-notes.ts";
import type { Device } from "./device.ts";
import { part, runToEnd } from "./jobs.ts";
import type { Work } from "./jobs.ts";

export interface Judging {
  /** The disk at the last flush that returned. */
  readonly before: Device;
  /** The disk with all that was acknowledged, after a power cycle. */
  readonly expected: Device;
  readonly after: Device;
  readonly notes: CrashNotes;
  /** Records that had been issued. */
  readonly cut: number;
  /** The flush had returned. */
  readonly returned: boolean;
  readonly changedHost: (start: number, end: number) => boolean;
}
export interface Judgement {
  readonly zones: readonly CrashZone[];
  readonly ranges: readonly CrashRange[];
  readonly losses: readonly CrashLoss[];
}

const MOST_ZONES = 256;
const MOST_RANGES = 256;
const MOST_LOSSES = 64;
const PIECE_BYTES = 64 * 1024;

export function* judgeDisk(judging: Judging): Work<Judgement> {
  const losses: CrashLoss[] = [];
  const { before, after, notes } = judging;
  const zones = [...notes.zones].sort(([a], [b]) => a - b).map(([zone, note]) => judgeZone(judging, zone, note, losses));
  for (const zone of otherPointers(judging, losses)) zones.push(zone);
  yield 0.1;
  const ranges = stretchesOf(notes.patches).map((stretch) => judgeRange(judging, stretch, losses));
  yield 0.2;
  const leftOut = [...ranges.map(({ offset, lengthBytes }) => ({ start: offset, end: offset + lengthBytes })), ...zones.map(({ zone }) => stretchOfZone(before, zone))];
  const others = yield* part(differencesOf(before, after, judging.changedHost, leftOut.sort((a, b) => a.start - b.start)), 0.2, 1);
  for (const { start, end, shows } of others) losses.push({ code: "bytes", zone: zoneAt(before, start), offset: start, lengthBytes: end - start, shows, flushed: true });
  return { zones: zones.slice(0, MOST_ZONES), ranges: ranges.slice(0, MOST_RANGES), losses: losses.slice(0, MOST_LOSSES) };
}

const stateOf = ({ zones }: Device, zone: number): CrashZoneState => ({ condition: zones!.condition[zone]! as Condition, writePointer: zones!.writePointer[zone]! });

function stretchOfZone({ zones }: Device, zone: number): Stretch {
  const start = zone * zones!.geometry.zoneSize;
  return { start, end: start + zoneLength(zones!.geometry, zoneIndex(zone)) };
}

const zoneAt = ({ zones }: Device, offset: number): number | null => zones && Math.floor(offset / zones.geometry.zoneSize);

/** Zones that nobody touched and whose pointers are others all the same. */
function otherPointers({ before, expected, after, notes }: Judging, losses: CrashLoss[]): CrashZone[] {
  const found: CrashZone[] = [];
  const [was, is] = [before.zones?.writePointer, after.zones?.writePointer];
  if (was === undefined || is === undefined) return found;
  for (let zone = 0; zone < was.length && found.length < MOST_ZONES; zone++) {
    if (was[zone] === is[zone] || notes.zones.has(zone)) continue;
    const start = stretchOfZone(before, zone).start;
    losses.push({ code: "pointer", zone, found: is[zone]! - start, least: was[zone]! - start, most: was[zone]! - start, flushed: true });
    found.push({ zone, before: stateOf(before, zone), expected: stateOf(expected, zone), after: stateOf(after, zone), verdict: "broken", goneBytes: 0 });
  }
  return found;
}

/** The moments that the zone may show: the last one when the flush had returned, else those since the flush before. */
const legalMoments = (moments: readonly ZoneMoment[], { cut, returned }: Judging): readonly ZoneMoment[] =>
  returned ? moments.slice(-1) : moments.filter(({ begin }, index) => index === 0 || begin <= cut);

function judgeZone(judging: Judging, zone: number, note: ZoneNote, losses: CrashLoss[]): CrashZone {
  const { before, expected, after } = judging;
  const { start } = stretchOfZone(before, zone);
  const legal = legalMoments(note.moments, judging);
  const last = note.moments.at(-1)!;
  const states = { zone, before: stateOf(before, zone), expected: stateOf(expected, zone), after: stateOf(after, zone) };
  const pointer = states.after.writePointer - start;
  const candidates = legal.filter((moment, index) => pointer === moment.pointer || (!moment.finished && liesBetween(legal, index, pointer)));
  const firstPointer = note.moments[0]!.pointer;
  if (candidates.length === 0) {
    const pointers = legal.map((moment) => moment.pointer);
    const [least, most] = [Math.min(...pointers), Math.max(...pointers)];
    losses.push({ code: "pointer", zone, found: pointer, least, most, flushed: judging.returned || pointer < least });
    return { ...states, verdict: "broken", goneBytes: 0 };
  }
  const wrong = candidates.map((moment) => wrongBytes(judging, zone, note, moment.epoch, pointer));
  const best = wrong.reduce((a, b) => (b.length < a.length ? b : a));
  for (const { start: from, end, shows } of best) {
    // Bytes below the flushed pointer are promised, unless a reset was on its way.
    const flushed = judging.returned || (from - start < firstPointer && last.epoch === 0);
    losses.push({ code: "bytes", zone, offset: from, lengthBytes: end - from, shows, flushed });
  }
  if (best.length > 0) return { ...states, verdict: "broken", goneBytes: 0 };
  const moment = candidates[wrong.indexOf(best)]!;
  const isNew = pointer === last.pointer && moment.epoch === last.epoch;
  const isOld = pointer === firstPointer && moment.epoch === 0;
  const since = last.epoch === moment.epoch ? pointer : 0;
  return { ...states, verdict: isNew ? "new" : isOld ? "old" : "between", goneBytes: last.finished || isNew ? 0 : Math.max(0, last.pointer - since) };
}

/** Data of one epoch is only appended to, so that every pointer between two moments is legal. */
function liesBetween(legal: readonly ZoneMoment[], index: number, pointer: number): boolean {
  const moment = legal[index]!;
  const previous = legal[index - 1];
  if (previous === undefined) return false;
  const least = previous.epoch === moment.epoch ? previous.pointer : 0;
  return least <= pointer && pointer <= moment.pointer && pointer % SECTOR_SIZE === 0;
}

/** Where [start, pointer) is not what was written in that epoch; above the pointer a zone reads as zeros whatever there is. */
function wrongBytes({ before, after, changedHost }: Judging, zone: number, note: ZoneNote, epoch: number, pointer: number): Differing[] {
  const { start } = stretchOfZone(before, zone);
  const { from, data } = CrashNotes.bytesOf(note, epoch);
  const found = runToEnd(differencesOf(before, after, changedHost, [], { start, end: start + Math.min(from, pointer) }));
  for (let at = from; at < pointer; at += PIECE_BYTES) {
    const is = new Uint8Array(Math.min(PIECE_BYTES, pointer - at));
    after.read(start + at, is);
    differingSectors(data.subarray(at - from, at - from + is.length), is, start + at, found);
  }
  return found;
}

/** The ranges of patches, joined where they touch. */
function stretchesOf(patches: readonly Patch[]): Stretch[] {
  const joined: Stretch[] = [];
  for (const { offset, data } of [...patches].sort((a, b) => a.offset - b.offset)) {
    const last = joined.at(-1);
    if (last !== undefined && offset <= last.end) joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, offset + data.length) };
    else joined.push({ start: offset, end: offset + data.length });
  }
  return joined;
}

/** Every sector outside sequential zones is what the flush left or what a write since then made of it. */
function judgeRange(judging: Judging, { start, end }: Stretch, losses: CrashLoss[]): CrashRange {
  const { before, after, notes, cut, returned } = judging;
  const [was, is] = [new Uint8Array(end - start), new Uint8Array(end - start)];
  before.read(start, was);
  after.read(start, is);
  const patches = notes.patches.filter(({ offset, data }) => offset < end && offset + data.length > start);
  const wrong: Differing[] = [];
  let [news, olds] = [0, 0];
  for (let sector = 0; sector < is.length; sector += SECTOR_SIZE) {
    const bytes = is.subarray(sector, sector + SECTOR_SIZE);
    const at = start + sector;
    const over = patches.filter(({ offset, data }) => offset <= at && at < offset + data.length);
    const values = over.map(({ offset, data, begin }) => ({ value: data.subarray(at - offset, at - offset + bytes.length), begin }));
    const equals = ({ value }: { value: Uint8Array }): boolean => value.every((byte, index) => byte === bytes[index]);
    const newest = values.at(-1)!;
    const older = [{ value: was.subarray(sector, sector + bytes.length), begin: 0 }, ...values.slice(0, -1)].filter(({ begin }) => begin <= cut);
    if (equals(newest)) news++;
    else if (!returned && older.some(equals)) olds++;
    else differingSectors(newest.value, bytes, at, wrong);
  }
  for (const each of wrong) losses.push({ code: "bytes", zone: zoneAt(before, each.start), offset: each.start, lengthBytes: each.end - each.start, shows: each.shows, flushed: returned });
  const verdict = wrong.length > 0 ? "broken" : olds === 0 ? "new" : news === 0 ? "old" : "between";
  return { offset: start, lengthBytes: end - start, verdict, goneBytes: olds * SECTOR_SIZE };
}
