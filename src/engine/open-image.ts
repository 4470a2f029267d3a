/** One open handle: a device, the files under it, and whether it owes a flush. */
import { assert } from "../base/assert.ts";
import type { Condition } from "../base/conditions.ts";
import { isOfFlush } from "../base/fault.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { zoneIndex } from "../base/units.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { KnownZeros } from "../bytes/known-zeros.ts";
import { checkImage } from "../qcow2/check.ts";
import { loadEncoder, portableCodecs } from "../qcow2/codecs.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { readHeader } from "../qcow2/open.ts";
import type { BitmapFacts, CheckReport, ClusterReport, DeviceEvent, DeviceFacts, DeviceSnapshot, Failure, ProfileName, RepairMode, RepairReport, Resources, ToldCall, ZoneChanges } from "../protocol/index.ts";
import { hasStaleBitmaps } from "../qcow2/bitmaps.ts";
import type { ImageState } from "../qcow2/image-state.ts";
import { Qcow2Image } from "../qcow2/image.ts";
import { declareSound, repairImage } from "../qcow2/repair.ts";
import { ZONED_EXTENSION_MAGIC } from "../zoned/dialect.ts";
import { bitmapFacts } from "./bitmap-calls.ts";
import { atBorder, failureOf } from "./border.ts";
import type { ZonePolicy } from "../zoned/policy.ts";
import { PROFILES } from "../zoned/profiles.ts";
import type { Device } from "./device.ts";
import { part, runToEnd } from "./jobs.ts";
import type { Work } from "./jobs.ts";
import { mendOnOpen } from "./mend-on-open.ts";
import { closeFiles, filesOf } from "./open-chain.ts";
import { STANDALONE, deviceFacts, formatOf, openDevice, openToLift } from "./open-device.ts";
import type { Format, OpenedDevice, OpenedFiles } from "./open-device.ts";
import { checkZones } from "./zone-check.ts";
import { completeSnapshots, lacksNothingElse, withCompleted } from "./snapshot-repair.ts";
import { unmapHidden } from "./zone-repair.ts";

const SHOWN_ORDER = 64;
/** The share of a check that is about clusters; the rest is about zones. */
const ZONES_FROM = 0.9;

/** Nothing more is done with the image: after a bug, too, nobody knows what was written. */
const isEnd = (failure: Failure): boolean => failure.kind === "bug" || isOfFlush(failure);

export class OpenImage {
  readonly handle: number;
  readonly file: string;
  readonly store: ByteStore;
  /** Something was acknowledged that no flush has made durable. */
  unflushed = false;
  /** What was opened for this handle, the top first. */
  readonly files: OpenedFiles;
  readonly format: Format;
  private readonly write: boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How clusters are compressed and read. */
  readonly codecs: Codecs;
  private opened: OpenedDevice;
  /** The profile that was asked for since the image was opened; null for the default. */
  private profile: ProfileName | null = null;
  private bitmapsTold: readonly BitmapFacts[] = [];
  /** After a bug of ours nothing is done with the image any more. */
  private broken: Failure | null = null;

  /**
   * @param files the image and what it stands on, open; the handle closes them
   * @param codecs how clusters are compressed and read
   * @throws Fault for files that hold no image this program opens
   */
  constructor(handle: number, files: OpenedFiles, write: boolean, now: () => number, codecs: Codecs = portableCodecs) {
    this.handle = handle;
    this.files = files;
    this.file = files.file;
    this.store = files.store;
    this.format = files.format;
    this.write = write;
    this.now = now;
    this.codecs = codecs;
    this.opened = openDevice(files.store, files.format, write, now, undefined, files, codecs);
  }

  /** A handle over one store that stands alone. @throws Fault for a store that holds no image this program opens */
  static over(handle: number, file: string, store: ByteStore, format: Format | null, write: boolean, now: () => number): OpenImage {
    return new OpenImage(handle, { ...STANDALONE, file, store, format: format ?? formatOf(store) }, write, now);
  }

  /** Whether the file is one of those that this image reads or writes. */
  uses(file: string): boolean {
    return filesOf(this.files).includes(file);
  }

  /** The names of all files that this image reads or writes. */
  usedFiles(): readonly string[] {
    return filesOf(this.files);
  }

  /** What is written goes to an overlay, which is not the file. */
  get isTemporary(): boolean {
    return this.files.backing?.file === this.file;
  }

  /** Makes ready what packs its clusters, before the first is written compressed; null where its format has none that are. */
  loadEncoder(): Promise<void> | null {
    const type = this.device.disk.compressionType;
    return type === undefined ? null : loadEncoder(this.codecs, type);
  }

  get device(): Device {
    return this.opened.device;
  }

  /** The rules that the device follows now. */
  get policy(): ZonePolicy {
    return PROFILES[this.profile ?? "qcow2"];
  }

  facts(): DeviceFacts {
    const facts = deviceFacts(this.file, this.opened, this.store.allocated?.() ?? null);
    const stale = this.opened.header !== null && hasStaleBitmaps(this.opened.header);
    this.bitmapsTold = bitmapFacts(this, this.bitmapsTold);
    return { ...facts, image: { ...facts.image, bitmaps: this.bitmapsTold, staleBitmaps: stale } };
  }

  /** Other rules for this device until it is closed; a power cycle keeps them. Nothing of it is stored in the image. */
  setProfile(profile: ProfileName): Result<DeviceFacts, Failure> {
    if (!Object.hasOwn(PROFILES, profile)) {
      return err({ kind: "option", option: "profile", found: profile, allowed: Object.keys(PROFILES).join(", ") });
    }
    const set = this.device.setPolicy(PROFILES[profile]);
    if (!set.ok) return set;
    this.profile = profile;
    return ok(this.facts());
  }

  /** Runs a call's work; a bug breaks the image for good, so that a confused engine writes nothing more. */
  guard<Value>(act: () => Result<Value, Failure>): Result<Value, Failure> {
    if (this.broken !== null) return err(this.broken);
    const outcome = atBorder(act);
    if (!outcome.ok && outcome.error.kind === "bug") this.broken = outcome.error;
    return outcome;
  }

  /** As guard, for long work. Whoever drops it in the middle leaves an image that can be used further. */
  *guardWork<Value>(act: () => Work<Result<Value, Failure>>): Work<Result<Value, Failure>> {
    if (this.broken !== null) return err(this.broken);
    try {
      return yield* act();
    } catch (error) {
      const failure = failureOf(error);
      if (failure.kind === "bug") this.broken = failure;
      return err(failure);
    }
  }

  /** @throws Fault of the store */
  flush(): Result<null, Failure> {
    if (this.broken !== null) return err(this.broken);
    if (!this.device.disk.readOnly) this.device.flush();
    this.unflushed = false;
    return ok(null);
  }

  /**
   * Flushes what is owed, and stores what the image's bitmaps have recorded: the file is then as if it had been closed. Of an image
   * that owes nothing nothing is written, and no flush is told. @throws Fault of the store
   */
  settle(): Result<null, Failure> {
    if (this.broken !== null) return err(this.broken);
    const flushed = this.unflushed ? this.flush() : ok(null);
    return flushed.ok ? this.settleDisk() : flushed;
  }

  private settleDisk(): Result<null, Failure> {
    if (this.broken === null) this.device.disk.settle?.();
    return ok(null);
  }

  /** Checks the image as it is on the store. @throws Fault of the store */
  *check(): Work<Result<CheckReport, Failure>> {
    if (this.opened.header === null) return err({ kind: "unsupported", feature: "a check of a raw image" });
    const flushed = this.settle();
    if (!flushed.ok) return flushed;
    // The header as it is now: a flush may have moved the refcount table.
    const clusters = yield* part(this.checkClusters(), 0, ZONES_FROM);
    return ok(yield* part(this.withZones(clusters), ZONES_FROM, 1));
  }

  private checkClusters(cutting = false, store = this.store): Work<ClusterReport> {
    return checkImage(store, readHeader(store, "check"), this.ownedAreas(), cutting);
  }

  private *withZones(clusters: ClusterReport): Work<CheckReport> {
    const { disk, zones } = this.device;
    const { zoned } = this.opened;
    return { ...clusters, zoned: zoned && zones && (yield* checkZones(disk, zones, zoned.metadataOffset)) };
  }

  /** Clusters that the zoned extension owns. */
  private ownedAreas(): { offset: number; lengthBytes: number }[] {
    const { zoned } = this.opened;
    return zoned === null ? [] : [{ offset: zoned.metadataOffset, lengthBytes: zoned.metadataSize }];
  }

  /** Repairs the image on the store, and opens the device anew over it. @throws Fault of the store, after which nothing but close is done */
  *repair(mode: RepairMode): Work<Result<RepairReport, Failure>> {
    if (this.opened.header === null) return err({ kind: "unsupported", feature: "a repair of a raw image" });
    if (!this.write || this.store.readOnly) return err({ kind: "usage", code: "read-only", detail: "the image is open for reading" });
    const flushed = this.settle();
    if (!flushed.ok) return flushed;
    let done = false;
    try {
      const report = yield* this.repairFlushed(mode);
      done = true;
      return ok(report);
    } catch (error) {
      // What the device has in memory of the tables may not be what the store has any more.
      this.broken = failureOf(error);
      throw error;
    } finally {
      // Cancelled in the middle: the store is as after a crash there, and the device is what the store has.
      if (!done && this.broken === null) this.reopenAfterCancel();
    }
  }

  private *repairFlushed(mode: RepairMode): Work<RepairReport> {
    // A repair goes through all tables several times, and nothing else writes until it is through. Rules wait for every read.
    const store = this.store.event === undefined ? new KnownZeros(this.store) : this.store;
    let outcome = yield* part(repairImage(store, readHeader(store, "check"), this.ownedAreas(), [ZONED_EXTENSION_MAGIC], mode), 0, 0.6);
    let clusters = yield* part(this.checkClusters(mode === "all", store), 0.6, mode === "all" ? 0.7 : 0.8);
    const completes = mode === "all" && lacksNothingElse(clusters, readHeader(store, "check"));
    const sound = completes || (clusters.corruptions === 0 && clusters.checkErrors === 0);
    if (sound) declareSound(store, readHeader(store, "check"));
    this.reopen();
    if (completes && completeSnapshots(this)) {
      outcome = withCompleted(outcome);
      clusters = yield* part(this.checkClusters(), 0.7, 0.8);
    }
    const { disk, zones } = this.device;
    const unmaps = mode === "all" && sound && zones !== null && disk instanceof Qcow2Image && !disk.readOnly;
    const unmappedBytes = unmaps ? yield* part(unmapHidden(disk, zones), 0.8, 0.85) : 0;
    if (unmappedBytes > 0) {
      this.device.flush();
      clusters = yield* part(this.checkClusters(), 0.85, 0.95);
    }
    return { ...outcome, unmappedBytes, after: yield* part(this.withZones(clusters), 0.95, 1) };
  }

  /**
   * A change of the image as a whole: flushes, runs it, and opens the device anew over what came of it. A store that fails in the middle
   * leaves what a crash there would leave, and the device is opened over that.
   * @param marks whether the image is marked corrupt where a table of its lies. @throws Fault of the store, or for a structure that cannot be
   */
  changeWhole<Value>(act: (state: ImageState) => Result<Value, Failure>, marks = true): Result<Value, Failure> {
    return runToEnd(
      this.changeWholeSlowly(
        function* (state) {
          yield* [];
          return act(state);
        },
        this.device.disk,
        marks,
      ),
    );
  }

  /** As changeWhole, of what keeps a zoned image from being written: version 2 or lazy refcounts, which amend takes away. @throws as changeWhole */
  lift<Value>(act: (state: ImageState) => Result<Value, Failure>): Result<Value, Failure> {
    const disk = this.write && !this.store.readOnly ? openToLift(this.store, this.opened, this.codecs) : null;
    return runToEnd(
      this.changeWholeSlowly(function* (state) {
        yield* [];
        return act(state);
      }, disk ?? undefined),
    );
  }

  /**
   * As changeWhole, in slices; stopped between two, it leaves what a crash there would leave.
   * @param disk the image that is changed; the device's own where none is given. @throws as changeWhole
   */
  *changeWholeSlowly<Value>(act: (state: ImageState) => Work<Result<Value, Failure>>, disk = this.device.disk, marks = true): Work<Result<Value, Failure>> {
    if (!(disk instanceof Qcow2Image) || disk.readOnly) {
      return err({ kind: "usage", code: "read-only", detail: disk.readOnlyReason ?? "the image is open for reading" });
    }
    const flushed = this.flush();
    if (!flushed.ok) return flushed;
    let ended = false;
    let outcome: Result<Value, Failure>;
    try {
      outcome = yield* disk.changeWhole(act);
      ended = true;
    } catch (thrown) {
      ended = true;
      const error = marks ? disk.told(thrown) : thrown;
      const failure = failureOf(error);
      if (isEnd(failure)) this.broken = failure;
      else this.reopenAfterRefusal();
      throw error;
    } finally {
      if (!ended) this.reopenAfterCancel();
    }
    if (outcome.ok) this.reopen();
    return outcome;
  }

  /** A change of a raw file itself, which is flushed before and opened anew afterwards. @throws Fault of the store */
  changeFile(act: (store: ByteStore) => Result<null, Failure>): Result<null, Failure> {
    const { disk } = this.device;
    if (disk.readOnly) return err({ kind: "usage", code: "read-only", detail: disk.readOnlyReason ?? "the image is open for reading" });
    const flushed = this.flush();
    if (!flushed.ok) return flushed;
    const outcome = act(this.store);
    this.reopen();
    return outcome;
  }

  /** A change that stopped where the dirty bit was set left an image that is for reading until its counts are set right. */
  private reopenAfterRefusal(): void {
    const mended = atBorder(() => (this.write ? runToEnd(mendOnOpen(this.files)) : ok(null)));
    if (!mended.ok && isEnd(mended.error)) this.broken = mended.error;
    else this.reopenAfterCancel();
  }

  private reopenAfterCancel(): void {
    atBorder(() => {
      this.reopen();
      return ok(null);
    });
  }

  /** Flushes and lets go of the files; they are closed even when the flush fails. @throws Fault of the store */
  close(): Result<null, Failure> {
    try {
      return this.unflushed ? this.settle() : this.settleDisk();
    } finally {
      closeFiles(this.files);
    }
  }

  /** Flush, then open anew over the same store, as after a power cycle. The file stays ours meanwhile. */
  powerCycle(): Result<DeviceSnapshot, Failure> {
    const flushed = this.settle();
    if (!flushed.ok) return flushed;
    this.reopen();
    return ok(this.watch());
  }

  /**
   * Drops what no flush has made durable and opens anew over the store, which is then what a killed process leaves: the order of
   * `qcow2/flush.ts` holds at every moment. @throws Fault for a store that cannot be opened any more
   */
  powerCut(): Result<DeviceSnapshot, Failure> {
    this.unflushed = false;
    this.reopen();
    return ok(this.watch());
  }

  /** The device anew over its files, which something else has changed; it must be flushed. @throws Fault of the store */
  refresh(): void {
    this.device.disk.settle?.();
    this.reopen();
  }

  /** As refresh, behind what may have failed, whether or not its bitmaps can be stored. */
  refreshAnyhow(): void {
    atBorder(() => this.settleDisk());
    this.reopenAfterCancel();
  }

  /**
   * The device anew from what is on the store, under the profile that it had. Where that fails nothing more is done with the image: what the
   * device has in memory is not what the store has any more. @throws Fault of the store
   */
  private reopen(): void {
    const { zones: before, log } = this.device;
    try {
      this.opened = openDevice(this.store, this.format, this.write, this.now, log, this.files, this.codecs);
    } catch (error) {
      this.broken = failureOf(error);
      throw error;
    }
    // What the power took: open zones, which no image stores.
    before?.condition.forEach((condition, zone) => {
      const after = this.device.zones!.conditionOf(zoneIndex(zone));
      if (after !== condition) log.powerCycled(zoneIndex(zone), condition as Condition, after);
    });
    if (this.profile !== null) {
      const kept = this.device.setPolicy(PROFILES[this.profile]);
      assert(kept.ok, "a profile fits a device that it fitted before the power cycle");
    }
  }

  /** The whole device, copied; from now on changes are collected. */
  watch(): DeviceSnapshot {
    const { zones, log } = this.device;
    log.watched = true;
    return { facts: this.facts(), zones: zones && zones.columns(), resources: this.resources() };
  }

  /** Whether changes are collected. */
  get isWatched(): boolean {
    return this.device.log.watched;
  }

  /** What changed since the last time, when the device is watched. */
  takeChanges(): { changes: ZoneChanges; resources: Resources; events: readonly DeviceEvent[]; calls: readonly ToldCall[] } | null {
    const { zones, log } = this.device;
    if (!log.watched || zones === null) return null;
    const changes = log.take(zones);
    const resources = this.resources();
    assert(resources !== null, "a zoned device has resources");
    return changes && { ...changes, resources };
  }

  private resources(): Resources | null {
    const { zones } = this.device;
    if (zones === null) return null;
    const { maxOpenZones, maxActiveZones } = zones.geometry;
    const minded = this.policy.activeLimit === "enforced";
    return { ...zones.counts(), maxOpen: maxOpenZones, maxActive: minded ? maxActiveZones : 0, implicitOrder: zones.implicitOrder(SHOWN_ORDER) };
  }
}
