/**
 * Writes and appends as fio's zonemode=zbd makes them: always at a write pointer, in no more zones at a time than the disk and the
 * job allow, a full zone reset before it is written again.
 *
 * write goes zone after zone. append goes round the zones that are open, so that their pointers rise together. randwrite takes zones
 * by chance. None ever asks the disk to close a zone by itself to make room: not every disk would.
 */
import { Condition } from "../base/conditions.ts";
import { Random } from "../base/random.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { isActive, isConventional, isOpen, takes, takesAfterReset } from "./host.ts";
import type { HostView, HostZone, Region } from "./host.ts";
import { DEFAULT_OPEN_ZONES } from "./job.ts";
import type { JobEnd, JobSpec } from "./job.ts";
import type { Budget, Content, Request, RequestResult, RequestSource, Steps } from "./requests.ts";

/** Draws by chance before the zones are gone through in order. */
const TRIES = 32;

/** So many batches of refused requests, and a zone is given up. */
const MOST_REFUSED = 4;

/** A zone that is being written. */
interface Target {
  readonly zone: number;
  readonly conventional: boolean;
  /** Where the next block of a conventional zone goes; a sequential zone's pointer says it. */
  at: number;
  /** Requests refused since one was carried out. */
  refused: number;
}

export interface Written {
  /** What the job wrote of a zone and nothing has reset since, [from, to). */
  readonly spans: Map<number, { readonly from: number; readonly to: number }>;
}

export class WriteSource {
  private readonly job: JobSpec;
  private readonly host: HostView;
  private readonly region: Region;
  private readonly budget: Budget;
  /** Whether the region is begun anew at its end. */
  private readonly wraps: boolean;
  private readonly random: Random;
  private readonly limit: number;
  private readonly targets: Target[] = [];
  private cursor: number;
  private turn = 0;
  private writesSinceReset = 0;
  private dataBytes = 0;
  /** No further zone can be taken until one of those that are written is done with. */
  private blocked = false;
  readonly spans: Written["spans"] = new Map();

  constructor(job: JobSpec, host: HostView, region: Region, budget: Budget, wraps: boolean) {
    this.job = job;
    this.host = host;
    this.region = region;
    this.budget = budget;
    this.wraps = wraps;
    this.random = new Random(job.randseed);
    const unlimited = (limit: number): number => (limit === 0 ? Infinity : limit);
    this.limit = this.job.rw === "write" ? 1 : Math.min(job.maxOpenZones ?? DEFAULT_OPEN_ZONES, unlimited(host.maxOpen), unlimited(host.maxActive));
    this.cursor = region.first;
    if (job.zoneResetFrequency > 0) for (let index = region.first; index < region.end; index++) this.dataBytes += dataIn(host.zone(index));
  }

  *requests(): RequestSource {
    for (let idle = 0; this.budget.left > 0; ) {
      const chosen = this.job.rw === "randwrite" ? yield* this.byChance() : yield* this.inOrder();
      if (typeof chosen === "string") return chosen;
      yield* this.resetNowAndThen(chosen);
      const made = yield* this.write(this.job.rw === "write" ? [chosen] : this.targets, chosen);
      idle = made > 0 ? 0 : idle + 1;
      // Somebody else took what every zone needs.
      if (idle > TRIES) return "no-slot";
    }
    return "done";
  }

  /** A batch: one zone's next blocks in order, or one block after the other of the open zones. */
  private *write(targets: readonly Target[], first: Target): Steps<number> {
    const { blockBytes } = this.job;
    const batch: Request[] = [];
    const touched: Target[] = [];
    const ahead = new Map<Target, number>();
    const wanted = this.budget.take(this.job.iodepth);
    const room = (target: Target): boolean => {
      const zone = this.host.zone(target.zone);
      const at = (target.conventional ? target.at : zone.writePointer) + (ahead.get(target) ?? 0);
      const end = target.conventional ? Math.min(zone.start + zone.length, this.region.stop) : zone.start + zone.capacity;
      return at + blockBytes <= end && (target.conventional || this.mayWrite(zone, 0));
    };
    while (batch.length < wanted) {
      const target = batch.length === 0 ? (room(first) ? first : null) : this.nextOf(targets, room);
      if (target === null) break;
      const zone = this.host.zone(target.zone);
      const at = (target.conventional ? target.at : zone.writePointer) + (ahead.get(target) ?? 0);
      ahead.set(target, (ahead.get(target) ?? 0) + blockBytes);
      touched.push(target);
      if (this.job.rw === "append") batch.push({ op: "append", offset: zone.start, length: blockBytes, byte: this.job.bufferPattern, purpose: "job" });
      else batch.push({ op: "write", offset: this.job.rw === "randwrite" && target.conventional ? this.anyBlock(zone) : at, length: blockBytes, content: this.content(), purpose: "job" });
      // A zone that is not open yet is opened by its first write; what that leaves is known when it is done.
      if (!target.conventional && !isOpen(zone.condition)) break;
    }
    this.budget.left += wanted - batch.length;
    if (batch.length > 0) (yield batch).forEach((result, index) => this.heard(touched[index]!, result));
    yield* this.settle();
    return batch.length;
  }

  private heard(target: Target, result: RequestResult): void {
    const { blockBytes } = this.job;
    if (target.conventional) target.at += blockBytes;
    target.refused = result.ok ? 0 : target.refused + 1;
    if (!result.ok) return;
    this.writesSinceReset++;
    if (!target.conventional) this.dataBytes += blockBytes;
    if (!this.job.verify) return;
    const span = this.spans.get(target.zone);
    this.spans.set(target.zone, { from: Math.min(span?.from ?? result.offset, result.offset), to: Math.max(span?.to ?? 0, result.offset + blockBytes) });
  }

  /** Lets go of zones that take no block any more; one with a tail too short for a block is finished, or it would stay active. */
  private *settle(): Steps<void> {
    for (const target of [...this.targets]) {
      const zone = this.host.zone(target.zone);
      const full = target.conventional ? target.at + this.job.blockBytes > Math.min(zone.start + zone.length, this.region.stop) : !takes(zone, this.job.blockBytes);
      if (!full && target.refused < MOST_REFUSED * this.job.iodepth) continue;
      this.targets.splice(this.targets.indexOf(target), 1);
      this.blocked = false;
      if (full && !target.conventional && isOpen(zone.condition)) yield [{ op: "finish", offset: zone.start, length: zone.length }];
    }
  }

  /** The next zone in order, a new one while fewer are open than may be; a reason where there is none. */
  private *inOrder(): Steps<Target | JobEnd> {
    if (this.targets.length < this.limit && !this.blocked) {
      const added = yield* this.addInOrder();
      if (typeof added !== "string") return added;
      if (this.targets.length === 0) return added;
      this.blocked = true;
    }
    this.turn = (this.turn + 1) % this.targets.length;
    return this.targets[this.turn]!;
  }

  private *addInOrder(): Steps<Target | JobEnd> {
    const { first, end } = this.region;
    for (let seen = 0; seen < end - first; seen++) {
      if (this.cursor === end) {
        if (!this.wraps) return "done";
        this.cursor = first;
      }
      const added = yield* this.add(this.cursor);
      if (added === "no-slot") return this.targets.length > 0 ? added : yield* this.addActive();
      this.cursor++;
      if (typeof added !== "string") return added;
    }
    return this.cursor === end && !this.wraps ? "done" : "full";
  }

  /** Takes a zone that is active already, where no other can be. */
  private *addActive(): Steps<Target | "no-slot"> {
    for (let index = this.region.first; index < this.region.end; index++) {
      if (!isActive(this.host.condition(index)) || !takes(this.host.zone(index), this.job.blockBytes)) continue;
      const added = yield* this.add(index);
      if (typeof added !== "string") return added;
    }
    return "no-slot";
  }

  private *byChance(): Steps<Target | JobEnd> {
    const { first, end } = this.region;
    const drawn = first + this.random.below(end - first);
    const known = this.targets.find(({ zone }) => zone === drawn);
    if (known !== undefined) return known;
    const zone = this.host.zone(drawn);
    if (isConventional(zone) && this.blocksOf(zone) > 0) return { zone: drawn, conventional: true, at: zone.start, refused: 0 };
    if (this.targets.length < this.limit && !this.blocked) {
      let added: Target | "full" | "no-slot" = "full";
      for (let tries = 0; added === "full" && tries < TRIES; tries++) added = yield* this.add(tries === 0 ? drawn : first + this.random.below(end - first));
      for (let index = first; added === "full" && this.targets.length === 0 && index < end; index++) added = yield* this.add(index);
      if (added === "no-slot" && this.targets.length === 0) added = yield* this.addActive();
      if (typeof added !== "string") return added;
      this.blocked = true;
      if (this.targets.length === 0) return added;
    }
    return this.random.pick(this.targets);
  }

  /** Takes a zone among those that are written, after resetting it where it is full; the reason where it cannot be. */
  private *add(index: number): Steps<Target | "full" | "no-slot"> {
    const { blockBytes } = this.job;
    if (this.targets.some(({ zone }) => zone === index)) return "full";
    let zone = this.host.zone(index);
    if (isConventional(zone)) {
      if (this.job.rw !== "write" || this.blocksOf(zone) === 0) return "full";
      return this.added({ zone: index, conventional: true, at: Math.max(zone.start, this.region.start), refused: 0 });
    }
    if (!takes(zone, blockBytes)) {
      if (this.job.whenFull === "stop" || !takesAfterReset(zone, blockBytes)) return "full";
      yield* this.reset(zone);
      zone = this.host.zone(index);
      if (!takes(zone, blockBytes)) return "full";
    }
    if (!this.mayWrite(zone, this.unopened()) && !(yield* this.makeRoom(zone))) return "no-slot";
    return this.added({ zone: index, conventional: false, at: 0, refused: 0 });
  }

  private added(target: Target): Target {
    this.targets.push(target);
    this.turn = this.targets.length - 1;
    return target;
  }

  /** Zones that are going to be opened by their first write. */
  private unopened(): number {
    return this.targets.filter(({ zone, conventional }) => !conventional && !isOpen(this.host.condition(zone))).length;
  }

  /** Whether a write to the zone finds the slots that it needs without another zone being closed. */
  private mayWrite(zone: HostZone, others: number): boolean {
    if (isOpen(zone.condition)) return true;
    const { maxOpen, maxActive } = this.host;
    const { open, active } = this.host.resources();
    const needsActive = !isActive(zone.condition);
    return (maxOpen === 0 || open + others < maxOpen) && (!needsActive || maxActive === 0 || active + others < maxActive);
  }

  /** Closes zones that the disk opened by itself for somebody else, which leaves them active. */
  private *makeRoom(wanted: HostZone): Steps<boolean> {
    const { host } = this;
    for (let index = 0; index < host.zoneCount && host.resources().implicitOpen > 0; index++) {
      if (host.condition(index) !== Condition.IMPLICIT_OPEN || this.targets.some(({ zone }) => zone === index)) continue;
      const zone = host.zone(index);
      yield [{ op: "close", offset: zone.start, length: zone.length }];
      if (this.mayWrite(wanted, this.unopened())) return true;
    }
    return false;
  }

  private *resetNowAndThen(target: Target): Steps<void> {
    const { zoneResetFrequency, zoneResetThreshold } = this.job;
    if (zoneResetFrequency === 0 || target.conventional || this.writesSinceReset < 1 / zoneResetFrequency) return;
    if (this.dataBytes < zoneResetThreshold * (this.region.stop - this.region.start)) return;
    this.writesSinceReset = 0;
    yield* this.reset(this.host.zone(target.zone));
  }

  private *reset(zone: HostZone): Steps<void> {
    this.dataBytes -= dataIn(zone);
    this.spans.delete(zone.zone);
    yield [{ op: "reset", offset: zone.start, length: zone.length }];
  }

  private nextOf(targets: readonly Target[], room: (target: Target) => boolean): Target | null {
    for (let step = 0; step < targets.length; step++) {
      this.turn = (this.turn + 1) % targets.length;
      const target = this.job.rw === "randwrite" ? this.random.pick(targets) : targets[this.turn]!;
      if (room(target)) return target;
    }
    return null;
  }

  /** Blocks of a conventional zone, or of a disk without zones, that lie in the region. */
  private blocksOf(zone: HostZone): number {
    return Math.floor((Math.min(zone.start + zone.length, this.region.stop) - Math.max(zone.start, this.region.start)) / this.job.blockBytes);
  }

  private anyBlock(zone: HostZone): number {
    return Math.max(zone.start, this.region.start) + this.random.below(this.blocksOf(zone)) * this.job.blockBytes;
  }

  private content(): Content {
    return this.job.verify ? { kind: "offsets" } : { kind: "byte", byte: this.job.bufferPattern };
  }
}

const dataIn = (zone: HostZone): number => (isConventional(zone) ? 0 : Math.max(0, Math.min(zone.writePointer, zone.start + zone.capacity) - zone.start));

/** Reads back what a job wrote, in order. */
export function* readBack(job: JobSpec, { spans }: Written): RequestSource {
  for (const { from, to } of spans.values()) {
    for (let at = from; at < to; ) {
      const batch: Request[] = [];
      for (; at < to && batch.length < job.iodepth; at += job.blockBytes) {
        const length = Math.min(job.blockBytes, to - at);
        if (length % SECTOR_SIZE === 0) batch.push({ op: "read", offset: at, length, expected: { kind: "offsets" }, wantData: false, purpose: "verify" });
      }
      yield batch;
    }
  }
  return "done";
}
