/** Small images by hand, to be broken: header, refcount table, refcount block, L1 table, and a snapshot table where there are snapshots. */
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { encodeHeader } from "../../../src/qcow2/header.ts";
import type { NewHeader } from "../../../src/qcow2/header.ts";
import { Qcow2Image } from "../../../src/qcow2/image.ts";
import { readHeader } from "../../../src/qcow2/open.ts";
import { encodeSnapshotTable } from "../../../src/qcow2/snapshots.ts";
import type { Snapshot } from "../../../src/qcow2/snapshots.ts";

export const CLUSTER = 65536;
/** Where its parts lie, in clusters. */
export const AT = { refcountTable: 1, refcountBlock: 2, l1: 3, snapshots: 4 } as const;
export const COPIED = 1n << 63n;
const MIB = 2 ** 20;

export interface Broken {
  readonly snapshots?: readonly { readonly l1Offset: number; readonly l1Size: number }[];
  /** Words of 64 bits by their place in the file. */
  readonly words?: Readonly<Record<number, bigint>>;
  /** Refcounts by cluster, beside those of the parts. */
  readonly refcounts?: Readonly<Record<number, number>>;
  readonly header?: Partial<NewHeader>;
  /** Bytes of the file. */
  readonly length?: number;
}

const snapshotOf = (place: { readonly l1Offset: number; readonly l1Size: number }, index: number): Snapshot => ({
  ...place,
  id: new TextEncoder().encode(String(index + 1)),
  name: new TextEncoder().encode(`s${index}`),
  dateSeconds: 0,
  dateNanoseconds: 0,
  vmClock: 0n,
  vmStateBytes: 0n,
  diskSize: BigInt(MIB),
  icount: null,
  unknownExtra: new Uint8Array(0),
});

/** A disk of 1 MiB, of which nothing is written. */
export function smallImage({ snapshots = [], words = {}, refcounts = {}, header = {}, length = 16 * CLUSTER }: Broken): MemoryContents {
  const contents = new MemoryContents();
  contents.truncate(length);
  const l1Size = 1;
  contents.write(0, encodeHeader({ clusterBits: 16, virtualSize: MIB, l1Size, l1Offset: AT.l1 * CLUSTER, refcountTableOffset: AT.refcountTable * CLUSTER, refcountTableClusters: 1, incompatible: 0n, refcountOrder: 4, extensions: [], ...header }));
  const put = (at: number, bytes: number, value: bigint): void => {
    const word = new DataView(new ArrayBuffer(8));
    word.setBigUint64(0, value);
    contents.write(at, new Uint8Array(word.buffer, 8 - bytes, bytes));
  };
  put(AT.refcountTable * CLUSTER, 8, BigInt(AT.refcountBlock * CLUSTER));
  const table = encodeSnapshotTable(snapshots.map(snapshotOf), MIB)!;
  if (table.length > 0) {
    contents.write(AT.snapshots * CLUSTER, table);
    put(60, 4, BigInt(snapshots.length));
    put(64, 8, BigInt(AT.snapshots * CLUSTER));
  }
  const own = table.length > 0 ? [0, 1, 2, 3, 4] : [0, 1, 2, 3];
  for (const [cluster, count] of [...own.map((cluster) => [cluster, 1] as const), ...Object.entries(refcounts)]) put(AT.refcountBlock * CLUSTER + 2 * Number(cluster), 2, BigInt(count));
  for (const [at, value] of Object.entries(words)) put(Number(at), 8, value);
  return contents;
}

/** Opened for writing. */
export function openSmall(contents: MemoryContents): Qcow2Image {
  const store = new MemoryStore("a", contents);
  return new Qcow2Image(store, readHeader(store), { write: true });
}
