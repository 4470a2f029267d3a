/**
 * Which structure has a host cluster: a map from clusters to names, of which an image may have millions of the one and a handful of
 * the other. Five bytes a slot, seven for a file of terabytes, and nothing on the heap, where a Map takes ten times as much: an image of clusters of 512 bytes may
 * have 2^22 L2 tables, and a whole program may not take 300 MB for it.
 *
 * Open addressing with linear steps; what is taken out lets those behind it move up, so that no marks of what was there are left. Where
 * a cluster stands depends on a number that is another for each map: no file can be made whose clusters all want the same slots.
 */

const SMALLEST = 64;
/**
 * Full to this part at most, so that what is looked for is found in few steps. Where room for so many was asked for they fill a greater part, and
 * what comes beside them, blocks that count a million tables, does not double the slots.
 */
const MOST_FULL = 3 / 4;
const RESERVED_FULL = 7 / 8;
const MOST_RESERVED = 15 / 16;
const MOST_NAMES = 255;
/** Clusters from here on need wider slots: 16 bits more are enough for wherever an entry of a table can lead. */
const WIDE = 2 ** 32;
const MOST_HIGH = 2 ** 16 - 1;

export class ClusterOwners {
  private readonly names: string[] = [];
  /** By slot, the lower 32 bits of its cluster, and those above them, null while no cluster has any. */
  private low = new Uint32Array(SMALLEST);
  private high: Uint16Array | Uint32Array | null = null;
  /** 0 for a free slot, otherwise the place of its name, from 1. */
  private owners = new Uint8Array(SMALLEST);
  private used = 0;
  /** Slots that may be used before there are more of them. */
  private most = SMALLEST * MOST_FULL;
  private readonly salt = Math.floor(Math.random() * 2 ** 32) | 1;

  /** The structure that has this cluster, or undefined. */
  get(cluster: number): string | undefined {
    const owner = this.owners[this.slotOf(cluster)]!;
    return owner === 0 ? undefined : this.names[owner - 1];
  }

  /** Gives a cluster that nobody has to a structure. @returns who has it otherwise, and still does */
  claim(cluster: number, structure: string): string | undefined {
    if (this.used + 1 > this.most) this.resize(this.owners.length * 2, MOST_FULL);
    if (cluster >= WIDE) this.widen(Math.floor(cluster / WIDE));
    const slot = this.slotOf(cluster);
    const owner = this.owners[slot]!;
    if (owner !== 0) return this.names[owner - 1];
    this.used++;
    this.put(slot, cluster, this.ownerOf(structure));
    return undefined;
  }

  delete(cluster: number): void {
    let free = this.slotOf(cluster);
    if (this.owners[free] === 0) return;
    this.used--;
    const slots = this.owners.length;
    const behind = (slot: number): number => (slot + 1 === slots ? 0 : slot + 1);
    const distance = (from: number, to: number): number => (to >= from ? to - from : to - from + slots);
    for (let slot = behind(free); this.owners[slot] !== 0; slot = behind(slot)) {
      const moved = this.clusterAt(slot);
      // One that may stand at the free slot moves there: its own place is not between the free slot and where it stands.
      if (distance(this.placeOf(moved), slot) < distance(free, slot)) continue;
      this.put(free, moved, this.owners[slot]!);
      free = slot;
    }
    this.owners[free] = 0;
  }

  private widen(highBits: number): void {
    if (highBits > MOST_HIGH && !(this.high instanceof Uint32Array)) this.high = this.high === null ? new Uint32Array(this.owners.length) : Uint32Array.from(this.high);
    else this.high ??= new Uint16Array(this.owners.length);
  }

  /** Where this cluster is, or the free slot where it would be. */
  private slotOf(cluster: number): number {
    const { low, high, owners } = this;
    if (cluster >= WIDE && high === null) return this.freeFrom(this.placeOf(cluster));
    const lowBits = cluster >>> 0;
    const highBits = Math.floor(cluster / WIDE);
    let slot = this.placeOf(cluster);
    while (owners[slot] !== 0 && (low[slot] !== lowBits || (high !== null && high[slot] !== highBits))) if (++slot === owners.length) slot = 0;
    return slot;
  }

  private freeFrom(slot: number): number {
    let free = slot;
    while (this.owners[free] !== 0) if (++free === this.owners.length) free = 0;
    return free;
  }

  /** Where a cluster stands when nobody stands there. */
  private placeOf(cluster: number): number {
    return Math.floor(((scattered(cluster, this.salt) >>> 0) / WIDE) * this.owners.length);
  }

  private clusterAt(slot: number): number {
    return this.low[slot]! + (this.high === null ? 0 : this.high[slot]! * WIDE);
  }

  private put(slot: number, cluster: number, owner: number): void {
    this.low[slot] = cluster % WIDE;
    if (this.high !== null) this.high[slot] = Math.floor(cluster / WIDE);
    this.owners[slot] = owner;
  }

  private ownerOf(structure: string): number {
    const known = this.names.indexOf(structure);
    if (known >= 0) return known + 1;
    if (this.names.length === MOST_NAMES) throw new Error("more kinds of structures than a cluster's slot can tell");
    return this.names.push(structure);
  }

  /** Makes room for so many clusters more at once: what is outgrown on the way would take as much again. */
  reserve(count: number): void {
    const slots = Math.ceil((this.used + count + SMALLEST) / RESERVED_FULL);
    if (this.used + count > this.most) this.resize(slots, MOST_RESERVED);
  }

  /** @param full the part of the slots that may be used */
  private resize(slots: number, full: number): void {
    const { low, high, owners } = this;
    this.low = new Uint32Array(slots);
    this.high = high === null ? null : high instanceof Uint16Array ? new Uint16Array(slots) : new Uint32Array(slots);
    this.owners = new Uint8Array(slots);
    this.most = Math.floor(slots * full);
    for (let slot = 0; slot < owners.length; slot++) {
      if (owners[slot] === 0) continue;
      const cluster = low[slot]! + (high === null ? 0 : high[slot]! * WIDE);
      this.put(this.slotOf(cluster), cluster, owners[slot]!);
    }
  }
}

/** Every bit of a cluster's number tells in every bit of this: clusters of a file lie at even distances. @param salt odd */
export function scattered(cluster: number, salt: number): number {
  let bits = Math.imul(Math.imul(cluster | 0, salt) ^ ((cluster / 2 ** 32) | 0), salt);
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return bits ^ (bits >>> 15);
}
