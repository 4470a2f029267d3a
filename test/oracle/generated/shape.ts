/** What kind of image a generated case makes: drawn from a seed within what the format and stock qemu-img 7.2 allow together. */
import type { Random } from "../../../src/base/random.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const TIB = 1024 * 1024 * MIB;

export interface Shape {
  readonly compat: "0.10" | "1.1";
  readonly clusterSize: number;
  readonly refcountBits: number;
  readonly extendedL2: boolean;
  readonly compression: "zlib" | "zstd";
  readonly lazyRefcounts: boolean;
  readonly preallocation: "off" | "metadata" | "falloc" | "full";
  /** An external data file, raw or not. */
  readonly dataFile: "none" | "mapped" | "raw";
}

const CLUSTER_SIZES = [512, 1 * KIB, 2 * KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 64 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, 512 * KIB, 1 * MIB, 2 * MIB];

/** The fewest bytes a cluster has for 32 subclusters of 512. */
const EXTENDED_CLUSTER = 16 * KIB;

/**
 * @param lone the image has no backing file: only then it may be preallocated or keep its data elsewhere raw; a huge one has
 * neither, for stock looks at every cluster that is allocated */
export function drawShape(random: Random, lone: boolean, huge: boolean): Shape {
  const compat = random.chance(0.15) ? "0.10" : "1.1";
  const clusterSize = random.pick(huge ? [64 * KIB, 128 * KIB, MIB, 2 * MIB] : CLUSTER_SIZES);
  const preallocation = lone && !huge && random.chance(0.3) ? random.pick(["metadata", "metadata", "falloc", "full"] as const) : "off";
  if (compat === "0.10") {
    return { compat, clusterSize, refcountBits: 16, extendedL2: false, compression: "zlib", lazyRefcounts: false, preallocation, dataFile: "none" };
  }
  return {
    compat,
    clusterSize,
    refcountBits: random.chance(0.4) ? 16 : random.pick([1, 2, 4, 8, 32, 64]),
    extendedL2: clusterSize >= EXTENDED_CLUSTER && random.chance(0.4),
    compression: random.chance(0.4) ? "zstd" : "zlib",
    lazyRefcounts: random.chance(0.2),
    preallocation,
    dataFile: random.chance(0.18) ? (lone && !huge ? random.pick(["mapped", "raw"] as const) : "mapped") : "none",
  };
}

/** The `-o` text of qemu-img create, amend's order; `dataFile` is the data file's name. */
export function createOptionText(shape: Shape, dataFile: string): string {
  const { compat, clusterSize, refcountBits, extendedL2, compression, lazyRefcounts, preallocation } = shape;
  const options = [`compat=${compat}`, `cluster_size=${clusterSize}`, `preallocation=${preallocation}`];
  if (compat === "1.1") options.push(`refcount_bits=${refcountBits}`, `lazy_refcounts=${lazyRefcounts ? "on" : "off"}`, `compression_type=${compression}`);
  if (extendedL2) options.push("extended_l2=on");
  if (shape.dataFile !== "none") options.push(`data_file=${dataFile}`, `data_file_raw=${shape.dataFile === "raw" ? "on" : "off"}`);
  return options.join(",");
}

/** A disk's size: a multiple of 512, often none of the cluster's, now and then tiny. Small clusters get small disks, for their tables' sake. */
export function drawSize(random: Random, clusterSize: number, huge: boolean): number {
  if (huge) return 4 * TIB - (random.chance(0.5) ? 512 * random.below(1000) : 0);
  if (random.chance(0.06)) return 512 * random.pick([0, 1, 3, 7]);
  const most = Math.min(Math.max(clusterSize * 600, 2 * MIB), 24 * MIB);
  const size = most / 8 + random.below((most * 7) / 8);
  return random.chance(0.4) ? Math.ceil(size / clusterSize) * clusterSize : Math.ceil(size / 512) * 512;
}
