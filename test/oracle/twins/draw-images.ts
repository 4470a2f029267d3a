/** A folder of small images of every kind, drawn from a seed: what stands below, what lies on it, snapshots, bitmaps, a data file. */
import type { Random } from "../../../src/base/random.ts";
import { img, io } from "./twin.ts";
import type { Preparation } from "./twin.ts";

export interface DrawnImage {
  readonly file: string;
  readonly format: "qcow2" | "raw";
  readonly size: number;
  readonly clusterSize: number;
  readonly version: 2 | 3;
  readonly backing: DrawnImage | null;
  readonly dataFile: string | null;
  readonly snapshots: readonly string[];
  readonly bitmaps: readonly string[];
}

export interface DrawnFolder {
  readonly prepare: readonly Preparation[];
  /** The image on which most is done, first; all that are qcow2. */
  readonly images: readonly DrawnImage[];
  /** Raw files, those of data files among them. */
  readonly raws: readonly string[];
}

const CLUSTER_SIZES = [512, 1024, 4096, 16384, 16384, 32768, 65536, 65536, 65536];
const SUBCLUSTERS_FROM = 16384;

/** A range within a disk; bytes of any number, sectors, or clusters. */
export function drawRange(random: Random, size: number, clusterSize: number): readonly [offset: number, length: number] {
  const unit = random.pick([1, 512, 512, 4096, clusterSize, clusterSize]);
  const units = Math.max(1, Math.floor(size / unit));
  const offset = random.below(units) * unit;
  const length = Math.min((1 + random.below(Math.min(units, random.pick([2, 4, 12])))) * unit, Math.max(size - offset, 1));
  return [offset, length];
}

/** Lines that fill a new image. */
function filling(random: Random, { size, clusterSize, version, format }: Pick<DrawnImage, "size" | "clusterSize" | "version" | "format">): string[] {
  if (size === 0) return [];
  const lines: string[] = [];
  for (let count = random.below(6); count >= 0; count--) {
    const [offset, length] = drawRange(random, size, clusterSize);
    const kind = random.below(8);
    const sector = offset - (offset % 512);
    const sectors = Math.max(512, length - (length % 512));
    if (kind === 0 && format === "qcow2") lines.push(`write -z${version === 3 && random.chance(0.5) ? "u" : ""} ${offset} ${length}`);
    else if (kind === 1 && format === "qcow2") lines.push(`discard ${offset} ${length}`);
    else if (kind <= 3 && format === "qcow2" && sector + sectors <= size) lines.push(`write -c -P ${1 + random.below(250)} ${Math.floor(offset / clusterSize) * clusterSize} ${Math.min(clusterSize, size - Math.floor(offset / clusterSize) * clusterSize)}`);
    else lines.push(`write -P ${1 + random.below(250)} ${offset} ${length}`);
  }
  return lines;
}

function drawQcow2(random: Random, file: string, backing: DrawnImage | null, prepare: Preparation[], raws: string[]): DrawnImage {
  const version = random.chance(0.15) ? 2 : 3;
  const clusterSize = random.pick(CLUSTER_SIZES);
  const extended = version === 3 && clusterSize >= SUBCLUSTERS_FROM && random.chance(0.4);
  const most = Math.min(clusterSize * 40, 2 ** 20);
  const size = random.chance(0.05) ? 512 * random.below(3) : backing !== null && random.chance(0.5) ? backing.size : 512 + Math.floor(random.below(most) / 512) * 512;
  const options = [`compat=${version === 2 ? "0.10" : "1.1"}`, `cluster_size=${clusterSize}`];
  let dataFile: string | null = null;
  if (version === 3) {
    if (random.chance(0.5)) options.push(`refcount_bits=${random.pick([1, 2, 4, 8, 32, 64])}`);
    if (random.chance(0.4)) options.push("compression_type=zstd");
    if (random.chance(0.2)) options.push("lazy_refcounts=on");
    if (extended) options.push("extended_l2=on");
    if (random.chance(0.15)) {
      dataFile = `${file}.data`;
      raws.push(dataFile);
      options.push(`data_file=${dataFile}`, `data_file_raw=${backing === null && random.chance(0.5) ? "on" : "off"}`);
    }
  }
  if (backing === null && random.chance(0.2)) options.push(`preallocation=${random.pick(["metadata", "falloc", "full"])}`);
  const below = backing === null ? [] : ["-b", backing.file, "-F", backing.format];
  prepare.push(img("create", "-q", "-f", "qcow2", "-o", options.join(","), ...below, file, String(size)));
  const shape = { file, format: "qcow2", size, clusterSize, version, backing, dataFile } as const;
  const lines = filling(random, shape);
  const snapshots: string[] = [];
  const bitmaps: string[] = [];
  const session = (some: readonly string[]): void => void (some.length > 0 && prepare.push(io(["-f", "qcow2", "-d", "unmap"], file, some)));
  session(lines);
  for (let count = random.pick([0, 0, 1, 2]); count > 0 && version === 3 && dataFile === null; count--) {
    const name = `b${count}`;
    bitmaps.push(name);
    prepare.push(img("bitmap", "--add", ...(random.chance(0.5) ? ["-g", String(random.pick([512, 4096, 65536, 2 ** 20]))] : []), "-f", "qcow2", file, name));
    if (random.chance(0.3)) prepare.push(img("bitmap", "--disable", "-f", "qcow2", file, name));
  }
  // A refused snapshot leaves a leak, where refcounts are of one bit.
  for (let count = random.pick([0, 0, 1, 2]); count > 0 && dataFile === null && !options.includes("refcount_bits=1"); count--) {
    const name = `s${count}`;
    snapshots.push(name);
    prepare.push(img("snapshot", "-c", name, file));
    session(filling(random, shape));
  }
  return { ...shape, snapshots, bitmaps };
}

/** One image, on others as it comes, and one beside it. */
export function drawFolder(random: Random): DrawnFolder {
  const prepare: Preparation[] = [];
  const raws: string[] = [];
  const images: DrawnImage[] = [];
  let below: DrawnImage | null = null;
  const depth = random.pick([0, 0, 1, 1, 2]);
  for (let level = 0; level < depth; level++) {
    if (level === 0 && random.chance(0.4)) {
      const size = random.below(600) * 512;
      const raw: DrawnImage = { file: "base.raw", format: "raw", size, clusterSize: 4096, version: 3, backing: null, dataFile: null, snapshots: [], bitmaps: [] };
      prepare.push(img("create", "-q", "-f", "raw", raw.file, String(size)));
      // Full, since a hole of a raw file's shows in stock's map.
      const lines = size === 0 ? [] : [`write -P 17 0 ${size}`, ...filling(random, raw)];
      if (lines.length > 0) prepare.push(io(["-f", "raw"], raw.file, lines));
      raws.push(raw.file);
      below = raw;
    } else {
      below = drawQcow2(random, `base${level}.qcow2`, below, prepare, raws);
      images.unshift(below);
    }
  }
  images.unshift(drawQcow2(random, "a.qcow2", below, prepare, raws));
  if (random.chance(0.4)) images.push(drawQcow2(random, "other.qcow2", null, prepare, raws));
  return { prepare, images, raws };
}
