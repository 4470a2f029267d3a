/**
 * Which structure has a host cluster: a map from clusters to names, of which an image may have millions of the one and a handful of
 * the other. Five bytes a slot, nine for a file of terabytes, and nothing on the heap, where a Map takes ten times as much: an image of clusters of 512 bytes may
 * have 2^22 L2 tables, and a whole program may not take 300 MB for it.
 *
 * Open addressing with linear steps; what is taken out lets those behind it move up, so that no marks of what was there are left. Where
 * a cluster stands depends on a number that is another for each map: no file can be made whose clusters all want the same slots.
 */

const SMALLEST = 64;
/** Full to this part at most, so that what is looked for is found in few steps. */
const MOST_FULL = 3 / 4;
const MOST_NAMES = 255;
/** Clusters from here on need slots twice as wide. */
const WIDE = 2 ** 32;

export class ClusterOwners {
  private readonly names: string[] = [];
  private clusters: Uint32Array | Float64Array = new Uint32Array(SMALLEST);
  /** 0 for a free slot, otherwise the place of its name, from 1. */
  private owners = new Uint8Array(SMALLEST);
  private used = 0;
  private readonly salt = Math.floor(Math.random() * 2 ** 32) | 1;

  /** The structure that has this cluster, or undefined. */
  get(cluster: number): string | undefined {
    const owner = this.owners[this.slotOf(cluster)]!;
    return owner === 0 ? undefined : this.names[owner - 1];
  }

  /** Gives a cluster that nobody has to a structure. @returns who has it otherwise, and still does */
  claim(cluster: number, structure: string): string | undefined {
    if (this.used + 1 > this.clusters.length * MOST_FULL) this.grow();
    if (cluster >= WIDE && this.clusters instanceof Uint32Array) this.resize(this.clusters.length, true);
    const slot = this.slotOf(cluster);
    const owner = this.owners[slot]!;
    if (owner !== 0) return this.names[owner - 1];
    this.used++;
    this.clusters[slot] = cluster;
    this.owners[slot] = this.ownerOf(structure);
    return undefined;
  }

  delete(cluster: number): void {
    let free = this.slotOf(cluster);
    if (this.owners[free] === 0) return;
    this.used--;
    const mask = this.clusters.length - 1;
    for (let slot = (free + 1) & mask; this.owners[slot] !== 0; slot = (slot + 1) & mask) {
      // One that may stand at the free slot moves there: its own place is not between the free slot and where it stands.
      const place = scattered(this.clusters[slot]!, this.salt) & mask;
      if (((slot - place) & mask) < ((slot - free) & mask)) continue;
      this.clusters[free] = this.clusters[slot]!;
      this.owners[free] = this.owners[slot]!;
      free = slot;
    }
    this.owners[free] = 0;
  }

  /** Where this cluster is, or the free slot where it would be. */
  private slotOf(cluster: number): number {
    const { clusters, owners } = this;
    const mask = clusters.length - 1;
    let slot = scattered(cluster, this.salt) & mask;
    while (owners[slot] !== 0 && clusters[slot] !== cluster) slot = (slot + 1) & mask;
    return slot;
  }

  private ownerOf(structure: string): number {
    const known = this.names.indexOf(structure);
    if (known >= 0) return known + 1;
    if (this.names.length === MOST_NAMES) throw new Error("more kinds of structures than a cluster's slot can tell");
    return this.names.push(structure);
  }

  /** Makes room for so many clusters more at once: what is outgrown on the way would take as much again. */
  reserve(count: number): void {
    let slots = this.clusters.length;
    while (this.used + count > slots * MOST_FULL) slots *= 2;
    if (slots > this.clusters.length) this.resize(slots);
  }

  private grow(): void {
    this.resize(this.clusters.length * 2);
  }

  private resize(slots: number, wide = this.clusters instanceof Float64Array): void {
    const [clusters, owners] = [this.clusters, this.owners];
    this.clusters = wide ? new Float64Array(slots) : new Uint32Array(slots);
    this.owners = new Uint8Array(slots);
    for (let slot = 0; slot < clusters.length; slot++) {
      if (owners[slot] === 0) continue;
      const to = this.slotOf(clusters[slot]!);
      this.clusters[to] = clusters[slot]!;
      this.owners[to] = owners[slot]!;
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
