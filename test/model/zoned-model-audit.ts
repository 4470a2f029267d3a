/**
 * An audit of a qcow2 file by its bytes alone: every reference counted by walking header, L1 and L2 tables and the refcount
 * structures, compared with the counts that the file stores. It shares no code with the product, on purpose, and knows only what
 * the product writes: version 3, no snapshots, nothing compressed; L2 entries of either size. Source: qcow2 specification.
 */

export interface Audit {
  /** Clusters that are counted and that no structure of qcow2 refers to, ascending. */
  readonly leaked: readonly number[];
  /** What is wrong beyond leaks, in words; empty for a sound image. */
  readonly wrong: readonly string[];
  /** Guest clusters that have a host cluster, ascending. */
  readonly mapped: readonly number[];
  readonly clusterSize: number;
}

/** The host clusters of the zoned metadata, by the extension's own fields. */
export function zonedMetadataClusters(file: Uint8Array): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const u64 = (at: number): number => Number(view.getBigUint64(at));
  const clusterSize = 2 ** view.getUint32(20);
  for (let at = view.getUint32(100); view.getUint32(at) !== 0; at += 8 + Math.ceil(view.getUint32(at + 4) / 8) * 8) {
    if (view.getUint32(at) !== 0x007a6264) continue;
    const length = view.getUint32(at + 4);
    const offsetFirst = length === 48 && ((view.getUint32(76) >> 5) & 1) === 0;
    const last = at + 8 + length - 8;
    const offset = u64(offsetFirst ? last - 8 : last);
    const size = u64(offsetFirst ? last : last - 8);
    return Array.from({ length: Math.ceil(size / clusterSize) }, (_, index) => offset / clusterSize + index);
  }
  return [];
}

export function auditImage(file: Uint8Array): Audit {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const wrong: string[] = [];
  const u64 = (at: number): bigint => (at + 8 <= file.length ? view.getBigUint64(at) : 0n);
  const clusterSize = 2 ** view.getUint32(20);
  const references = new Map<number, number>();
  const refer = (offset: number, lengthBytes: number, what: string): void => {
    if (offset % clusterSize !== 0) wrong.push(`${what} at ${offset} is not cluster-aligned`);
    for (let at = offset; at < offset + lengthBytes; at += clusterSize) {
      references.set(at / clusterSize, (references.get(at / clusterSize) ?? 0) + 1);
      if (at >= file.length) wrong.push(`${what} at ${at} lies outside the file`);
    }
  };
  refer(0, clusterSize, "header");

  const order = view.getUint32(96);
  const tableOffset = Number(u64(48));
  const tableBytes = view.getUint32(56) * clusterSize;
  refer(tableOffset, tableBytes, "refcount table");
  const perBlock = (clusterSize * 8) / 2 ** order;
  const blocks: number[] = [];
  for (let index = 0; index < tableBytes / 8; index++) {
    const offset = Number(u64(tableOffset + index * 8));
    blocks.push(offset);
    if (offset !== 0) refer(offset, clusterSize, `refcount block ${index}`);
  }
  const countOf = (cluster: number): number => {
    const block = blocks[Math.floor(cluster / perBlock)] ?? 0;
    if (block === 0) return 0;
    const bit = (cluster % perBlock) * 2 ** order;
    const at = block + Math.floor(bit / 8);
    if (order < 3) return (view.getUint8(at) >> (bit % 8)) & (2 ** (2 ** order) - 1);
    let count = 0;
    for (let byte = 0; byte < 2 ** order / 8; byte++) count = count * 256 + view.getUint8(at + byte);
    return count;
  };

  // Extended entries have a second word, of bits for subclusters.
  const entryBytes = (view.getUint32(76) >> 4) & 1 ? 16 : 8;
  const mapped: number[] = [];
  const copied: { readonly cluster: number; readonly flag: boolean; readonly what: string }[] = [];
  const l1Offset = Number(u64(40));
  const l1Size = view.getUint32(36);
  refer(l1Offset, Math.max(1, l1Size * 8), "L1 table");
  const OFFSET = 0x00fffffffffffe00n;
  for (let index = 0; index < l1Size; index++) {
    const l1Entry = u64(l1Offset + index * 8);
    const l2Offset = Number(l1Entry & OFFSET);
    if (l2Offset === 0) continue;
    refer(l2Offset, clusterSize, `L2 table ${index}`);
    copied.push({ cluster: l2Offset / clusterSize, flag: l1Entry >> 63n === 1n, what: `L1 entry ${index}` });
    for (let entry = 0; entry < clusterSize / entryBytes; entry++) {
      const l2Entry = u64(l2Offset + entry * entryBytes);
      const host = Number(l2Entry & OFFSET);
      if (host === 0) continue;
      const guest = index * (clusterSize / entryBytes) + entry;
      mapped.push(guest);
      refer(host, clusterSize, `data of guest cluster ${guest}`);
      copied.push({ cluster: host / clusterSize, flag: l2Entry >> 63n === 1n, what: `L2 entry of guest cluster ${guest}` });
    }
  }

  for (const { cluster, flag, what } of copied) {
    if (flag !== (countOf(cluster) === 1)) wrong.push(`${what}: COPIED is ${flag}, the refcount of cluster ${cluster} is ${countOf(cluster)}`);
  }
  const leaked: number[] = [];
  const clusters = Math.max(Math.ceil(file.length / clusterSize), blocks.length * perBlock > 1e6 ? 0 : blocks.length * perBlock);
  for (let cluster = 0; cluster < clusters; cluster++) {
    const stored = countOf(cluster);
    const real = references.get(cluster) ?? 0;
    if (stored < real) wrong.push(`cluster ${cluster} has ${real} references and the refcount ${stored}`);
    else if (stored > real && real > 0) wrong.push(`cluster ${cluster} has ${real} references and the refcount ${stored}`);
    else if (stored > real) leaked.push(cluster);
  }
  return { leaked, wrong, mapped, clusterSize };
}
