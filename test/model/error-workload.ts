/**
 * An image driven by random commands over a store whose requests fail by rules, beside a model of what each sector may hold: what was
 * acknowledged must be read, of what failed a sector shows the old or the new, and after the end the file has what a flush made
 * durable or something younger. Knows nothing of how the engine keeps that.
 */
import { Fault } from "../../src/base/fault.ts";
import { Random } from "../../src/base/random.ts";
import { DebugRules } from "../../src/bytes/debug-rules.ts";
import type { DebugEvent, InjectRule, IoType, StateRule } from "../../src/bytes/debug-rules.ts";
import { DebugStore } from "../../src/bytes/debug-store.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { writeCompressed } from "../../src/engine/compressed-write.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { STANDALONE, openDevice } from "../../src/engine/open-device.ts";
import type { OpenedFiles } from "../../src/engine/open-device.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { resizeOpened } from "../../src/engine/resize-calls.ts";
import { applySnapshotOf, createSnapshotOf, deleteSnapshotOf } from "../../src/engine/snapshot-calls.ts";
import { writeVmState } from "../../src/engine/vm-state-calls.ts";
import type { CreateOptions } from "../../src/protocol/index.ts";
import { readHeader } from "../../src/qcow2/open.ts";
import { readSnapshotTable } from "../../src/qcow2/snapshot-reader.ts";
import { textOf } from "../../src/qcow2/snapshots.ts";
import { KIB } from "../../src/testing/engine-fixture.ts";

const SECTOR = 512;
const BACKING_BYTE = 0xbb;
const BACKING_BYTES = 48 * KIB;

export interface Shape {
  readonly name: string;
  readonly options: CreateOptions;
  readonly backing?: true;
  /** Whether all of the disk is written before errors come. */
  readonly filled?: true;
  /** The events that are this shape's; absent: all. */
  readonly events?: readonly DebugEvent[];
}

/** Rules that tell what they heard, and that rest while a test looks at the disk. */
export class HeardRules extends DebugRules {
  readonly heard = new Set<DebugEvent>();
  failed = 0;
  resting = false;

  override event(event: DebugEvent): void {
    if (this.resting) return;
    this.heard.add(event);
    super.event(event);
  }

  override errnoOf(ioType: IoType, offset: number, lengthBytes: number): number | null {
    const errno = this.resting ? null : super.errnoOf(ioType, offset, lengthBytes);
    if (errno !== null) this.failed++;
    return errno;
  }
}

/** An error at the nth time of an event, once or from then on. */
export function rulesAt(event: DebugEvent, nth: number, once: boolean): HeardRules {
  const injected: InjectRule[] = [{ event, ioType: null, errno: 5, sector: null, once, state: nth }];
  const transitions: StateRule[] = [];
  for (let state = 1; state < nth; state++) transitions.push({ event, state, newState: state + 1 });
  return new HeardRules(injected, transitions);
}

type Outcome = "done" | "failed";

export class ErrorWorkload {
  readonly contents = new MemoryContents();
  readonly rules: HeardRules;
  private readonly shape: Shape;
  private readonly random: Random;
  private readonly image: OpenImage;
  /** What each sector shows. */
  private live: number[];
  /** What each sector has in the file since the last flush that did, and what it may have where it was written since. */
  private durable: readonly number[];
  private readonly since = new Map<number, Set<number>>();
  private sizes: Set<number>;
  /** What each snapshot shows; those in `unsure` may be there or not. */
  private readonly snapshots = new Map<string, readonly number[]>();
  private readonly unsure = new Set<string>();
  private pattern = 0;
  private named = 0;
  /** Neither reads nor writes are answered any more. */
  private dead = false;
  wrong: string | null = null;
  /** What a check of the file that was left counts; null before judge. */
  counted: { readonly corruptions: number; readonly leaks: number; readonly checkErrors: number } | null = null;
  readonly told: string[] = [];

  constructor(shape: Shape, rules: HeardRules, seed: number) {
    this.shape = shape;
    this.rules = rules;
    this.random = new Random(seed);
    const made = writeNewImage(new MemoryStore("made", this.contents), shape.options);
    if (!made.ok) throw new Error(JSON.stringify(made.error));
    const sectors = shape.options.sizeBytes / SECTOR;
    this.live = Array.from({ length: sectors }, (_, sector) => (shape.backing === true && sector * SECTOR < BACKING_BYTES ? BACKING_BYTE : 0));
    this.durable = [...this.live];
    this.sizes = new Set([sectors]);
    rules.resting = true;
    const store = new DebugStore(new MemoryStore("image", this.contents), rules);
    this.image = new OpenImage(1, this.filesOver(store), true, () => 0);
    if (shape.filled === true) {
      this.image.device.write(0, patternPayload(1, shape.options.sizeBytes));
      this.image.device.flush();
      this.durable = this.live.fill(1).slice();
    }
    rules.resting = false;
  }

  private filesOver(store: OpenedFiles["store"]): OpenedFiles {
    const files = { ...STANDALONE, file: "image", store, format: "qcow2" as const };
    if (this.shape.backing !== true) return files;
    const below = new MemoryStore("backing", MemoryContents.of(new Uint8Array(BACKING_BYTES).fill(BACKING_BYTE)));
    return { ...files, backing: { ...STANDALONE, file: "backing", store: below, format: "raw" } };
  }

  run(count: number): void {
    for (let index = 0; index < count && this.wrong === null && !this.dead; index++) this.step();
  }

  private step(): void {
    const dice = this.random.below(100);
    if (dice < 45) this.write();
    else if (dice < 52) this.zero();
    else if (dice < 60) this.discard();
    else if (dice < 65) this.compress();
    else if (dice < 72) this.readSome();
    else if (dice < 80) this.flush();
    else if (dice < 85) this.createSnapshot();
    else if (dice < 88) this.applySnapshot();
    else if (dice < 92) this.deleteSnapshot();
    else if (dice < 96) this.resize();
    else this.saveState();
  }

  /** Does a command. A failure of the store is one of ours; anything else is wrong. */
  private attempt(name: string, act: () => { readonly ok: boolean; readonly error?: unknown }): Outcome | "refused" {
    const outcome = this.image.guard(() => {
      if (this.image.device.disk.readOnly) return { ok: false, error: { kind: "usage", code: "read-only", detail: "" } };
      const answer = act();
      return answer.ok ? { ok: true, value: null } : { ok: false, error: answer.error as never };
    });
    this.image.unflushed = true;
    const word = outcome.ok ? "done" : outcome.error.kind === "store" ? "failed" : outcome.error.kind === "snapshot" || outcome.error.kind === "usage" || outcome.error.kind === "resize" ? "refused" : null;
    this.told.push(`${name}: ${outcome.ok ? "done" : JSON.stringify(outcome.error)}`);
    if (word === null) this.wrong ??= `${name}: ${JSON.stringify(outcome.ok ? null : outcome.error)}`;
    return word ?? "failed";
  }

  private range(): { first: number; count: number } {
    const first = this.random.below(this.live.length);
    const count = 1 + this.random.below(this.random.chance(0.3) ? 64 : 6);
    return { first, count: Math.min(count, this.live.length - first) };
  }

  private nextPattern(): number {
    return (this.pattern = 1 + ((this.pattern + 1) % 180));
  }

  private write(): void {
    const { first, count } = this.range();
    const byte = this.nextPattern();
    const payload = patternPayload(byte, count * SECTOR);
    this.changed(this.attempt(`write ${first}+${count}`, () => this.image.device.write(first * SECTOR, payload)), first, count, byte);
  }

  private zero(): void {
    const { first, count } = this.range();
    const unmap = this.random.chance(0.5);
    this.changed(this.attempt(`zero ${first}+${count}`, () => this.image.device.writeZeroes(first * SECTOR, count * SECTOR, unmap)), first, count, 0);
  }

  private discard(): void {
    const { first, count } = this.range();
    const outcome = this.attempt(`discard ${first}+${count}`, () => this.image.device.discard(first * SECTOR, count * SECTOR));
    // Version 2 has no other way to hide the backing file than not to discard.
    if (this.shape.options.version === 2 && this.shape.backing === true) return this.look(() => undefined);
    const unit = this.image.device.disk.clusterSize / SECTOR;
    const end = first + count === this.live.length ? this.live.length : Math.floor((first + count) / unit) * unit;
    const start = Math.ceil(first / unit) * unit;
    this.changed(outcome, start, Math.max(0, end - start), 0);
  }

  private compress(): void {
    const unit = this.image.device.disk.clusterSize / SECTOR;
    const first = Math.floor(this.range().first / unit) * unit;
    const count = Math.min(unit, this.live.length - first);
    const byte = this.nextPattern();
    const outcome = this.attempt(`compress ${first}+${count}`, () => writeCompressed(this.image.device, first * SECTOR, patternPayload(byte, count * SECTOR)));
    if (outcome !== "refused") this.changed(outcome, first, count, byte);
  }

  private readSome(): void {
    const { first, count } = this.range();
    const bytes = new Uint8Array(count * SECTOR);
    const outcome = this.attempt(`read ${first}+${count}`, () => this.image.device.read(first * SECTOR, bytes));
    if (outcome === "done") this.compare(bytes, first, (sector, byte) => byte === this.live[sector]);
  }

  private flush(): void {
    if (this.attempt("flush", () => this.image.flush()) === "done") this.settled();
  }

  private settled(): void {
    this.durable = [...this.live];
    this.since.clear();
    this.sizes = new Set([this.live.length]);
  }

  /** What a sector may have in the file. */
  private possible(sector: number): Set<number> {
    const durable = this.durable[sector];
    return this.since.get(sector) ?? new Set(durable === undefined ? [] : [durable]);
  }

  private mayHave(sector: number, byte: number): void {
    this.since.set(sector, this.possible(sector).add(byte));
  }

  private createSnapshot(): void {
    if (this.snapshots.size >= 4) return;
    const name = `s${++this.named}`;
    const shown = [...this.live];
    const outcome = this.attempt(`snapshot -c ${name}`, () => createSnapshotOf(this.image, name, 0));
    if (outcome === "refused") return;
    this.snapshots.set(name, shown);
    if (outcome === "failed") this.unsure.add(name);
    this.whole(outcome, this.live);
  }

  private applySnapshot(): void {
    const name = this.anySnapshot();
    if (name === null) return;
    this.whole(this.attempt(`snapshot -a ${name}`, () => applySnapshotOf(this.image, name)), this.snapshots.get(name)!);
  }

  private deleteSnapshot(): void {
    const name = this.anySnapshot();
    if (name === null) return;
    const outcome = this.attempt(`snapshot -d ${name}`, () => deleteSnapshotOf(this.image, name));
    if (outcome === "done") this.snapshots.delete(name);
    if (outcome === "failed") this.unsure.add(name);
    this.whole(outcome, this.live);
  }

  private anySnapshot(): string | null {
    const sure = [...this.snapshots.keys()].filter((name) => !this.unsure.has(name));
    return sure.length === 0 ? null : this.random.pick(sure);
  }

  private resize(): void {
    const sectors = Math.max(16, this.live.length + this.random.below(300) - 140);
    const after = Array.from({ length: sectors }, (_, sector) => this.live[sector] ?? 0);
    this.whole(this.attempt(`resize ${sectors}`, () => resizeOpened(this.image, sectors * SECTOR, false)), after);
  }

  /** The state of a machine is not of the disk: it takes clusters and makes the L1 table grow. */
  private saveState(): void {
    const at = this.random.below(64) * KIB;
    this.attempt(`save ${at}`, () => writeVmState(this.image.device, at, patternPayload(this.nextPattern(), 3 * KIB)));
    this.look(() => undefined);
  }

  /** After a command that was to make the sectors [first, first + count) that byte. */
  private changed(outcome: Outcome | "refused", first: number, count: number, byte: number): void {
    if (outcome === "refused") return;
    for (let sector = first; sector < first + count; sector++) this.mayHave(sector, byte);
    if (outcome === "done") {
      this.live.fill(byte, first, first + count);
      return;
    }
    this.look((sector, found) => {
      if (sector < first || sector >= first + count || found !== byte) return;
      this.live[sector] = byte;
    });
  }

  /** After a change of the image as a whole, which flushed before. */
  private whole(outcome: Outcome | "refused", after: readonly number[]): void {
    if (outcome === "refused") return;
    if (outcome === "done") {
      this.live = [...after];
      return this.settled();
    }
    this.sizes.add(after.length);
    after.forEach((byte, sector) => {
      if (byte !== this.durable[sector]) this.mayHave(sector, byte);
    });
    const size = this.image.device.disk.virtualSize / SECTOR;
    if (size !== this.live.length && size === after.length) this.live = [...after];
    this.look((sector, found) => {
      if (found === after[sector]) this.live[sector] = found;
    });
  }

  /** Looks at the whole disk, with the rules at rest. @param meet told of each sector first, and may make it live */
  private look(meet: (sector: number, found: number) => void): void {
    const { virtualSize } = this.image.device.disk;
    if (virtualSize / SECTOR !== this.live.length) {
      this.wrong ??= `the disk has ${virtualSize / SECTOR} sectors, should have ${this.live.length}`;
      return;
    }
    const bytes = new Uint8Array(virtualSize);
    this.rules.resting = true;
    const outcome = this.image.guard(() => this.image.device.read(0, bytes));
    this.rules.resting = false;
    this.dead = !outcome.ok;
    if (!outcome.ok) return;
    this.compare(bytes, 0, (sector, byte) => {
      meet(sector, byte);
      return byte === this.live[sector];
    });
  }

  private compare(bytes: Uint8Array, first: number, fits: (sector: number, byte: number) => boolean): void {
    for (let at = 0; at < bytes.length; at += SECTOR) {
      const byte = bytes[at]!;
      const sector = first + at / SECTOR;
      const torn = !isUniform(bytes, at, at + SECTOR);
      if (!torn && fits(sector, byte)) continue;
      this.wrong ??= torn ? `sector ${sector} is torn` : `sector ${sector} holds ${byte}, should hold ${this.live[sector]}`;
      return;
    }
  }

  /** Lets go of the image, with or without the rules. @returns whether that made everything durable */
  end(withRules: boolean): boolean {
    if (!this.dead && this.wrong === null) this.look(() => undefined);
    this.rules.resting = !withRules;
    const outcome = this.image.guard(() => this.image.close());
    this.rules.resting = true;
    if (outcome.ok && !this.dead) this.settled();
    return outcome.ok;
  }

  /** What is wrong with the file that is left, or null; then it is written over, and must be sound again. */
  judge(): string | null {
    const store = new MemoryStore("image", this.contents);
    const report = runToEnd(new OpenImage(1, this.filesOver(store), false, () => 0).check());
    if (!report.ok) return JSON.stringify(report.error);
    const { corruptions, leaks, checkErrors } = report.value;
    this.counted = { corruptions, leaks, checkErrors };
    const image = new OpenImage(1, this.filesOver(store), true, () => 0);
    if (image.device.disk.readOnly) {
      if (this.shape.options.lazyRefcounts !== true) return `reopened read-only: ${image.device.disk.readOnlyReason}`;
      runToEnd(image.repair("all"));
    }
    return soundness(image) ?? this.judgeDisk(image) ?? this.judgeSnapshots(store) ?? this.goOn(image, store);
  }

  private judgeDisk(image: OpenImage): string | null {
    const bytes = new Uint8Array(image.device.disk.virtualSize);
    if (!this.sizes.has(bytes.length / SECTOR)) return `the disk has ${bytes.length / SECTOR} sectors, may have ${[...this.sizes].join(", ")}`;
    image.device.read(0, bytes);
    for (let sector = 0; sector < bytes.length / SECTOR; sector++) {
      const first = bytes[sector * SECTOR]!;
      if (!isUniform(bytes, sector * SECTOR, (sector + 1) * SECTOR) || !this.possible(sector).has(first)) return `sector ${sector} of the file holds ${first}, may hold ${[...this.possible(sector)].join(", ")}`;
    }
    return null;
  }

  private judgeSnapshots(store: MemoryStore): string | null {
    const found = readSnapshotTable(store, readHeader(store)).snapshots;
    for (const name of this.snapshots.keys()) if (!this.unsure.has(name) && !found.some((snapshot) => textOf(snapshot.name) === name)) return `snapshot ${name} is gone`;
    for (const snapshot of found) {
      const name = textOf(snapshot.name);
      const expected = this.snapshots.get(name);
      if (expected === undefined) return `snapshot ${name} was deleted`;
      const { device } = openDevice(store, "qcow2", false, () => 0, undefined, { ...this.filesOver(store), snapshot });
      const bytes = new Uint8Array(Math.min(device.disk.virtualSize, expected.length * SECTOR));
      device.read(0, bytes);
      for (let at = 0; at < bytes.length; at += SECTOR) if (bytes[at] !== expected[at / SECTOR]) return `snapshot ${name}: sector ${at / SECTOR} holds ${bytes[at]}, should hold ${expected[at / SECTOR]}`;
    }
    return null;
  }

  private goOn(image: OpenImage, store: MemoryStore): string | null {
    const { virtualSize } = image.device.disk;
    image.device.write(0, patternPayload(0xee, virtualSize));
    image.unflushed = true;
    image.flush();
    const bytes = new Uint8Array(virtualSize);
    image.device.read(0, bytes);
    if (bytes[0] !== 0xee || !isUniform(bytes, 0, bytes.length)) return "a disk that was written over shows something else";
    return soundness(image) ?? this.judgeSnapshots(store);
  }
}

/** Whether the bytes [from, end) are all alike. Whole disks are looked at behind every command: a call for each byte was half of the time. */
function isUniform(bytes: Uint8Array, from: number, end: number): boolean {
  const first = bytes[from];
  for (let at = from + 1; at < end; at++) if (bytes[at] !== first) return false;
  return true;
}

export function runToEnd<Value>(work: Generator<unknown, Value>): Value {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

/** Clusters that nothing has, and COPIED flags that disagree with counts that nobody needs, or not any more (qcow2/snapshot-changes.ts). */
const HARMLESS = ["leak", "copied-flag"];

function soundness(image: OpenImage): string | null {
  try {
    const report = runToEnd(image.check());
    if (!report.ok) return JSON.stringify(report.error);
    const wrong = report.value.findings.filter(({ finding }) => !HARMLESS.includes(finding));
    return wrong.length === 0 ? null : `check: ${JSON.stringify(wrong)}`;
  } catch (error) {
    if (error instanceof Fault) return JSON.stringify(error.problem);
    throw error;
  }
}
