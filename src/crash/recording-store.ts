/**
 * A store in memory that records what is done to it, so that the crash lab, or a test, can cut the power at any moment and look at
 * every disk that the crash may leave behind.
 *
 * Which faults are legal:
 * - what was written or truncated before a flush that returned is on the disk, whole;
 * - what came after the last flush is there or not, write by write, in any combination and so in any order;
 * - a write may be there in part, by whole sectors of 512 bytes at multiples of 512, in any combination; a sector is never torn;
 * - of two writes to one sector, the disk has the sector as it was after one of them or as before both: the older never
 *   replaces the newer, and where only a part of the sector was written the rest is what it was at that time (a cache
 *   holds sectors, not bytes);
 * - the length follows the writes that are there; a truncate is there or not, as one.
 * Nothing else happens: no bit rots, and no flush lies.
 */
import type { Random } from "../base/random.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../bytes/memory-store.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { drawCut, pendingFrom, planOf } from "./cuts.ts";
import type { CrashPlan, Recorded } from "./cuts.ts";

export type { CrashPlan, Recorded } from "./cuts.ts";

export class RecordingStore implements ByteStore {
  readonly name: string;
  readonly readOnly = false;
  readonly scratch = true;
  readonly log: Recorded[] = [];
  /**
   * Holds writes without a label back until `release` or a flush: read they are at once, but on their way to the disk only then, as
   * behind a cache that gathers them.
   */
  holdsUnlabelled = false;
  private label: string | null = null;
  private readonly held: Extract<Recorded, { kind: "write" }>[] = [];
  private readonly before: MemoryContents;
  private readonly now: MemoryStore;

  /** Begins with `before` on the disk, durable; it is copied. */
  constructor(name: string, before: MemoryContents = new MemoryContents()) {
    this.name = name;
    this.before = before.copy();
    this.now = new MemoryStore(name, before.copy());
  }

  size(): number {
    return this.now.size();
  }

  read(offset: number, into: Uint8Array): number {
    return this.now.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    this.now.write(offset, from);
    const record = { kind: "write", offset, data: from.slice(), label: this.label } as const;
    if (this.label === null && this.holdsUnlabelled) this.held.push(record);
    else this.log.push(record);
  }

  /** What the writes from now on are; null: what nobody said anything of. */
  labelWrites(label: string | null): void {
    this.label = label;
  }

  /** What was held back is on its way from here on, labelled as writes are now. @returns whether there was anything */
  release(): boolean {
    const some = this.held.length > 0;
    for (const record of this.held.splice(0)) this.log.push({ ...record, label: this.label });
    return some;
  }

  /** Begins anew on the disk as it is when all that was recorded got there; what is held back still is. */
  restart(): void {
    for (const record of this.log.splice(0)) apply(this.before, record);
  }

  truncate(size: number): void {
    this.now.truncate(size);
    this.release();
    this.log.push({ kind: "truncate", size });
  }

  flush(): void {
    this.now.flush();
    if (this.label === null) this.release();
    this.log.push({ kind: "flush" });
  }

  close(): void {
    this.now.close();
  }

  /** The disk after a crash, as contents of its own. */
  crash(plan: CrashPlan): MemoryContents {
    const { log } = this;
    const durableCount = pendingFrom(log, plan.cut);
    const cache = this.before.copy();
    for (const record of log.slice(0, durableCount)) apply(cache, record);
    const disk = cache.copy();
    for (let index = durableCount; index < plan.cut; index++) {
      const record = log[index]!;
      apply(cache, record);
      if (record.kind === "truncate" && plan.survives(index, null)) disk.truncate(record.size);
      if (record.kind === "write") persist(cache, disk, record, (sector) => plan.survives(index, sector));
    }
    return disk;
  }

  /** The disk as it was when the recording began, as contents of its own. */
  start(): MemoryContents {
    return this.before.copy();
  }

  /** The disk when nothing is lost that was issued before `cut`: the program died, the machine did not. */
  crashOfProgram(cut: number): MemoryContents {
    return this.crash({ cut, survives: () => true });
  }

  /** A crash drawn at random: its moment, and by write whether it is there whole, not at all, or in part. */
  randomPlan(random: Random): CrashPlan {
    return planOf(this.log, drawCut(this.log, random));
  }
}

function apply(contents: MemoryContents, record: Recorded): void {
  switch (record.kind) {
    case "write":
      contents.write(record.offset, record.data);
      return;
    case "truncate":
      contents.truncate(record.size);
      return;
    case "flush":
      return;
  }
}

/** Copies those sectors of a write that survive, as the cache has them after it. */
function persist(cache: MemoryContents, disk: MemoryContents, write: { offset: number; data: Uint8Array }, survives: (sector: number) => boolean): void {
  const end = write.offset + write.data.length;
  const buffer = new Uint8Array(SECTOR_SIZE);
  for (let sector = Math.floor(write.offset / SECTOR_SIZE); sector * SECTOR_SIZE < end; sector++) {
    if (!survives(sector)) continue;
    const count = cache.read(sector * SECTOR_SIZE, buffer);
    disk.write(sector * SECTOR_SIZE, buffer.subarray(0, count));
  }
}
