/**
 * A small log-structured store, as a host would keep one on zones: every write of a key goes to the end of the log, so that the older one
 * is dead; a cleaner copies what is still live out of a zone and resets it. Where keys lie is kept in memory alone, as is usual to begin
 * with and enough to see what cleaning costs; the store is made anew by each job.
 *
 * Writes of the job and copies of the cleaner go to different zones where the disk allows two to be active: what was copied is colder.
 *
 * Source of the two policies: Rosenblum and Ousterhout, "The Design and Implementation of a Log-Structured File System", 1992, section 3.5.
 */
import { AssertionFailure } from "../base/assert.ts";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { Condition } from "../base/conditions.ts";
import { Random } from "../base/random.ts";
import { isConventional, isOpen } from "./host.ts";
import type { HostView, Region } from "./host.ts";
import type { JobEnd, JobProblem, JobSpec } from "./job.ts";
import type { Budget, Request, RequestResult, RequestSource, Steps } from "./requests.ts";
import { stampOf } from "./stamp.ts";

/** More keys than this are refused: a mapping of them would not stay small in memory. */
const MOST_KEYS = 2 ** 23;
/** Cleanings over which the recent write amplification is told. */
const RECENT_CLEANINGS = 32;
const NOTHING = -1;

export interface StoreReport {
  readonly keys: number;
  readonly zones: number;
  readonly freeZones: number;
  /** Live blocks as a share of the blocks of all its zones. */
  readonly utilisation: number;
  readonly phase: "filling" | "overwriting" | "verifying";
  /** Blocks that the job wrote since the store was full, and blocks that the cleaner copied. */
  readonly written: number;
  readonly copied: number;
  readonly cleanings: number;
  /** Blocks written for each block of the job since the store was full: 1 without any cleaning. */
  readonly writeAmplification: number;
  /** The same over the last cleanings. */
  readonly recentAmplification: number;
  /** What was live of the zones that were cleaned, as a share of them, on average. */
  readonly victimUtilisation: number;
}

/** A zone that takes the log's next blocks. */
interface Head {
  /** Index in the store's zones; NOTHING for none. */
  slot: number;
  /** Blocks written to it. */
  used: number;
}

export class LogStore {
  readonly keys: number;
  private readonly job: JobSpec;
  private readonly host: HostView;
  private readonly budget: Budget;
  private readonly random: Random;
  /** Zone numbers, by slot. */
  private readonly zones: readonly number[];
  private readonly blocksPerZone: number;
  /** By block of the log: the key that is live there. */
  private readonly keyAt: Int32Array;
  /** By key: the block that has it, and how often it was written. */
  private readonly placeOf: Int32Array;
  private readonly versionOf: Uint32Array;
  /** By slot: live blocks, and the store's clock when one of its blocks was last written. */
  private readonly live: Int32Array;
  private readonly writtenAt: Float64Array;
  private readonly free: number[] = [];
  private readonly isFree: Uint8Array;
  private readonly head: Head = { slot: NOTHING, used: 0 };
  private readonly coldHead: Head = { slot: NOTHING, used: 0 };
  private separate = true;
  private clock = 0;
  /** Keys that have been written. */
  private placed = 0;
  private phase: StoreReport["phase"] = "filling";
  private written = 0;
  private copied = 0;
  private cleanings = 0;
  private victimLive = 0;
  private recent: { written: number; copied: number }[] = [];

  private constructor(job: JobSpec, host: HostView, budget: Budget, zones: readonly number[]) {
    this.job = job;
    this.host = host;
    this.budget = budget;
    this.zones = zones;
    this.random = new Random(job.randseed);
    this.blocksPerZone = Math.floor(host.zoneCapacity / job.blockBytes);
    const blocks = zones.length * this.blocksPerZone;
    this.keys = Math.floor(job.store.fill * blocks);
    this.keyAt = new Int32Array(blocks).fill(NOTHING);
    this.placeOf = new Int32Array(this.keys).fill(NOTHING);
    this.versionOf = new Uint32Array(this.keys);
    this.live = new Int32Array(zones.length);
    this.writtenAt = new Float64Array(zones.length);
    this.isFree = new Uint8Array(zones.length);
  }

  /** Refused where the disk cannot hold so much, or where nothing would be left for the cleaner. */
  static over(job: JobSpec, host: HostView, region: Region, budget: Budget): Result<LogStore, JobProblem> {
    const zones: number[] = [];
    for (let index = region.first; index < region.end; index++) {
      const zone = host.zone(index);
      // A short last zone is left alone, and what cannot be reset.
      if (!isConventional(zone) && zone.capacity === host.zoneCapacity && zone.condition !== Condition.READ_ONLY && zone.condition !== Condition.OFFLINE) zones.push(index);
    }
    const { fill, reserveZones } = job.store;
    const perZone = Math.floor(host.zoneCapacity / job.blockBytes);
    const usable = zones.length - reserveZones - 2;
    if (usable < 1) return err({ word: "zones", found: String(zones.length), allowed: `at least ${reserveZones + 3} sequential zones: ${reserveZones} in reserve, two that are written, and one with data` });
    if (fill * zones.length * perZone > MOST_KEYS) return err({ word: "bs", found: String(job.blockBytes), allowed: `such that at most ${MOST_KEYS} keys fit, by larger blocks or fewer zones` });
    const most = (usable * perZone - 1) / (zones.length * perZone);
    if (fill > most) return err({ word: "fill", found: String(fill), allowed: `at most ${(Math.floor(most * 1000) / 1000).toFixed(3)} on ${zones.length} zones with ${reserveZones} in reserve` });
    const store = new LogStore(job, host, budget, zones);
    if (store.keys < 1) return err({ word: "fill", found: String(fill), allowed: "enough for a key" });
    return ok(store);
  }

  report(): StoreReport {
    const of = (written: number, copied: number): number => (written === 0 ? 1 : (written + copied) / written);
    const since = this.recent[0] ?? { written: 0, copied: 0 };
    return {
      keys: this.keys,
      zones: this.zones.length,
      freeZones: this.free.length,
      utilisation: this.placed / (this.zones.length * this.blocksPerZone),
      phase: this.phase,
      written: this.written,
      copied: this.copied,
      cleanings: this.cleanings,
      writeAmplification: of(this.written, this.copied),
      recentAmplification: of(this.written - since.written, this.copied - since.copied),
      victimUtilisation: this.cleanings === 0 ? 0 : this.victimLive / (this.cleanings * this.blocksPerZone),
    };
  }

  *requests(): RequestSource {
    yield* this.makeRoom();
    for (let key = 0; key < this.keys && this.budget.left > 0; ) {
      const many = this.budget.take(Math.min(this.job.iodepth, this.keys - key));
      yield* this.put(Array.from({ length: many }, (_, index) => key + index));
      key += many;
    }
    this.phase = "overwriting";
    this.written = this.copied = this.cleanings = this.victimLive = 0;
    this.recent = [];
    while (this.budget.left > 0) yield* this.put(Array.from({ length: this.budget.take(this.job.iodepth) }, () => this.anyKey()));
    if (this.job.verify && this.job.doVerify) yield* this.readAll();
    return "done";
  }

  /** Empties the zones, as a file system's mkfs does, and finds out how many may be written at a time. */
  private *makeRoom(): Steps<void> {
    for (const index of this.zones) {
      const zone = this.host.zone(index);
      if (zone.condition !== Condition.EMPTY) yield* this.must([{ op: "reset", offset: zone.start, length: zone.length }]);
    }
    for (let slot = 0; slot < this.zones.length; slot++) this.setFree(slot);
    const { maxOpen, maxActive } = this.host;
    const slots = (): number => {
      const { open, active } = this.host.resources();
      return Math.min(maxOpen === 0 ? 2 : maxOpen - open, maxActive === 0 ? 2 : maxActive - active, this.job.maxOpenZones ?? 2);
    };
    // What the disk opened by itself for somebody else can be closed without harm.
    for (let index = 0; slots() < 2 && index < this.host.zoneCount && this.host.resources().implicitOpen > 0; index++) {
      if (this.host.condition(index) === Condition.IMPLICIT_OPEN) yield* this.must([{ op: "close", offset: this.host.zone(index).start, length: this.host.zone(index).length }]);
    }
    if (slots() < 1) return yield* over("no-slot");
    this.separate = slots() >= 2;
  }

  /** Writes new versions of keys to the log's end. */
  private *put(keys: readonly number[]): Steps<void> {
    for (let done = 0; done < keys.length; ) {
      yield* this.prepare(this.head);
      const many = Math.min(keys.length - done, this.blocksPerZone - this.head.used);
      const batch = keys.slice(done, done + many).map((key) => {
        this.versionOf[key]!++;
        return { key, data: stampOf(key, this.versionOf[key]!, this.job.randseed, this.job.blockBytes) };
      });
      yield* this.write(this.head, batch, "job");
      this.written += many;
      done += many;
    }
  }

  /** Appends blocks to a head, which has room for them. */
  private *write(head: Head, blocks: readonly { readonly key: number; readonly data: Uint8Array }[], purpose: "job" | "clean"): Steps<void> {
    const { blockBytes } = this.job;
    const zone = this.host.zone(this.zones[head.slot]!);
    if (zone.writePointer !== zone.start + head.used * blockBytes) return yield* over("disturbed");
    yield* this.must(blocks.map(({ data }, index) => ({ op: "write", offset: zone.writePointer + index * blockBytes, length: blockBytes, content: { kind: "data", data }, purpose })));
    for (const { key } of blocks) {
      this.forget(key);
      const place = head.slot * this.blocksPerZone + head.used++;
      this.keyAt[place] = key;
      this.placeOf[key] = place;
      this.live[head.slot]!++;
      this.clock++;
    }
    this.writtenAt[head.slot] = this.clock;
    if (head.used === this.blocksPerZone) yield* this.fillUp(head);
  }

  private forget(key: number): void {
    const place = this.placeOf[key]!;
    if (place === NOTHING) {
      this.placed++;
      return;
    }
    this.keyAt[place] = NOTHING;
    this.live[Math.floor(place / this.blocksPerZone)]!--;
  }

  /** A head that is full gives its slot back; a tail too short for a block would keep it active. */
  private *fillUp(head: Head): Steps<void> {
    const zone = this.host.zone(this.zones[head.slot]!);
    if (isOpen(zone.condition)) yield* this.must([{ op: "finish", offset: zone.start, length: zone.length }]);
    head.slot = NOTHING;
    head.used = 0;
  }

  /** Gives a head a zone where it has none, after cleaning until there is more than the reserve. */
  private *prepare(head: Head): Steps<void> {
    if (head.slot !== NOTHING) return;
    while (this.free.length <= this.job.store.reserveZones) {
      yield* this.clean();
      // The cleaner may have left a zone half written that is this head's too.
      if (head.slot !== NOTHING) return;
    }
    yield* this.open(head);
  }

  private *open(head: Head): Steps<void> {
    const slot = this.free.shift();
    if (slot === undefined) return yield* over("full");
    this.isFree[slot] = 0;
    head.slot = slot;
    head.used = 0;
  }

  /** Copies what is live out of the zone that the policy names, and resets it. */
  private *clean(): Steps<void> {
    const victim = this.victim();
    if (victim === NOTHING) return yield* over("full");
    this.victimLive += this.live[victim]!;
    const first = victim * this.blocksPerZone;
    const places: number[] = [];
    for (let place = first; place < first + this.blocksPerZone; place++) if (this.keyAt[place] !== NOTHING) places.push(place);
    const cold = this.separate ? this.coldHead : this.head;
    for (let done = 0; done < places.length; ) {
      if (cold.slot === NOTHING) yield* this.open(cold);
      const some = places.slice(done, done + Math.min(this.job.iodepth, this.blocksPerZone - cold.used));
      yield* this.copy(cold, some);
      done += some.length;
    }
    const zone = this.host.zone(this.zones[victim]!);
    // The copies are on the disk before what they were copied from is gone: a power failure between the two would lose both.
    yield* this.must([{ op: "flush" }]);
    yield* this.must([{ op: "reset", offset: zone.start, length: zone.length }]);
    this.setFree(victim);
    this.cleanings++;
    this.recent = [...this.recent, { written: this.written, copied: this.copied }].slice(-RECENT_CLEANINGS);
  }

  private setFree(slot: number): void {
    this.free.push(slot);
    this.isFree[slot] = 1;
  }

  private *copy(head: Head, places: readonly number[]): Steps<void> {
    const { blockBytes } = this.job;
    const keys = places.map((place) => this.keyAt[place]!);
    const read = yield* this.must(places.map((place, index) => ({ op: "read", offset: this.offsetOf(place), length: blockBytes, expected: { kind: "stamp", key: keys[index]!, version: this.versionOf[keys[index]!]! }, wantData: true, purpose: "clean" })));
    // What is written is what was read, right or wrong: a copy repairs nothing.
    yield* this.write(head, keys.map((key, index) => ({ key, data: read[index]!.data! })), "clean");
    this.copied += places.length;
  }

  private offsetOf(place: number): number {
    const slot = Math.floor(place / this.blocksPerZone);
    return this.host.zone(this.zones[slot]!).start + (place % this.blocksPerZone) * this.job.blockBytes;
  }

  /** The slot to be cleaned: of those that are full and have something dead; NOTHING without one. */
  private victim(): number {
    let best = NOTHING;
    let bestValue = -Infinity;
    for (let slot = 0; slot < this.zones.length; slot++) {
      if (slot === this.head.slot || slot === this.coldHead.slot || this.isFree[slot] === 1 || this.live[slot] === this.blocksPerZone) continue;
      const used = this.live[slot]! / this.blocksPerZone;
      // Reading a zone and writing what is live of it costs 1 + u, for 1 - u of free space that stays free the longer the older the data is.
      const value = this.job.store.policy === "greedy" ? -used : ((1 - used) * (this.clock - this.writtenAt[slot]!)) / (1 + used);
      if (value > bestValue) [best, bestValue] = [slot, value];
    }
    return best;
  }

  private anyKey(): number {
    const { skew } = this.job.store;
    const hot = Math.max(1, Math.min(this.keys - 1, Math.round((1 - skew) * this.keys)));
    if (skew === 0.5 || this.keys === 1) return this.random.below(this.keys);
    return this.random.chance(skew) ? this.random.below(hot) : hot + this.random.below(this.keys - hot);
  }

  /** Reads every key back. */
  private *readAll(): Steps<void> {
    this.phase = "verifying";
    for (let key = 0; key < this.keys; ) {
      const batch: Request[] = [];
      for (; key < this.keys && batch.length < this.job.iodepth; key++) {
        const place = this.placeOf[key]!;
        if (place !== NOTHING) batch.push({ op: "read", offset: this.offsetOf(place), length: this.job.blockBytes, expected: { kind: "stamp", key, version: this.versionOf[key]! }, wantData: false, purpose: "verify" });
      }
      if (batch.length > 0) yield* this.must(batch);
    }
  }

  /** Requests that the store cannot do without. */
  private *must(batch: readonly Request[]): Steps<readonly Extract<RequestResult, { ok: true }>[]> {
    const results = yield batch;
    if (!results.every((result) => result.ok)) return yield* over("refused");
    return results;
  }
}

/** Ends the job; whoever asks for requests does not come back. */
function* over(end: JobEnd): Steps<never> {
  yield { end };
  throw new AssertionFailure("a source of requests was asked for more after its end");
}
