/** Random work on one image as qemu-io's commands, with the model changed along: what stock 7.2 carries out without a refusal. */
import type { Random } from "../../../src/base/random.ts";
import type { DiskModel } from "./disk-model.ts";
import type { Shape } from "./shape.ts";

/** A file of bytes that compress somewhat, beside the images, for `write -s`. */
export const NOISE_FILE = "noise";

/** Its bytes: half of each line repeats, half does not. */
export function noise(random: Random): Uint8Array {
  const bytes = new Uint8Array(48 * 1024);
  for (let at = 0; at < bytes.length; at++) bytes[at] = at % 64 < 32 ? 0x61 + (at % 8) : random.below(256);
  return bytes;
}

export interface Worked {
  readonly model: DiskModel;
  /** null for a raw file. */
  readonly shape: Shape | null;
  readonly hasBacking: boolean;
  /** Guest clusters that may be allocated, which a compressed write refuses to replace. */
  readonly touched: Set<number>;
}

const LONGEST = 1024 * 1024;

/**
 * Draws `count` commands at most, for one session of qemu-io. Where stock is to run them the compressed writes come first: within
 * one session stock 7.2 and 10.0 pack a stream into what was left of a cluster of streams even when that cluster has been freed
 * and given to plain data since, and so overwrite the data.
 * @param mixed compressed writes come at any place; for this program only
 * @returns the lines, one command each
 */
export function drawWork(random: Random, worked: Worked, noiseBytes: Uint8Array, count: number, mixed: boolean): string[] {
  const { model, shape } = worked;
  const lines: string[] = [];
  if (model.size === 0) return lines;
  const canCompress = shape !== null && shape.dataFile === "none";
  const packedFirst = canCompress ? random.below(Math.ceil(count / 2)) : 0;
  for (let index = 0; index < count; index++) {
    const packs = canCompress && (mixed ? random.chance(0.25) : index < packedFirst);
    const line = packs ? drawCompressed(random, worked, shape.clusterSize, noiseBytes) : drawPlain(random, worked, noiseBytes);
    if (line !== null) lines.push(line);
  }
  return lines;
}

function drawPlain(random: Random, worked: Worked, noiseBytes: Uint8Array): string {
  const { model, shape } = worked;
  const roll = random.next() / 2 ** 32;
  const { offset, length } = drawRange(random, model.size, shape?.clusterSize ?? 64 * 1024);
  if (roll < 0.55) {
    touch(worked, offset, length);
    return drawWrite(random, model, offset, length, noiseBytes, "");
  }
  if (roll < 0.8 || shape === null) {
    touch(worked, offset, length);
    model.zero(offset, length);
    return `write -z ${random.chance(0.4) ? "-u " : ""}${offset} ${length}`;
  }
  discard(worked, shape, offset, length);
  return `discard ${offset} ${length}`;
}

function drawWrite(random: Random, model: DiskModel, offset: number, length: number, noiseBytes: Uint8Array, flags: string): string {
  if (random.chance(0.3)) {
    model.write(offset, length, noiseBytes);
    return `write ${flags}-s ${NOISE_FILE} ${offset} ${length}`;
  }
  const pattern = random.below(256);
  model.write(offset, length, Uint8Array.of(pattern));
  return `write ${flags}-P ${pattern} ${offset} ${length}`;
}

/** Whole clusters that nothing has touched; null where none was found. */
function drawCompressed(random: Random, worked: Worked, clusterSize: number, noiseBytes: Uint8Array): string | null {
  const { model, touched } = worked;
  const clusters = Math.ceil(model.size / clusterSize);
  const first = random.below(Math.min(clusters, 2 ** 31));
  const most = 1 + random.below(4);
  let count = 0;
  while (count < most && first + count < clusters && !touched.has(first + count)) count++;
  if (count === 0) return null;
  const offset = first * clusterSize;
  const length = Math.min(model.size - offset, count * clusterSize);
  touch(worked, offset, length);
  return drawWrite(random, model, offset, length, noiseBytes, "-c ");
}

function drawRange(random: Random, size: number, clusterSize: number): { offset: number; length: number } {
  // Ends of a huge disk and neighbours of one another are more telling than what lies between.
  const anywhere = size > 2 ** 32 ? random.pick([0, size / 2, size - 2 * LONGEST]) + random.below(2 * LONGEST) : random.below(size);
  const unit = random.pick([1, 512, Math.max(512, clusterSize / 32), clusterSize, clusterSize, clusterSize]);
  const offset = Math.floor(anywhere / unit) * unit;
  const most = random.pick([1, 4, 16]) * Math.min(clusterSize, LONGEST / 16);
  const wanted = Math.max(1, Math.ceil((1 + random.below(most)) / unit) * unit);
  return { offset, length: Math.min(size - offset, wanted) };
}

function touch({ shape, touched }: Worked, offset: number, length: number): void {
  if (shape === null) return;
  for (let cluster = Math.floor(offset / shape.clusterSize); cluster * shape.clusterSize < offset + length; cluster++) touched.add(cluster);
}

/** Only whole clusters go, the one cut by the disk's end among them; of a version 2 image over a backing file none, for it has no zero clusters. */
function discard({ model, hasBacking, touched }: Worked, shape: Shape, offset: number, length: number): void {
  if (shape.compat === "0.10" && hasBacking) return;
  const { clusterSize } = shape;
  const start = Math.ceil(offset / clusterSize) * clusterSize;
  const end = offset + length === model.size ? model.size : Math.floor((offset + length) / clusterSize) * clusterSize;
  if (start >= end) return;
  model.zero(start, end - start);
  for (let at = start; at < end; at += clusterSize) touched.add(at / clusterSize);
}
