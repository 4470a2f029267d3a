/**
 * Images of a few megabytes that claim to be enormous: tables by the million in holes of the file, one table under every entry, names and
 * snapshots up to what the format's readers take. What a command reads, keeps and goes through is to be bounded by what the file takes of
 * its disk, not by what its fields say; `npm run hostile` measures that. The header of every one is sound, and so are the counts of most.
 */
import { closeSync, ftruncateSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../../base/random.ts";
import { MemoryContents, MemoryStore } from "../../bytes/memory-store.ts";
import { writeNewImage } from "../../engine/create-image.ts";
import { BITMAPS_MAGIC, encodeHeader, encodeSnapshotsPlace } from "../../qcow2/header.ts";
import type { NewHeader } from "../../qcow2/header.ts";
import { MAX_ZONES } from "../../zoned/geometry.ts";
import { createOptions } from "../engine-fixture.ts";

const COPIED = 1n << 63n;
const COMPRESSED = 1n << 62n;
const KIB = 2 ** 10;
const MIB = 2 ** 20;
/** What a reader takes at most: an L1 table of 32 MiB, a refcount table of 8 MiB, and so many snapshots and bitmaps. */
const MOST_L1 = 2 ** 22;
const MOST_REFCOUNT_ENTRIES = 2 ** 20;
const MOST_SNAPSHOTS = 65_536;
const MOST_BITMAPS = 65_535;
const LONG_NAME = 1000;

/** Makes an image and what it stands on in a folder; the image's name is "image". */
export type Claim = (folder: string) => void;

type Fields = Partial<NewHeader> & Pick<NewHeader, "clusterBits">;

/** A file that is written here and there, and has holes elsewhere. What is placed in it lies one behind the other, by the cluster. */
class Sparse {
  readonly cluster: number;
  readonly #fields: Fields;
  readonly #file: number;
  snapshots: { readonly count: number; readonly offset: number } | null = null;
  #end: number;

  constructor(path: string, fields: Fields) {
    this.#file = openSync(path, "w");
    this.#fields = fields;
    this.cluster = 2 ** fields.clusterBits;
    this.#end = this.cluster;
  }

  /** The place of so many bytes. */
  place(length: number): number {
    const at = this.#end;
    this.#end += Math.ceil(length / this.cluster) * this.cluster;
    return at;
  }

  bytes(at: number, bytes: Uint8Array): void {
    if (writeSync(this.#file, bytes, 0, bytes.length, at) !== bytes.length) throw new Error("the file system is full");
  }

  /** A table of 8-byte words. */
  words(at: number, count: number, wordOf: (index: number) => bigint): void {
    const view = new DataView(new ArrayBuffer(count * 8));
    for (let index = 0; index < count; index++) view.setBigUint64(index * 8, wordOf(index));
    this.bytes(at, new Uint8Array(view.buffer));
  }

  /** An L1 table whose entries lead to tables side by side from a place. @returns where it lies */
  l1(count: number, offsetOf: (index: number) => number): number {
    const at = this.place(count * 8);
    this.words(at, count, (index) => COPIED | BigInt(offsetOf(index)));
    return at;
  }

  /** Counts every cluster once and writes the header. A file that is too long to be counted has one block of no counts. */
  finish(header: Partial<NewHeader>): void {
    const perBlock = this.cluster / 2;
    let blocks = 1;
    const tableBytes = (): number => Math.ceil((blocks * 8) / this.cluster) * this.cluster;
    const needed = (): number => Math.ceil((this.#end + tableBytes() + blocks * this.cluster) / this.cluster / perBlock);
    const counted = needed() * this.cluster <= 32 * MIB;
    while (counted && needed() > blocks) blocks = needed();
    const refcountTableOffset = this.place(tableBytes());
    const first = this.place(blocks * this.cluster);
    this.words(refcountTableOffset, blocks, (index) => BigInt(first + index * this.cluster));
    if (counted) this.bytes(first, Uint8Array.from({ length: (this.#end / this.cluster) * 2 }, (_, at) => at % 2));
    this.end({ refcountTableOffset, refcountTableClusters: tableBytes() / this.cluster, ...header });
  }

  end(header: Partial<NewHeader>): void {
    const whole = { virtualSize: MIB, l1Size: 0, l1Offset: 0, refcountTableOffset: 0, refcountTableClusters: 0, incompatible: 0n, refcountOrder: 4, extensions: [], ...this.#fields, ...header };
    this.bytes(0, encodeHeader(whole));
    if (this.snapshots !== null) {
      const { at, data } = encodeSnapshotsPlace(this.snapshots.count, this.snapshots.offset);
      this.bytes(at, data);
    }
    ftruncateSync(this.#file, this.#end);
    closeSync(this.#file);
  }
}

const image = (folder: string, fields: Fields, name = "image"): Sparse => new Sparse(join(folder, name), fields);

/** Every index below a count once, in no order, always in the same. */
function shuffled(count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  const random = new Random(1);
  for (let index = count - 1; index > 0; index--) {
    const other = random.below(index + 1);
    [order[index], order[other]] = [order[other]!, order[index]!];
  }
  return order;
}

/** L2 tables that lie in a hole. @param apart bytes from one to the next, null for side by side */
function tables(clusterBits: number, count: number, order: "in order" | "shuffled" = "in order", apart: number | null = null): Claim {
  return (folder) => {
    const file = image(folder, { clusterBits });
    const step = apart ?? file.cluster;
    const first = file.place(count * step);
    const places = order === "shuffled" ? shuffled(count) : null;
    const l1Offset = file.l1(count, (index) => first + (places?.[index] ?? index) * step);
    file.finish({ virtualSize: count * (file.cluster / 8) * file.cluster, l1Size: count, l1Offset });
  };
}

/** Every L1 entry leads to one table, every entry of which leads to a cluster, or to bytes that are compressed. */
function oneTable(clusterBits: number, count: number, entry: "data" | "compressed" | "zeros"): Claim {
  return (folder) => {
    const file = image(folder, { clusterBits });
    const [table, data] = [file.place(file.cluster), file.place(file.cluster)];
    const word = { data: COPIED | BigInt(data), compressed: COMPRESSED | BigInt(data), zeros: 1n }[entry];
    file.words(table, file.cluster / 8, () => word);
    // A last block of deflate that is stored, and empty: no bytes come of it, and a reader has to look at it to know.
    file.bytes(data, Uint8Array.of(1, 0, 0, 255, 255));
    const l1Offset = file.l1(count, () => table);
    file.finish({ virtualSize: count * (file.cluster / 8) * file.cluster, l1Size: count, l1Offset });
  };
}

/** The refcount table at its largest. @param blockOf which of the blocks, that lie side by side in a hole, an entry leads to */
function refcounts(blockOf: (index: number) => number): Claim {
  return (folder) => {
    const file = image(folder, { clusterBits: 9 });
    const count = MOST_REFCOUNT_ENTRIES;
    const [table, first, l1Offset] = [file.place(count * 8), file.place(count * file.cluster), file.place(file.cluster)];
    file.words(table, count, (index) => BigInt(first + blockOf(index) * file.cluster));
    file.end({ l1Size: 32, l1Offset, refcountTableOffset: table, refcountTableClusters: (count * 8) / file.cluster });
  };
}

interface Bitmaps {
  readonly clusterBits: number;
  readonly count: number;
  readonly nameLength: number;
  readonly virtualSize: number;
  /** Bytes of the disk that a bit stands for, as a power of two. */
  readonly granularityBits: number;
  /** Whether each has a table of its own, in a hole, or all have one. */
  readonly shared?: boolean;
  /** What every entry of the tables says; holes where it is absent. */
  readonly entry?: "all set" | "one cluster";
  /** Whether each records what is written. */
  readonly records?: boolean;
}

function bitmaps({ clusterBits, count, nameLength, virtualSize, granularityBits, shared = false, entry, records = false }: Bitmaps): Claim {
  return (folder) => {
    const file = image(folder, { clusterBits, virtualSize });
    const entries = Math.max(1, Math.ceil(virtualSize / 2 ** granularityBits / 8 / file.cluster));
    const size = Math.ceil((entries * 8) / file.cluster) * file.cluster;
    const first = file.place(shared ? size : count * size);
    if (entry !== undefined) {
      const word = entry === "all set" ? 1n : BigInt(file.place(file.cluster));
      for (let index = 0; index < (shared ? 1 : count); index++) file.words(first + index * size, entries, () => word);
    }
    const each = Math.ceil((24 + nameLength) / 8) * 8;
    const directory = new Uint8Array(count * each);
    const view = new DataView(directory.buffer);
    for (let index = 0; index < count; index++) {
      const at = index * each;
      view.setBigUint64(at, BigInt(shared ? first : first + index * size));
      view.setUint32(at + 8, entries);
      view.setUint32(at + 12, records ? 2 : 0);
      view.setUint8(at + 16, 1);
      view.setUint8(at + 17, granularityBits);
      view.setUint16(at + 18, nameLength);
      new TextEncoder().encodeInto(`b${index}`.padEnd(nameLength, "x"), directory.subarray(at + 24, at + 24 + nameLength));
    }
    const directoryAt = file.place(directory.length);
    file.bytes(directoryAt, directory);
    const data = new DataView(new ArrayBuffer(24));
    data.setUint32(0, count);
    data.setBigUint64(8, BigInt(directory.length));
    data.setBigUint64(16, BigInt(directoryAt));
    const l1Size = Math.ceil(virtualSize / (file.cluster / 8) / file.cluster);
    file.finish({ l1Size, l1Offset: file.place(l1Size * 8), autoclear: 1n, extensions: [{ magic: BITMAPS_MAGIC, data: new Uint8Array(data.buffer) }] });
  };
}

/** Snapshots, each with an L1 table in a hole. @param l1Size entries of each, @param shared whether all have the same */
function snapshots(count: number, nameLength: number, l1Size: number, shared: boolean): Claim {
  return (folder) => {
    const file = image(folder, { clusterBits: 16 });
    const size = Math.ceil((l1Size * 8) / file.cluster) * file.cluster;
    const first = file.place(shared ? size : count * size);
    const each = Math.ceil((40 + 24 + 5 + nameLength) / 8) * 8;
    const table = new Uint8Array(count * each);
    const view = new DataView(table.buffer);
    const virtualSize = l1Size * 512 * MIB;
    for (let index = 0; index < count; index++) {
      const at = index * each;
      view.setBigUint64(at, BigInt(shared ? first : first + index * size));
      view.setUint32(at + 8, l1Size);
      view.setUint16(at + 12, 5);
      view.setUint16(at + 14, nameLength);
      view.setUint32(at + 36, 24);
      view.setBigUint64(at + 48, BigInt(virtualSize));
      new TextEncoder().encodeInto(String(index).padStart(5, "0"), table.subarray(at + 64, at + 69));
      new TextEncoder().encodeInto(`s${index}`.padEnd(nameLength, "x"), table.subarray(at + 69, at + 69 + nameLength));
    }
    file.snapshots = { count, offset: file.place(table.length) };
    file.bytes(file.snapshots.offset, table);
    file.finish({ virtualSize, l1Size, l1Offset: file.place(l1Size * 8) });
  };
}

/** Disks that stand on each other, each with an L1 table in a hole. @param l1Size its entries */
function chain(length: number, l1Size: number): Claim {
  return (folder) => {
    for (let index = 0; index < length; index++) {
      const file = image(folder, { clusterBits: 9 }, index === 0 ? "image" : `below${index}`);
      const below = index === length - 1 ? {} : { backingFile: `below${index + 1}` };
      const l1Offset = file.place(l1Size * 8);
      file.finish({ virtualSize: l1Size * 32 * KIB, l1Size, l1Offset, ...below });
    }
  };
}

/** A disk of nothing in a file that goes on and on. */
function long(length: number): Claim {
  return (folder) => {
    const file = image(folder, { clusterBits: 9 });
    file.finish({ l1Size: 32, l1Offset: file.place(file.cluster) });
    const whole = openSync(join(folder, "image"), "r+");
    ftruncateSync(whole, length);
    closeSync(whole);
  };
}

/** As many zones as an image may have, all of them empty. */
function zones(zoneSize: number): Claim {
  return (folder) => {
    const contents = new MemoryContents();
    const store = new MemoryStore("image", contents);
    const zoned = { zoneSize, zoneCapacity: zoneSize, conventionalZones: 0, maxOpenZones: 0, maxActiveZones: 0 };
    writeNewImage(store, createOptions({ sizeBytes: MAX_ZONES * zoneSize, zoned }));
    const bytes = new Uint8Array(store.size());
    store.read(0, bytes);
    writeFileSync(join(folder, "image"), bytes);
  };
}

const huge = { clusterBits: 12, virtualSize: 2 ** 41, granularityBits: 9, count: 1, nameLength: 2 };

/** By name; what the name says is what the file claims. */
export const CLAIMS: Readonly<Record<string, Claim>> = {
  "2^22 tables": tables(9, MOST_L1),
  "2^22 tables in no order": tables(9, MOST_L1, "shuffled"),
  "2^20 tables far apart": tables(9, 2 ** 20, "in order", 64 * KIB),
  "2^22 tables about 4 TiB": tables(9, MOST_L1, "shuffled", MIB),
  "2^18 tables of 64 KiB": tables(16, 2 ** 18),
  "8192 tables of 2 MiB": tables(21, 8192),
  "one table under 2^22 entries": oneTable(9, MOST_L1, "data"),
  "one table of compressed clusters": oneTable(16, 2 ** 17, "compressed"),
  "one table of zeros": oneTable(16, 2 ** 17, "zeros"),
  "2^20 refcount blocks": refcounts((index) => index),
  "2^20 refcount blocks in no order": (folder) => {
    const order = shuffled(MOST_REFCOUNT_ENTRIES);
    refcounts((index) => order[index]!)(folder);
  },
  "one refcount block": refcounts(() => 0),
  "65535 bitmaps with long names": bitmaps({ clusterBits: 16, count: MOST_BITMAPS, nameLength: LONG_NAME, virtualSize: MIB, granularityBits: 16 }),
  "65535 bitmaps of one table": bitmaps({ clusterBits: 16, count: MOST_BITMAPS, nameLength: 6, virtualSize: 2 ** 40, granularityBits: 9, shared: true }),
  "65535 bitmaps of many clusters": bitmaps({ clusterBits: 16, count: MOST_BITMAPS, nameLength: 6, virtualSize: 2 ** 40, granularityBits: 9 }),
  "65535 bitmaps that record": bitmaps({ clusterBits: 16, count: MOST_BITMAPS, nameLength: 6, virtualSize: 2 ** 40, granularityBits: 16, records: true }),
  "4096 bitmaps that record, of large clusters": bitmaps({ clusterBits: 21, count: 4096, nameLength: 6, virtualSize: 2 ** 46, granularityBits: 16, records: true }),
  "a bitmap of 2^32 bits": bitmaps(huge),
  "a bitmap of 2^32 bits that are set": bitmaps({ ...huge, entry: "all set" }),
  "a bitmap of 2^32 bits in one cluster": bitmaps({ ...huge, entry: "one cluster" }),
  "two bitmaps of 2^32 bits that are set, and record": bitmaps({ ...huge, count: 2, shared: false, entry: "all set", records: true }),
  "65536 snapshots": snapshots(MOST_SNAPSHOTS, 6, 1, true),
  "65536 snapshots of one large table": snapshots(MOST_SNAPSHOTS, 6, 2 ** 20, true),
  "1024 snapshots with large tables": snapshots(1024, LONG_NAME, 2 ** 21, false),
  "2^22 zones": zones(64 * KIB),
  "a file of 8 TiB": long(2 ** 43),
  "200 disks on each other": chain(200, 2 ** 21),
};
