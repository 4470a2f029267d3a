/**
 * Which host clusters hold metadata that is in use, so that no guest data is ever written over a table because an entry or a
 * refcount of the file lies. Made from the header, the L1 table and the refcount table; reads no other cluster.
 *
 * It guards writes; it does not judge images (that is the check). Source: qcow2 specification; QEMU's "overlap checks".
 */
import { Fault, imageProblem } from "../base/fault.ts";

export class MetadataMap {
  private readonly clusterSize: number;
  private readonly owners = new Map<number, string>();

  constructor(clusterSize: number) {
    this.clusterSize = clusterSize;
  }

  /** Claims [offset, offset + lengthBytes) for a structure. @throws Fault when another structure claims a part of it */
  claim(structure: string, offset: number, lengthBytes: number): void {
    const end = Math.ceil((offset + lengthBytes) / this.clusterSize);
    for (let cluster = Math.floor(offset / this.clusterSize); cluster < end; cluster++) {
      const owner = this.owners.get(cluster);
      if (owner !== undefined) {
        throw new Fault(imageProblem(structure, "host offset", cluster * this.clusterSize, `a cluster that holds the ${owner}`, "a cluster of its own"));
      }
      this.owners.set(cluster, structure);
    }
  }

  release(offset: number, lengthBytes: number): void {
    const end = Math.ceil((offset + lengthBytes) / this.clusterSize);
    for (let cluster = Math.floor(offset / this.clusterSize); cluster < end; cluster++) this.owners.delete(cluster);
  }

  /** What lies in the cluster of this offset, or null when guest data may. */
  ownerOf(offset: number): string | null {
    return this.owners.get(Math.floor(offset / this.clusterSize)) ?? null;
  }
}
