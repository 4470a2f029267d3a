/**
 * A generated case: the commands that make an image and change it, the points at which it is judged, and what its disk and its
 * snapshots must read as there. Drawn from a seed alone. Every command is one that stock qemu-img and qemu-io 7.2 carry out;
 * who runs them, stock or this program, is not decided here (run.ts).
 */
import { Random } from "../../../src/base/random.ts";
import { DiskModel } from "./disk-model.ts";
import { createOptionText, drawShape, drawSize } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { drawWork, noise } from "./work.ts";
import type { Worked } from "./work.ts";

/** The images lie in a folder below the working directory, so that a backing name is not taken beside the wrong one. */
export const FOLDER = "disk";

/** What a case varies, for a report's totals and to ask for cases of one kind. */
export type Trait =
  | "version 2" | "small refcounts" | "wide refcounts" | "extended L2" | "zstd" | "compressed" | "backing" | "raw backing" | "deep chain"
  | "shorter backing" | "longer backing" | "data file" | "raw data file" | "snapshots" | "applied snapshot" | "bitmaps" | "lazy refcounts"
  | "preallocated" | "tiny" | "huge" | "grown" | "shrunk" | "converted";

export interface Judgement {
  readonly kind: "judge";
  readonly file: string;
  readonly model: DiskModel;
  readonly shape: Shape;
  readonly snapshots: readonly { readonly name: string; readonly model: DiskModel }[];
  /** Every file of the chain says by its mapping alone what reads as zeros: no raw file with holes, nothing preallocated with holes. */
  readonly mapTells: boolean;
}

export interface Command {
  readonly kind: "run";
  readonly program: "qemu-img" | "qemu-io";
  readonly argv: readonly string[];
  readonly input: string;
}

export interface GeneratedCase {
  readonly seed: number;
  readonly traits: ReadonlySet<Trait>;
  readonly noise: Uint8Array;
  readonly steps: readonly (Command | Judgement)[];
}

interface Layer extends Worked {
  readonly file: string;
  readonly model: DiskModel;
  readonly mapTells: boolean;
}

class Builder {
  readonly steps: (Command | Judgement)[] = [];
  readonly traits = new Set<Trait>();
  readonly random: Random;
  readonly noise: Uint8Array;
  private readonly mixed: boolean;

  constructor(seed: number, mixed: boolean) {
    this.mixed = mixed;
    this.random = new Random(seed * 7919 + 13);
    this.noise = noise(this.random);
  }

  run(program: Command["program"], argv: readonly string[], input = ""): void {
    this.steps.push({ kind: "run", program, argv, input });
  }

  work(layer: Layer, count: number): void {
    const lines = drawWork(this.random, layer, this.noise, count, this.mixed);
    if (lines.some((line) => line.startsWith("write -c"))) this.traits.add("compressed");
    if (lines.length > 0) this.run("qemu-io", ["-t", "writeback", "-f", layer.shape === null ? "raw" : "qcow2", layer.file], `${lines.join("\n")}\n`);
  }

  judge(layer: Layer, snapshots: Judgement["snapshots"]): void {
    this.steps.push({ kind: "judge", file: layer.file, model: layer.model.copy(), shape: layer.shape!, snapshots: [...snapshots], mapTells: layer.mapTells });
  }
}

/** @param mixed compressed writes among others within a session, for cases that only this program makes (work.ts) */
export function buildCase(seed: number, mixed: boolean): GeneratedCase {
  const builder = new Builder(seed, mixed);
  const { random, traits } = builder;
  const huge = random.chance(0.06);
  if (huge) traits.add("huge");
  const depth = random.pick(huge ? [0, 0, 1] : [0, 0, 0, 1, 1, 2, 3]);
  if (depth > 1) traits.add("deep chain");
  let layer = bottom(builder, depth > 0, huge);
  for (let level = 1; level <= depth; level++) layer = overlay(builder, layer, level, huge && level === depth);
  noteShape(traits, layer);
  const snapshots: { name: string; model: DiskModel }[] = [];
  builder.judge(layer, snapshots);

  const count = 1 + random.below(3);
  for (let index = 0; index < count; index++) layer = change(builder, layer, snapshots, index);
  builder.work(layer, 4 + random.below(20));
  builder.judge(layer, snapshots);
  return { seed, traits, noise: builder.noise, steps: builder.steps };
}

function noteShape(traits: Set<Trait>, { shape, model }: Layer): void {
  if (shape === null) return;
  if (shape.compat === "0.10") traits.add("version 2");
  if (shape.refcountBits < 16) traits.add("small refcounts");
  if (shape.refcountBits > 16) traits.add("wide refcounts");
  if (shape.extendedL2) traits.add("extended L2");
  if (shape.compression === "zstd") traits.add("zstd");
  if (shape.lazyRefcounts) traits.add("lazy refcounts");
  if (shape.preallocation !== "off") traits.add("preallocated");
  if (shape.dataFile !== "none") traits.add(shape.dataFile === "raw" ? "raw data file" : "data file");
  if (model.size <= 4096) traits.add("tiny");
}

/** The lowest image: raw where something stands on it, at times converted from raw. */
function bottom(builder: Builder, hasOverlay: boolean, huge: boolean): Layer {
  const { random, traits } = builder;
  if (hasOverlay && random.chance(0.4)) {
    traits.add("raw backing");
    const size = drawSize(random, 64 * 1024, false);
    return rawFile(builder, `${FOLDER}/base.raw`, size, random.chance(0.5));
  }
  const shape = drawShape(random, true, huge);
  const file = `${FOLDER}/base.qcow2`;
  const size = drawSize(random, shape.clusterSize, huge);
  if (!huge && shape.dataFile === "none" && random.chance(0.25)) return converted(builder, shape, file, size);
  builder.run("qemu-img", ["create", "-q", "-f", "qcow2", "-o", createOptionText(shape, `${FOLDER}/base.data`), file, String(size)]);
  // What is preallocated has its clusters, which a compressed write refuses to replace.
  const touched = new Set<number>();
  if (shape.preallocation !== "off") for (let cluster = 0; cluster * shape.clusterSize < size; cluster++) touched.add(cluster);
  const layer: Layer = { file, shape, model: new DiskModel(size), hasBacking: false, touched, mapTells: mappingTells(shape) };
  builder.work(layer, 4 + random.below(28));
  return layer;
}

/** Holes of a file show in stock's map where a raw file or preallocation hands the question on to it. */
const mappingTells = (shape: Shape): boolean => shape.preallocation === "off" && shape.dataFile !== "raw";

function rawFile(builder: Builder, file: string, size: number, dense: boolean): Layer {
  builder.run("qemu-img", ["create", "-q", "-f", "raw", file, String(size)]);
  const layer: Layer = { file, shape: null, model: new DiskModel(size), hasBacking: false, touched: new Set(), mapTells: false };
  if (dense && size > 0) {
    layer.model.write(0, size, Uint8Array.of(0x5a));
    builder.run("qemu-io", ["-t", "writeback", "-f", "raw", file], `write -P 0x5a 0 ${size}\n`);
  }
  builder.work(layer, 8 + builder.random.below(12));
  return layer;
}

function converted(builder: Builder, shape: Shape, file: string, size: number): Layer {
  const { random, traits } = builder;
  traits.add("converted");
  const source = rawFile(builder, `${FOLDER}/source.raw`, size, random.chance(0.3));
  const compress = shape.preallocation === "off" && random.chance(0.6);
  if (compress) traits.add("compressed");
  const flags = [...(compress ? ["-c"] : []), ...(random.chance(0.3) ? ["-S", random.pick(["0", "4k", "64k"])] : [])];
  builder.run("qemu-img", ["convert", "-q", "-f", "raw", "-O", "qcow2", ...flags, "-o", createOptionText(shape, ""), source.file, file]);
  const touched = new Set<number>();
  for (let cluster = 0; cluster * shape.clusterSize < size; cluster++) touched.add(cluster);
  return { file, shape, model: source.model, hasBacking: false, touched, mapTells: mappingTells(shape) };
}

function overlay(builder: Builder, backing: Layer, level: number, huge: boolean): Layer {
  const { random, traits } = builder;
  traits.add("backing");
  const shape = drawShape(random, false, huge);
  const file = `${FOLDER}/over${level}.qcow2`;
  const below = backing.model.size;
  const kind = huge ? "longer" : random.pick(["equal", "equal", "shorter", "longer"] as const);
  const size = kind === "equal" ? below : kind === "shorter" ? Math.ceil(below / 1024) * 512 : huge ? drawSize(random, shape.clusterSize, true) : below + drawSize(random, 4096, false);
  if (size < below) traits.add("longer backing");
  if (size > below) traits.add("shorter backing");
  // The name is looked up beside the image.
  const name = backing.file.slice(FOLDER.length + 1);
  const options = createOptionText(shape, `${FOLDER}/over${level}.data`);
  builder.run("qemu-img", ["create", "-q", "-f", "qcow2", "-b", name, "-F", backing.shape === null ? "raw" : "qcow2", "-o", options, file, String(size)]);
  const layer: Layer = { file, shape, model: backing.model.copy(size), hasBacking: true, touched: new Set(), mapTells: backing.mapTells && mappingTells(shape) };
  builder.work(layer, 4 + random.below(24));
  return layer;
}

/** One change of the image as a whole, and some work behind it. */
function change(builder: Builder, layer: Layer, snapshots: { name: string; model: DiskModel }[], index: number): Layer {
  const { random, traits } = builder;
  const shape = layer.shape!;
  const kind = random.pick(["snapshot", "snapshot", "apply", "delete", "bitmap", "grow", "shrink", "work"] as const);
  const snapshotted = shape.dataFile === "none" && shape.refcountBits >= 16 && !traits.has("huge");
  // A bitmap of many small clusters has an own table for each granule: kept to what a quick case can hold.
  const bitmapped = shape.compat === "1.1" && layer.model.size > 0;
  let next = layer;
  if (kind === "snapshot" && snapshotted) {
    traits.add("snapshots");
    const name = `snap${index}`;
    builder.run("qemu-img", ["snapshot", "-c", name, layer.file]);
    snapshots.push({ name, model: layer.model.copy() });
  } else if (kind === "apply" && snapshots.length > 0 && !traits.has("bitmaps")) {
    traits.add("applied snapshot");
    const { name, model } = random.pick(snapshots);
    builder.run("qemu-img", ["snapshot", "-a", name, layer.file]);
    next = { ...layer, model: model.copy() };
  } else if (kind === "delete" && snapshots.length > 0) {
    const { name } = random.pick(snapshots);
    builder.run("qemu-img", ["snapshot", "-d", name, layer.file]);
    snapshots.splice(snapshots.findIndex((snapshot) => snapshot.name === name), 1);
  } else if (kind === "bitmap" && bitmapped && !traits.has("bitmaps")) {
    bitmaps(builder, layer);
  } else if (kind === "grow" && !(shape.compat === "0.10" && (snapshots.length > 0 || layer.hasBacking)) && !unzeroable(layer) && !traits.has("bitmaps")) {
    traits.add("grown");
    resize(builder, layer, layer.model.size + 512 * (1 + random.below(4096)), []);
  } else if (kind === "shrink" && snapshots.length === 0 && layer.model.size > 1024 && !traits.has("bitmaps") && !traits.has("huge") && shape.dataFile !== "raw") {
    traits.add("shrunk");
    // Growing again shows what a shrink left in its last cluster, so that stays out of this model: whole clusters only.
    // None of a disk that is left with no cluster: stock has no disk of 0 bytes.
    const size = Math.floor((layer.model.size * (1 + random.below(7))) / 8 / shape.clusterSize) * shape.clusterSize;
    if (size > 0) resize(builder, layer, size, ["--shrink"]);
  }
  builder.work(next, 2 + random.below(16));
  return next;
}

/** Stock sets no zero flags within a cluster of subclusters that is compressed, as the one at the disk's end may be. */
const unzeroable = ({ shape, model, hasBacking }: Layer): boolean => shape!.extendedL2 && hasBacking && model.size % shape!.clusterSize !== 0;

function resize(builder: Builder, { file, model, shape, touched }: Layer, size: number, flags: readonly string[]): void {
  // The cluster at the old end counts as touched, and so does everything above it.
  const least = Math.floor(Math.min(size, model.size) / shape!.clusterSize);
  for (let cluster = least; cluster * shape!.clusterSize < Math.max(size, model.size); cluster++) touched.add(cluster);
  builder.run("qemu-img", ["resize", "-q", ...flags, "-f", "qcow2", file, String(size)]);
  model.resize(size);
}

function bitmaps(builder: Builder, layer: Layer): void {
  const { random, traits } = builder;
  traits.add("bitmaps");
  const granularity = traits.has("huge") ? ["-g", "1M"] : random.chance(0.5) ? ["-g", random.pick(["512", "4k", "64k", "1M"])] : [];
  const bitmap = (argv: readonly string[]): void => builder.run("qemu-img", ["bitmap", ...argv]);
  bitmap(["--add", ...granularity, layer.file, "first"]);
  builder.work(layer, 4 + random.below(6));
  bitmap(["--add", ...(random.chance(0.5) ? ["--disable"] : []), ...granularity, layer.file, "second"]);
  switch (random.below(5)) {
    case 0:
      return bitmap(["--merge", "first", layer.file, "second"]);
    case 1:
      return bitmap(["--clear", layer.file, "first"]);
    case 2:
      return bitmap(["--remove", layer.file, "first"]);
    case 3:
      return bitmap(["--disable", layer.file, "first"]);
  }
}
