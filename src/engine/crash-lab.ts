/**
 * One crash lab: a device over a scratch copy whose writes and barriers are recorded, what was acknowledged on it, and the disks that a
 * power failure may leave, each opened as any image is. Nothing of it reaches a file.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { MemoryStore } from "../bytes/memory-store.ts";
import type { MemoryContents } from "../bytes/memory-store.ts";
import { pendingFrom, planOf, sectorsOf } from "../crash/cuts.ts";
import type { Cut, Kept } from "../crash/cuts.ts";
import { RecordingStore } from "../crash/recording-store.ts";
import type { CrashCut, CrashLoss, CrashOutcome, CrashRecord, CrashRule, Failure, ReplyOf } from "../protocol/index.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { WRITE_ORDER } from "../qcow2/write-order.ts";
import type { OrderRule, WriteKind } from "../qcow2/write-order.ts";
import { NO_BARRIERS, labOrder, mistakeOf, stepsWithout } from "../qcow2/wrong-order.ts";
import { differencesOf, differingSectors } from "./crash-compare.ts";
import { judgeDisk } from "./crash-judge.ts";
import { CrashNotes } from "./crash-notes.ts";
import type { ChangingCall } from "./crash-notes.ts";
import { describeRecords, flushOf, labelOf } from "./crash-writes.ts";
import type { Device } from "./device.ts";
import { failureOf } from "./border.ts";
import { part, runToEnd } from "./jobs.ts";
import type { Work } from "./jobs.ts";
import { mendOnOpen } from "./mend-on-open.ts";
import { openDevice } from "./open-device.ts";
import type { OpenedDevice, OpenedFiles } from "./open-device.ts";
import { OpenImage } from "./open-image.ts";
import { patternPayload } from "./payload.ts";

/** Zones, or places, that are written once more to see whether an image that is corrupt loses something by it. */
const MORE_WRITES = 8;
const FIRST_PATTERN = 0xe0;

interface Reference {
  readonly before: OpenedDevice;
  readonly expected: OpenedDevice;
  readonly records: readonly CrashRecord[];
  /** What the check finds on the disk before: no fault of the crash. */
  readonly corruptions: number;
  readonly checkErrors: number;
}

export class CrashLab {
  readonly image: OpenImage;
  private readonly store: RecordingStore;
  private readonly files: OpenedFiles;
  private readonly codecs: Codecs;
  private readonly mistakes: readonly OrderRule[];
  private readonly barriers: boolean;
  private notes: CrashNotes;
  /** The last flush returned, and nothing was asked for since. */
  private returned = false;
  private flushes = 0;
  private reference: Reference | null = null;

  /**
   * @param files what the lab stands on, but for its own store
   * @param contents the scratch copy, which becomes the lab's own
   * @param mistakes names of qcow2/wrong-order.ts
   * @throws Fault for what is no image
   */
  constructor(handle: number, name: string, files: Omit<OpenedFiles, "store" | "file">, contents: MemoryContents, mistakes: readonly string[], now: () => number, codecs: Codecs) {
    this.store = new RecordingStore(name, contents);
    this.codecs = codecs;
    this.mistakes = WRITE_ORDER.filter((rule) => mistakes.includes(mistakeOf(rule)));
    this.barriers = !mistakes.includes(NO_BARRIERS);
    this.files = { ...files, file: name, store: this.store, order: labOrder(this.mistakes, this.barriers, (kind) => this.writes(kind)) };
    runToEnd(mendOnOpen(this.files));
    this.store.holdsUnlabelled = true;
    this.image = new OpenImage(handle, this.files, true, now, codecs);
    this.store.restart();
    this.notes = new CrashNotes(this.image.device);
  }

  /** The flush says what it writes from now on. Guest data, which is in the store as it comes, is on its way from that step on. */
  private writes(kind: WriteKind | null): boolean {
    if (kind === null) this.flushes++;
    this.store.labelWrites(kind === null ? null : labelOf(kind, this.flushes));
    return kind === "data" && this.store.release();
  }

  /** Runs a call that changes the disk, and notes what it did. */
  changing<Value>(call: ChangingCall, act: () => Value): Value {
    if (this.returned) {
      this.store.restart();
      this.notes = new CrashNotes(this.image.device);
      this.returned = false;
    }
    this.reference = null;
    const begin = this.store.log.length;
    const value = act();
    this.notes.note(this.image.device, call, begin);
    return value;
  }

  /** Runs a flush. One with nothing to do leaves the last one's record. */
  flushing<Value>(act: () => Result<Value, Failure>): Result<Value, Failure> {
    const outcome = act();
    if (outcome.ok && this.store.log.length > 0) this.returned = true;
    return outcome;
  }

  record(): Result<ReplyOf<"crashRecord">, Failure> {
    const unfit = this.unfit();
    if (unfit !== null) return err(unfit);
    return ok({ records: this.refer().records, rules: this.rules(), barriers: this.barriers });
  }

  private rules(): CrashRule[] {
    const { broken } = stepsWithout(this.mistakes);
    return WRITE_ORDER.map((rule) => {
      const left = broken.find((each) => each.rule === rule);
      return { ...rule, mistake: mistakeOf(rule), leftOut: left !== undefined, impliedBy: left?.impliedBy?.map(mistakeOf) ?? null };
    });
  }

  /** The log's records, for whoever draws cuts. */
  get log(): RecordingStore["log"] {
    return this.store.log;
  }

  private unfit(): Failure | null {
    return this.notes.overflown ? { kind: "usage", code: "too-large", detail: "more was written since the last flush than the crash lab keeps" } : null;
  }

  private refer(): Reference {
    if (this.reference !== null) return this.reference;
    const end = this.store.crashOfProgram(this.store.log.length);
    const open = (contents: MemoryContents): OpenedDevice => openDevice(new MemoryStore("reference", contents), "qcow2", false, () => 0, undefined, this.filesOver(contents), this.codecs);
    const start = this.store.start();
    const checked = runToEnd(this.opened(start.copy()).check());
    const { corruptions, checkErrors } = checked.ok ? checked.value : { corruptions: 0, checkErrors: 0 };
    const expected = open(end);
    const records = describeRecords(this.store, expected.zoned, this.notes.placed);
    return (this.reference = { before: open(start), expected, records, corruptions, checkErrors });
  }

  private filesOver(contents: MemoryContents): OpenedFiles {
    return { ...this.files, store: new MemoryStore("after the power failure", contents), order: undefined };
  }

  private opened(contents: MemoryContents): OpenImage {
    return new OpenImage(0, this.filesOver(contents), true, () => 0, this.codecs);
  }

  /** The disk that a cut leaves. */
  diskAfter(cut: CrashCut): MemoryContents {
    return this.store.crash(planOf(this.store.log, toLog(cut)));
  }

  /** Why a cut cannot be, or null. */
  refusalOf({ cut, kept }: CrashCut): Failure | null {
    const option = (name: string, found: string, allowed: string): Failure => ({ kind: "option", option: name, found, allowed });
    const { log } = this;
    if (!Number.isInteger(cut) || cut < 0 || cut > log.length) return option("cut", String(cut), `0 to ${log.length}`);
    const from = pendingFrom(log, cut);
    for (const { record, sectors } of kept) {
      const fits = Number.isInteger(record) && record > from && record <= cut;
      if (!fits) return option("keep", String(record), from < cut ? `records ${from + 1} to ${cut}, which no barrier has made durable` : "none: every write before the cut is durable");
      const count = sectorsOf(log[record - 1]!);
      const bad = sectors?.find((sector) => !Number.isInteger(sector) || sector < 0 || sector >= count);
      if (bad !== undefined) return option("keep", `sector ${bad} of record ${record}`, `sectors 0 to ${count - 1}`);
    }
    return null;
  }

  /** Cuts the power, opens what is left and judges it. */
  *crash(cut: CrashCut): Work<Result<CrashOutcome, Failure>> {
    const unfit = this.unfit() ?? this.refusalOf(cut);
    if (unfit !== null) return err(unfit);
    const reference = this.refer();
    const returned = this.returned && cut.cut === this.log.length;
    const rules = this.judgeRules(cut);
    const missing = this.missing(cut);
    const blank = { ...cut, missing, returned, check: null, zones: [], ranges: [], goneBytes: 0, later: [], ...rules };
    const contents = this.diskAfter(cut);
    let image: OpenImage;
    try {
      const files = this.filesOver(contents);
      const mended = yield* part(mendOnOpen(files), 0, 0.2);
      if (!mended.ok) return ok({ ...blank, losses: [{ code: "does-not-open", failure: mended.error }] });
      image = new OpenImage(0, files, true, () => 0, this.codecs);
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind === "bug") throw error;
      return ok({ ...blank, losses: [{ code: "does-not-open", failure }] });
    }
    const losses: CrashLoss[] = [];
    const reason = image.device.disk.readOnlyReason;
    if (reason !== null && this.image.device.disk.readOnlyReason === null) losses.push({ code: "read-only", reason });
    const checked = yield* part(image.check(), 0.2, 0.5);
    if (!checked.ok) return checked;
    const { corruptions, checkErrors } = checked.value;
    const isCorrupt = corruptions > reference.corruptions || checkErrors > reference.checkErrors;
    if (isCorrupt) losses.push({ code: "corrupt", corruptions, checkErrors });
    const judging = { before: reference.before.device, expected: reference.expected.device, after: image.device, notes: this.notes, cut: cut.cut, returned, changedHost: this.changedHost };
    let judged;
    try {
      judged = yield* part(judgeDisk(judging), 0.5, 0.9);
    } catch (error) {
      // Tables that the crash left so that they cannot be read.
      const failure = failureOf(error);
      if (failure.kind !== "image") throw error;
      return ok({ ...blank, check: checked.value, losses: [...losses, { code: "does-not-open", failure }] });
    }
    losses.unshift(...judged.losses);
    const later = isCorrupt && judged.losses.length === 0 ? yield* part(this.writeOn(contents.copy(), image.device), 0.9, 1) : [];
    const goneBytes = [...judged.zones, ...judged.ranges].reduce((sum, each) => sum + each.goneBytes, 0);
    return ok({ ...blank, check: checked.value, zones: judged.zones, ranges: judged.ranges, goneBytes, losses, later });
  }

  /** Whether a range of the file may differ between the disk before and one after: something was on its way there. */
  private readonly changedHost = (start: number, end: number): boolean => this.log.some((record) => record.kind === "truncate" || (record.kind === "write" && record.offset < end && record.offset + record.data.length > start));

  private missing({ cut, kept }: CrashCut): number[] {
    const from = pendingFrom(this.log, cut);
    const whole = new Set(kept.filter(({ sectors }) => sectors === null).map(({ record }) => record));
    return Array.from({ length: cut - from }, (_, index) => from + index + 1).filter((record) => !whole.has(record));
  }

  /** Which mistakes the order kept from happening at this cut, and which happened. */
  private judgeRules(cut: CrashCut): Pick<CrashOutcome, "protectedBy" | "happened"> {
    const from = pendingFrom(this.log, cut.cut);
    const [whole, some] = [new Set<number>(), new Set<number>()];
    for (const { record, sectors } of cut.kept) {
      some.add(record - 1);
      if (sectors === null) whole.add(record - 1);
    }
    const writes = this.refer().records.flatMap((record, index) => (record.type === "write" ? [{ index, kind: record.kind, flush: flushOf(this.log[index]!) }] : []));
    const there = (index: number): boolean => index < from || whole.has(index);
    const partly = (index: number): boolean => index < from || some.has(index);
    const [protectedBy, happened]: [string[], string[]] = [[], []];
    const broken = stepsWithout(this.mistakes).broken.flatMap(({ rule, impliedBy }) => (impliedBy === null ? [rule] : []));
    const kept = WRITE_ORDER.filter((rule) => !broken.includes(rule));
    for (const rule of WRITE_ORDER) {
      const incomplete = writes.filter(({ kind, index }) => kind === rule.first && !there(index)).map(({ flush }) => flush);
      const then = writes.filter(({ kind, flush }) => kind === rule.then && incomplete.includes(flush));
      if (then.length === 0) continue;
      if (then.some(({ index }) => partly(index))) happened.push(mistakeOf(rule));
      // What nothing kept from happening was luck.
      else if (this.barriers && kept.includes(rule)) protectedBy.push(mistakeOf(rule));
    }
    return { protectedBy, happened };
  }

  /** A few more writes and a flush: what they destroy of what the disk showed before them. */
  private *writeOn(contents: MemoryContents, before: Device): Work<readonly CrashLoss[]> {
    const written: { start: number; end: number }[] = [];
    try {
      const { device } = this.opened(contents);
      if (device.disk.readOnly) return [];
      const { clusterSize, virtualSize } = device.disk;
      const { zones } = device;
      const count = zones === null ? Math.floor(virtualSize / clusterSize) : zones.geometry.zoneCount;
      for (let index = 0; index < count && written.length < MORE_WRITES; index++) {
        const start = zones === null ? index * clusterSize : zones.writePointer[index]!;
        const end = Math.min(start + clusterSize, virtualSize);
        const extent = start < virtualSize ? before.disk.map(start, 1, 1).extents[0] : undefined;
        if (extent === undefined || (zones === null && extent.allocated) || !device.write(start, patternPayload(FIRST_PATTERN + written.length, end - start)).ok) continue;
        written.push({ start, end });
      }
      device.flush();
      const again = openDevice(new MemoryStore("later", contents), "qcow2", false, () => 0, undefined, this.filesOver(contents), this.codecs).device;
      const found = yield* differencesOf(before, again, () => true, written);
      for (const [index, { start, end }] of written.entries()) {
        const is = new Uint8Array(end - start);
        again.read(start, is);
        differingSectors(new Uint8Array(is.length).fill(FIRST_PATTERN + index), is, start, found);
      }
      const zoneSize = zones?.geometry.zoneSize ?? null;
      return found.map(({ start, end, shows }) => ({ code: "bytes", zone: zoneSize && Math.floor(start / zoneSize), offset: start, lengthBytes: end - start, shows, flushed: true }));
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind === "bug") throw error;
      return [{ code: "does-not-open", failure }];
    }
  }
}

const toLog = ({ cut, kept }: CrashCut): Cut => ({ cut, kept: kept.map(({ record, sectors }): Kept => ({ record: record - 1, sectors })) });
/** As the protocol counts records. */
export const fromLog = ({ cut, kept }: Cut): CrashCut => ({ cut, kept: kept.map(({ record, sectors }) => ({ record: record + 1, sectors })) });
