/**
 * A store in memory that records what is done to it, so that a test can cut the power at any moment and look at every disk
 * that the crash may leave behind.
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

const SECTOR_SIZE = 512;

export type Recorded =
  | { readonly kind: "write"; readonly offset: number; readonly data: Uint8Array }
  | { readonly kind: "truncate"; readonly size: number }
  | { readonly kind: "flush" };

/** Which records since the last flush are on the disk. */
export interface CrashPlan {
  /** Records that were issued before the power went: those of index < cut. */
  readonly cut: number;
  /** Whether a sector (index from the disk's start) of the write `record` got there; for a truncate, sector is null. */
  survives(record: number, sector: number | null): boolean;
}

export class RecordingStore implements ByteStore {
  readonly name: string;
  readonly readOnly = false;
  readonly log: Recorded[] = [];
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
    this.log.push({ kind: "write", offset, data: from.slice() });
  }

  truncate(size: number): void {
    this.now.truncate(size);
    this.log.push({ kind: "truncate", size });
  }

  flush(): void {
    this.now.flush();
    this.log.push({ kind: "flush" });
  }

  close(): void {
    this.now.close();
  }

  /** The disk after a crash, as contents of its own. */
  crash(plan: CrashPlan): MemoryContents {
    const { log } = this;
    const durableCount = log.slice(0, plan.cut).findLastIndex((record) => record.kind === "flush") + 1;
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

  /** The disk when nothing is lost that was issued before `cut`: the program died, the machine did not. */
  crashOfProgram(cut: number): MemoryContents {
    return this.crash({ cut, survives: () => true });
  }

  /** A crash drawn at random: its moment, and by write whether it is there whole, not at all, or in part. */
  randomPlan(random: Random): CrashPlan {
    const cut = random.below(this.log.length + 1);
    const fates = new Map<number, "whole" | "lost" | "torn">();
    const torn = new Map<string, boolean>();
    const lossy = random.below(3);
    return {
      cut,
      survives(record, sector) {
        const fate = fates.get(record) ?? random.pick(lossy === 0 ? fatesMostlyWhole : lossy === 1 ? fatesMostlyLost : fatesEven);
        fates.set(record, fate);
        if (fate !== "torn" || sector === null) return fate === "whole";
        const key = `${record}:${sector}`;
        const there = torn.get(key) ?? random.chance(0.5);
        torn.set(key, there);
        return there;
      },
    };
  }
}

const fatesEven = ["whole", "lost", "torn"] as const;
const fatesMostlyWhole = ["whole", "whole", "whole", "whole", "whole", "lost", "torn"] as const;
const fatesMostlyLost = ["lost", "lost", "lost", "lost", "lost", "whole", "torn"] as const;

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
