/**
 * What the engine costs over a platform's own calls: the same bytes through engine calls on a zoned image and through positioned
 * calls on a bare file, both of the same length and durable when the clock starts, both growing from there, both flushed once at the end.
 */
import { Random } from "../../base/random.ts";
import { roundUp } from "../../base/units.ts";
import type { Answer, Device } from "../../engine/device.ts";
import { dataPayload } from "../../engine/payload.ts";
import { compared, median, repeat } from "./figure.ts";
import type { Figure, Label, Repeated, Unit } from "./figure.ts";
import { Bench, CountedFiles, GIB, KIB, MIB, createDevice, must, zonedOptions } from "./place.ts";
import type { Place, RawFile } from "./place.ts";

const REPEATS = 7;
/** Of the writes: neither the compiler nor the machine's other work shall decide where the median lies. */
const WRITE_REPEATS = 15;
/** Reads change nothing, so many short repeats can alternate: what else the machine does then falls on both sides alike. */
const READ_REPEATS = 41;
const IMAGE = "bench.qcow2";
const RAW = "bench.raw";
const ZONE = 64 * MIB;

/** The engine's calls, as the page and the command line make them; or the synchronous device that they unpack for. */
type Layer = "calls" | "device";

const LAYER_NAMES = { calls: "engine calls", device: "device" } as const satisfies Record<Layer, string>;

const idOf = (place: Place, name: string): string => `${place.name.split(" ")[0]!.toLowerCase()}/${name}`;

function labelOf(place: Place, layer: Layer, name: string, what: string, unit: Unit, wanted: string): Label {
  return { id: idOf(place, `${layer}/${name}`), place: `${place.name}, ${LAYER_NAMES[layer]}`, what, unit, ...(place.aimedAt ? { wanted } : {}) };
}

/** Milliseconds of the calls, and of the one flush behind them. */
interface Run {
  readonly calls: number;
  readonly flush: number;
}

async function timed(calls: () => Promise<void> | void, flush: () => Promise<unknown> | void): Promise<Run> {
  const start = performance.now();
  await calls();
  const between = performance.now();
  await flush();
  return { calls: between - start, flush: performance.now() - between };
}

async function onImage<Value>(place: Place, act: (bench: Bench) => Promise<Value>): Promise<Value> {
  const bench = new Bench(place.files);
  await bench.create(IMAGE, zonedOptions(GIB, ZONE));
  try {
    return await act(bench);
  } finally {
    await bench.drop(IMAGE);
  }
}

async function onDevice<Value>(place: Place, act: (device: Device) => Promise<Value>): Promise<Value> {
  const image = await createDevice(place.files, IMAGE, zonedOptions(GIB, ZONE));
  try {
    return await act(image.device);
  } finally {
    image.close();
    await place.files.remove(IMAGE);
  }
}

/**
 * Bytes of a new image, in whole clusters. The bare file of a sequence begins with as many: a browser asks for room whenever a file
 * outgrows a power of two, in a call of its own that takes as long as a write of a MiB, and a file that ended at such a length by itself
 * would be spared one of them.
 */
async function newImageBytes(place: Place): Promise<number> {
  const image = await createDevice(place.files, IMAGE, zonedOptions(GIB, ZONE));
  try {
    return roundUp(image.store.size(), image.device.disk.clusterSize);
  } finally {
    image.close();
    await place.files.remove(IMAGE);
  }
}

async function onRaw<Value>(place: Place, act: (file: RawFile) => Promise<Value>): Promise<Value> {
  const file = await place.createRaw(RAW);
  try {
    return await act(file);
  } finally {
    file.close();
    await place.removeRaw(RAW);
  }
}

/** Writes one behind the other, through the engine's calls, through the device below them, and through the raw file. */
interface Sequence {
  readonly count: number;
  readonly length: number;
  readonly byCall: (bench: Bench, offset: number, data: Uint8Array) => Promise<unknown>;
  readonly byDevice: (device: Device, offset: number, data: Uint8Array) => Answer<unknown>;
}

async function sequence(place: Place, layer: Layer, { count, length, byCall, byDevice }: Sequence): Promise<Repeated<Run>> {
  const before = new Uint8Array(await newImageBytes(place));
  const data = new Uint8Array(length).fill(0xcd);
  const calls = (): Promise<Run> =>
    onImage(place, (bench) =>
      timed(async () => {
        for (let index = 0; index < count; index++) await byCall(bench, index * length, data);
      }, bench.flush),
    );
  const device = (): Promise<Run> =>
    onDevice(place, (device) =>
      timed(
        () => {
          for (let index = 0; index < count; index++) must(byDevice(device, index * length, data));
        },
        () => device.flush(),
      ),
    );
  const raw = (): Promise<Run> =>
    onRaw(place, (file) => {
      file.write(0, before);
      file.flush();
      return timed(
        () => {
          for (let index = 0; index < count; index++) file.write(before.length + index * length, data);
        },
        () => file.flush(),
      );
    });
  return repeat(WRITE_REPEATS, layer === "calls" ? calls : device, raw);
}

/** Rates of a run, with its flush and without. */
const durable = (count: number, { calls, flush }: Run): number => (count * 1000) / (calls + flush);
const unflushed = (count: number, { calls }: Run): number => (count * 1000) / calls;

const zoneBelow = (offset: number): number => Math.floor(offset / ZONE) * ZONE;

async function sequentialWrites(place: Place): Promise<Figure[]> {
  const count = 64;
  const against = `${place.rawName}, the same`;
  const byLayer = async (layer: Layer): Promise<Figure[]> => {
    const runs = await sequence(place, layer, {
      count,
      length: MIB,
      byCall: (bench, offset, data) => bench.write(offset, data),
      byDevice: (device, offset, data) => device.write(offset, dataPayload(data)),
    });
    const label = (name: string, what: string): Label => labelOf(place, layer, name, what, "MiB/s", "at least 0.8");
    return [
      compared(label("sequential-writes", "1 MiB zone writes, one flush behind 64"), against, runs.map(({ ours, base }) => ({ ours: durable(count, ours), base: durable(count, base) }))),
      compared(label("sequential-writes-unflushed", "1 MiB zone writes, no flush counted"), against, runs.map(({ ours, base }) => ({ ours: unflushed(count, ours), base: unflushed(count, base) }))),
    ];
  };
  return [...(await byLayer("device")), ...(await byLayer("calls"))];
}

async function appends(place: Place): Promise<Figure[]> {
  const count = 8192;
  const byLayer = async (layer: Layer): Promise<Figure[]> => {
    const runs = await sequence(place, layer, {
      count,
      length: 4 * KIB,
      byCall: (bench, offset, data) => bench.append(zoneBelow(offset), data.length),
      byDevice: (device, offset, data) => device.append(zoneBelow(offset), [data.length], dataPayload(data)),
    });
    const label = (name: string, what: string): Label => labelOf(place, layer, name, what, "calls/s", "at least 3");
    return [
      compared(
        label("appends", "4 KiB zone appends, one flush behind 8192"),
        `${place.rawName} writes and one flush`,
        runs.map(({ ours, base }) => ({ ours: durable(count, ours), base: durable(count, base) })),
      ),
      compared(
        label("appends-unflushed", "4 KiB zone appends, no flush counted"),
        `${place.rawName} writes, no flush counted`,
        runs.map(({ ours, base }) => ({ ours: unflushed(count, ours), base: unflushed(count, base) })),
      ),
    ];
  };
  return [...(await byLayer("device")), ...(await byLayer("calls"))];
}

async function randomReads(place: Place): Promise<Figure[]> {
  const count = 2048;
  const filled = 64;
  const piece = new Uint8Array(MIB).fill(0xcd);
  const into = new Uint8Array(4 * KIB);
  const random = new Random(8);
  const offsets = Array.from({ length: count }, () => random.below((filled * MIB) / (4 * KIB)) * 4 * KIB);
  const once = (calls: () => Promise<void> | void): Promise<Run> => timed(calls, () => {});
  const onFilledRaw = <Value>(act: (file: RawFile) => Promise<Value>): Promise<Value> =>
    onRaw(place, (file) => {
      for (let index = 0; index < filled; index++) file.write(index * MIB, piece);
      file.flush();
      return act(file);
    });
  const byDevice = (): Promise<Repeated<Run>> =>
    onDevice(place, (device) => {
      for (let index = 0; index < filled; index++) must(device.write(index * MIB, dataPayload(piece)));
      device.flush();
      const read = (): Promise<Run> =>
        once(() => {
          for (const offset of offsets) must(device.read(offset, into));
        });
      const raw = (file: RawFile) => (): Promise<Run> =>
        once(() => {
          for (const offset of offsets) file.read(offset, into);
        });
      return onFilledRaw((file) => repeat(READ_REPEATS, read, raw(file)));
    });
  const byCalls = (): Promise<Repeated<Run>> =>
    onImage(place, async (bench) => {
      for (let index = 0; index < filled; index++) await bench.write(index * MIB, piece);
      await bench.flush();
      const read = (): Promise<Run> =>
        once(async () => {
          for (const offset of offsets) await bench.read(offset, 4 * KIB);
        });
      // A call answers with bytes of their own, so the yardstick's reads get theirs too.
      const raw = (file: RawFile) => (): Promise<Run> =>
        once(() => {
          for (const offset of offsets) file.read(offset, new Uint8Array(4 * KIB));
        });
      return onFilledRaw((file) => repeat(READ_REPEATS, read, raw(file)));
    });
  const figure = (layer: Layer, buffers: string, runs: Repeated<Run>): Figure =>
    compared(
      labelOf(place, layer, "random-reads", `4 KiB random reads, tables warm, ${buffers}`, "calls/s", "at least 0.6"),
      `${place.rawName} reads, ${buffers}`,
      runs.map(({ ours, base }) => ({ ours: unflushed(count, ours), base: unflushed(count, base) })),
    );
  return [figure("device", "one buffer", await byDevice()), figure("calls", "a buffer each", await byCalls())];
}

/** A flush behind each append of 4 KiB: how many flushes of the platform it takes, and how much longer than one of them. */
async function flushes(place: Place): Promise<Figure[]> {
  const count = 32;
  const counts: number[] = [];
  const data = new Uint8Array(4 * KIB).fill(0xcd);
  const ours = async (): Promise<number> => {
    const files = new CountedFiles(place.files);
    const bench = new Bench(files);
    await bench.create(IMAGE, zonedOptions(GIB, ZONE));
    let total = 0;
    try {
      for (let index = 0; index < count; index++) {
        await bench.append(0, data.length);
        files.takeFlushes();
        const start = performance.now();
        await bench.flush();
        total += performance.now() - start;
        counts.push(files.takeFlushes());
      }
    } finally {
      await bench.drop(IMAGE);
    }
    return total / count;
  };
  const raw = (): Promise<number> =>
    onRaw(place, async (file) => {
      let total = 0;
      for (let index = 0; index < count; index++) {
        file.write(index * data.length, data);
        const start = performance.now();
        file.flush();
        total += performance.now() - start;
      }
      return total / count;
    });
  const runs = await repeat(REPEATS, ours, raw);
  const label = (name: string, what: string, unit: "ms" | "flushes", wanted?: string): Label => ({ id: idOf(place, name), place: place.name, what, unit, ...(wanted === undefined ? {} : { wanted }) });
  const counted = (name: string, what: string, wanted: string, values: readonly number[]): Figure =>
    compared(label(name, what, "flushes", wanted), `${place.rawName} flushes, one`, [{ ours: median(values), base: 1 }]);
  return [
    counted("flush-count", "a device flush, median of many", "at most 3", counts),
    counted("flush-count-new-block", "a device flush, a refcount block new", "at most 4", await flushesWithNewBlocks(place)),
    compared(label("flush-time", "a device flush behind a 4 KiB append", "ms"), `${place.rawName} flush behind a 4 KiB write`, runs),
  ];
}

/** With clusters of 4 KiB a refcount block counts 8 MiB: behind each 8 MiB of data a flush has a new one to write. */
async function flushesWithNewBlocks(place: Place): Promise<number[]> {
  const files = new CountedFiles(place.files);
  const bench = new Bench(files);
  await bench.create(IMAGE, zonedOptions(GIB, ZONE, 4 * KIB));
  const piece = new Uint8Array(8 * MIB).fill(0xcd);
  const counts: number[] = [];
  try {
    for (let index = 0; index < 4; index++) {
      await bench.write(index * piece.length, piece);
      files.takeFlushes();
      await bench.flush();
      counts.push(files.takeFlushes());
    }
  } finally {
    await bench.drop(IMAGE);
  }
  return counts;
}

/** All of them; `say` hears what is being measured. */
export async function storageFigures(place: Place, say: (what: string) => void): Promise<Figure[]> {
  const figures: Figure[] = [];
  const measures = { "sequential writes": sequentialWrites, appends, "random reads": randomReads, flushes };
  for (const [name, measure] of Object.entries(measures)) {
    say(`${place.name}: ${name}`);
    figures.push(...(await measure(place)));
  }
  return figures;
}
