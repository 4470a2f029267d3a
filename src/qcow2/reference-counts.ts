/**
 * How often each host cluster is referred to, counted sparsely: a byte by cluster in chunks that are made when something in them is
 * referred to, wider only in chunks where a byte does not do. What nobody refers to costs nothing, however long the file.
 *
 * References that are spread far apart would still cost a chunk each. So the counts keep to a window of clusters, which becomes
 * smaller when they outgrow their budget; whoever counts then counts again for the next window, until the file's end.
 */
import { firstAt } from "../base/search.ts";

const CHUNK_BITS = 11;
const CHUNK = 2 ** CHUNK_BITS;
const CHUNK_MASK = CHUNK - 1;

type Counts = Uint8Array | Uint16Array | Uint32Array | Float64Array;

const limitOf = (counts: Counts): number => (counts instanceof Float64Array ? Number.MAX_SAFE_INTEGER : 2 ** (8 * counts.BYTES_PER_ELEMENT) - 1);

export class ReferenceCounts {
  /** First cluster of the window. */
  from = 0;
  /** First cluster behind the window. */
  to = Infinity;
  private readonly budgetBytes: number;
  private readonly max: number;
  private usedBytes = 0;
  private readonly chunks = new Map<number, Counts>();
  /** Chunks that were given up, for others: of a large image each window would leave as much behind as it has. */
  private readonly spare: Uint8Array[] = [];
  /** The chunks' keys in order, null when they have changed. */
  private keys: readonly number[] | null = null;
  /** The chunk that was last looked at. */
  private lastKey = -1;
  private last: Counts | null = null;
  private lastLimit = 0;

  /** @param max no count goes above it */
  constructor(budgetBytes: number, max = Number.MAX_SAFE_INTEGER) {
    this.budgetBytes = budgetBytes;
    this.max = max;
  }

  /** 0 outside the window, too. */
  get(cluster: number): number {
    const key = Math.floor(cluster / CHUNK);
    if (key !== this.lastKey) this.look(key);
    return this.last === null ? 0 : this.last[cluster & CHUNK_MASK]!;
  }

  /** Adds references to a cluster of the window; to one outside nothing is done. @returns how many the greatest count had no room for */
  add(cluster: number, times: number): number {
    const key = Math.floor(cluster / CHUNK);
    if (key !== this.lastKey || this.last === null) {
      if (cluster < this.from || cluster >= this.to) return 0;
      this.select(key);
      if (cluster >= this.to) return 0;
    }
    const index = cluster & CHUNK_MASK;
    const count = this.last![index]! + times;
    if (count > this.lastLimit) return this.addWide(key, index, count);
    this.last![index] = count;
    return 0;
  }

  private addWide(key: number, index: number, wanted: number): number {
    const count = Math.min(wanted, this.max);
    if (count > this.lastLimit) this.widen(key, count);
    this.last![index] = count;
    return wanted - count;
  }

  /** The first cluster from `cluster` on, at most `end`, that may have a count: what lies between has none. */
  skipUnused(cluster: number, end: number): number {
    let at = cluster;
    if (!this.chunks.has(Math.floor(at / CHUNK))) {
      const keys = this.sortedKeys();
      const next = keys[firstAt(keys.length, (index) => keys[index]! * CHUNK >= cluster)];
      at = next === undefined ? end : next * CHUNK;
    }
    while (at < end && this.get(at) === 0 && (at & CHUNK_MASK) !== CHUNK_MASK) at++;
    return Math.max(Math.min(at, end), cluster + 1);
  }

  /** Runs of clusters of [from, to) that have counts, as whole chunks allow: [first, behind). */
  *runs(from: number, to: number): Generator<readonly [number, number], void, void> {
    for (const key of this.sortedKeys()) {
      const first = Math.max(from, key * CHUNK);
      const behind = Math.min(to, (key + 1) * CHUNK);
      if (first < behind) yield [first, behind];
    }
  }

  /** Whether any cluster of [from, to) may have a count, as whole chunks tell. */
  hasAny(from: number, to: number): boolean {
    const last = Math.floor((to - 1) / CHUNK);
    const first = Math.floor(from / CHUNK);
    if (last - first > this.chunks.size) return this.sortedKeys().some((key) => key >= first && key <= last);
    for (let key = first; key <= last; key++) if (this.chunks.has(key)) return true;
    return false;
  }

  /** Empties the counts for the clusters behind this window, or for all of them. */
  begin(from: number): void {
    this.from = from;
    this.to = Infinity;
    for (const chunk of this.chunks.values()) this.keepSpare(chunk);
    this.chunks.clear();
    this.keys = null;
    this.usedBytes = 0;
    this.lastKey = -1;
    this.last = null;
  }

  private sortedKeys(): readonly number[] {
    return (this.keys ??= [...this.chunks.keys()].sort((a, b) => a - b));
  }

  private select(key: number): void {
    if (!this.chunks.has(key)) {
      this.chunks.set(key, this.spare.pop()?.fill(0) ?? new Uint8Array(CHUNK));
      this.keys = null;
      this.use(CHUNK);
    }
    this.look(key);
  }

  private keepSpare(chunk: Counts): void {
    if (chunk instanceof Uint8Array) this.spare.push(chunk);
  }

  private look(key: number): void {
    this.lastKey = key;
    this.last = this.chunks.get(key) ?? null;
    this.lastLimit = this.last === null ? 0 : Math.min(limitOf(this.last), this.max);
  }

  private widen(key: number, count: number): void {
    const old = this.last!;
    const wide = count <= 0xffff ? new Uint16Array(CHUNK) : count <= 0xffffffff ? new Uint32Array(CHUNK) : new Float64Array(CHUNK);
    wide.set(old);
    this.chunks.set(key, wide);
    this.last = wide;
    this.lastLimit = Math.min(limitOf(wide), this.max);
    this.usedBytes += wide.byteLength - old.byteLength;
  }

  /** Takes memory into account, and gives up the upper eighth of the window where that is too much. */
  private use(lengthBytes: number): void {
    this.usedBytes += lengthBytes;
    if (this.usedBytes <= this.budgetBytes || this.chunks.size < 2) return;
    const keys = this.sortedKeys();
    const cut = keys[Math.floor((keys.length * 7) / 8)]!;
    this.to = cut * CHUNK;
    this.keys = null;
    for (const key of keys) {
      if (key < cut) continue;
      const chunk = this.chunks.get(key)!;
      this.usedBytes -= chunk.byteLength;
      this.keepSpare(chunk);
      this.chunks.delete(key);
    }
  }
}
