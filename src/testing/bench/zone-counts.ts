/**
 * What one command costs on a device of few zones and of many: the same calls on eight zones spread over each device, in
 * memory, so that the engine's own work is all there is. The device is watched, as the page watches it.
 */
import { MemoryFiles } from "../../bytes/memory-files.ts";
import { alone, compared, median } from "./figure.ts";
import type { Figure } from "./figure.ts";
import { Bench, GIB, KIB, MIB, zonedOptions } from "./place.ts";

const REPEATS = 7;
const TOUCHED = 8;
const IMAGE = "bench.qcow2";
const PLACE = "Node in memory";

interface Device {
  readonly name: string;
  readonly zones: number;
  readonly zoneSize: number;
  /** Microseconds a call, one sample per repeat, by command. */
  readonly samples: Map<string, number[]>;
}

const device = (name: string, sizeBytes: number, zoneSize: number): Device => ({ name, zones: sizeBytes / zoneSize, zoneSize, samples: new Map() });

const byZones = (): Device[] => [10, 1_000, 100_000, 2 ** 20].map((zones) => device(`${zones.toLocaleString("en")} zones`, zones * MIB, MIB));
const bySize = (): Device[] => [device("1 GiB", GIB, 64 * MIB), device("4 TiB", 4096 * GIB, 64 * MIB)];

/** Runs each command many times on one device and notes the mean cost of a call. */
async function sample({ zones, zoneSize, samples }: Device): Promise<void> {
  const note = (command: string, microseconds: number): void => void samples.set(command, [...(samples.get(command) ?? []), microseconds]);
  const bench = new Bench(new MemoryFiles());
  const touched = Array.from({ length: TOUCHED }, (_, index) => Math.floor((index * (zones - 1)) / (TOUCHED - 1)) * zoneSize);
  await bench.create(IMAGE, zonedOptions(zones * zoneSize, zoneSize));
  await bench.watch();
  const measure = async (command: string, rounds: number, callsPerRound: number, act: (zone: number, round: number) => Promise<void>): Promise<void> => {
    const start = performance.now();
    for (let round = 0; round < rounds; round++) for (const zone of touched) await act(zone, round);
    note(command, ((performance.now() - start) * 1000) / (rounds * TOUCHED * callsPerRound));
  };
  await measure("append", 192, 1, async (zone) => void (await bench.append(zone, 4 * KIB)));
  await measure("read", 192, 1, async (zone, round) => void (await bench.read(zone + (round % 192) * 4 * KIB, 4 * KIB)));
  await measure("report", 192, 1, async (zone) => void (await bench.report(zone, 1)));
  await measure("open, close", 192, 2, async (zone) => {
    await bench.manage("open", zone, zoneSize);
    await bench.manage("close", zone, zoneSize);
  });
  await measure("append, flush", 16, 2, async (zone) => {
    await bench.append(zone, 4 * KIB);
    await bench.flush();
  });
  await measure("append, finish, reset", 32, 3, async (zone) => {
    await bench.manage("reset", zone, zoneSize);
    await bench.append(zone, 4 * KIB);
    await bench.manage("finish", zone, zoneSize);
  });
  await bench.drop(IMAGE);
}

async function sampleAll(devices: readonly Device[]): Promise<void> {
  for (let index = -1; index < REPEATS; index++) {
    for (const each of devices) await sample(each);
    // The first round warms the compiler, for the first device above all.
    if (index < 0) for (const { samples } of devices) samples.clear();
  }
}

/** One figure per device and one per command: the ratio to the first device. */
function figuresOf(devices: readonly Device[], id: string): Figure[] {
  const first = devices[0]!;
  const commands = [...first.samples.keys()];
  const mean = (samples: Device["samples"], repeatIndex: number): number =>
    commands.reduce((sum, command) => sum + samples.get(command)![repeatIndex]!, 0) / commands.length;
  const figures: Figure[] = [
    alone({ id: `${id}/${first.name}`, place: PLACE, what: `a command at ${first.name}`, unit: "µs" }, first.samples.get(commands[0]!)!.map((_, index) => mean(first.samples, index))),
  ];
  for (const each of devices.slice(1)) {
    const pairs = first.samples.get(commands[0]!)!.map((_, index) => ({ ours: mean(each.samples, index), base: mean(first.samples, index) }));
    const worst = commands
      .map((command) => ({ command, ratio: median(each.samples.get(command)!) / median(first.samples.get(command)!) }))
      .reduce((a, b) => (b.ratio > a.ratio ? b : a));
    const what = `a command at ${each.name} (most: ${worst.command} ${worst.ratio.toFixed(2)})`;
    figures.push(compared({ id: `${id}/${each.name}`, place: PLACE, what, unit: "µs", wanted: "flat" }, first.name, pairs));
  }
  return figures;
}

export async function zoneCountFigures(say: (what: string) => void): Promise<Figure[]> {
  say(`${PLACE}: commands by number of zones`);
  const zones = byZones();
  await sampleAll(zones);
  say(`${PLACE}: commands by size`);
  const sizes = bySize();
  await sampleAll(sizes);
  return [...figuresOf(zones, "zones"), ...figuresOf(sizes, "size")];
}
