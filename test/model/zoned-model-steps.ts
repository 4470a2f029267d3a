/**
 * Random shapes of zoned devices and random commands for them. A step is abstract ("write to a closed zone, filling it") and
 * becomes concrete offsets only when it meets a model, so that shrinking a sequence keeps its steps meaningful.
 */
import fc from "fast-check";
import type { Dialect } from "../../src/protocol/index.ts";
import { COLUMNS, columnOf } from "./zoned-model-cells.ts";
import type { Column } from "./zoned-model-cells.ts";
import type { ModelManagement, ModelProfile, ModelShape, ModelWrite, ModelZone, ZonedModel } from "./zoned-model.ts";

export type Command =
  | { readonly do: ModelManagement; readonly offset: number; readonly length: number }
  | { readonly do: "write" | "write-zeroes"; readonly offset: number; readonly length: number; readonly pattern: number; readonly unmap: boolean }
  | { readonly do: "append"; readonly offset: number; readonly lengths: readonly number[]; readonly pattern: number }
  | { readonly do: "discard" | "read"; readonly offset: number; readonly length: number }
  | { readonly do: "report"; readonly offset: number; readonly count: number }
  | { readonly do: "profile"; readonly profile: ModelProfile }
  | { readonly do: "wear"; readonly offset: number; readonly to: "READ_ONLY" | "OFFLINE" }
  | { readonly do: "flush" | "powerCycle" | "reopen" };

interface Target {
  /** The column of the table that the zone shall be of, if there is such a zone. */
  readonly column: Column;
  readonly pick: number;
}
export type Step =
  | { readonly step: "manage"; readonly operation: ModelManagement; readonly target: Target; readonly zones: number; readonly damage: number }
  | { readonly step: "write"; readonly kind: ModelWrite; readonly target: Target; readonly where: number; readonly fit: number; readonly pick: number; readonly pattern: number }
  | { readonly step: "saturate"; readonly explicit: number; readonly pick: number; readonly count: number }
  | { readonly step: "area"; readonly do: "read" | "discard" | "report"; readonly target: Target; readonly from: number; readonly length: number }
  | { readonly step: "rules"; readonly pick: number }
  | { readonly step: "wear"; readonly target: Target; readonly to: "READ_ONLY" | "OFFLINE" }
  | { readonly step: "plain"; readonly do: "flush" | "powerCycle" | "reopen" };

/** What an image is made of; `shape` is all that the rules know of it. */
export interface Disk {
  readonly shape: ModelShape;
  readonly refcountBits: number;
  readonly dialect: Dialect;
  readonly extendedL2: boolean;
}

/** The smallest cluster that has subclusters. */
export const LEAST_EXTENDED_CLUSTER = 16384;

const nat = (max: number): fc.Arbitrary<number> => fc.nat({ max });
const oneOf = <Value>(...values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values);

/** Pairs of zone and cluster size in every relation: many zones to a cluster, one to one, many clusters to a zone. */
const SIZES: readonly (readonly [zone: number, cluster: number])[] = [
  [4096, 65536], [4096, 65536], [8192, 16384], [4096, 4096], [8192, 512], [16384, 4096], [32768, 65536], [65536, 65536], [65536, 4096], [2048, 1024], [4096, 1024],
];

export const disks: fc.Arbitrary<Disk> = fc
  .record({
    sizes: oneOf(...SIZES),
    zones: fc.integer({ min: 5, max: 9 }),
    conventional: oneOf(0, 0, 1, 2, 3),
    limits: oneOf([1, 2], [2, 2], [2, 3], [2, 3], [3, 3], [0, 2], [0, 3], [2, 0], [2, 0], [1, 0], [3, 4], [2, 4], [0, 0]),
    capacity: oneOf("size", "half", "size", "less", "three"),
    last: oneOf("whole", "short", "below capacity", "sector"),
    append: oneOf("large", "large", "large", "large", "small", "off"),
    refcountBits: oneOf(1, 2, 4, 8, 16, 16, 32, 64),
    dialect: oneOf<Dialect>("v4", "v4", "v4", "v7", "v9"),
    subclusters: oneOf(false, false, true),
  })
  .map(({ sizes: [zoneSize, clusterSize], zones, conventional, limits, capacity, last, append, refcountBits, dialect, subclusters }) => {
    const capacities = { size: zoneSize, half: zoneSize / 2, less: zoneSize - 1024, three: 1536 };
    const zoneCapacity = capacities[capacity as keyof typeof capacities];
    const tails = { whole: zoneSize, short: zoneSize - 512, "below capacity": zoneCapacity - 512, sector: 512 };
    const sizeBytes = (zones - 1) * zoneSize + tails[last as keyof typeof tails];
    const maxAppend = { large: 65536, small: 1024, off: 0 }[append as "large" | "small" | "off"];
    const [maxOpen, maxActive] = limits as [number, number];
    const extendedL2 = subclusters && clusterSize >= LEAST_EXTENDED_CLUSTER;
    return { refcountBits, dialect, extendedL2, shape: { sizeBytes, zoneSize, zoneCapacity, conventionalZones: conventional, maxOpen, maxActive, maxAppend, clusterSize } };
  });

const targets: fc.Arbitrary<Target> = fc.record({ column: fc.constantFrom(...COLUMNS), pick: nat(7) });
const managements = oneOf<ModelManagement>("open", "close", "finish", "reset");

export const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 7, arbitrary: fc.record({ step: fc.constant("manage" as const), operation: managements, target: targets, zones: oneOf(1, 1, 1, 1, 1, 1, 2, 3, 99), damage: nat(24) }) },
  {
    weight: 18,
    arbitrary: fc.record({
      step: fc.constant("write" as const), kind: oneOf<ModelWrite>("write", "write", "write-zeroes", "write-zeroes", "append"),
      target: targets, where: nat(6), fit: nat(7), pick: nat(63), pattern: fc.integer({ min: 1, max: 255 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ step: fc.constant("saturate" as const), explicit: oneOf(0, 1, 1, 2, 9), pick: nat(7), count: oneOf(2, 3, 4, 9) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant("area" as const), do: oneOf<"read" | "discard" | "report">("read", "discard", "discard", "report"),
      target: targets, from: nat(9), length: nat(9),
    }),
  },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("plain" as const), do: oneOf<"flush" | "powerCycle" | "reopen">("flush", "flush", "flush", "powerCycle", "powerCycle", "reopen") }) },
);

const PROFILES: readonly ModelProfile[] = ["v4-as-posted", "zns", "zbc", "null_blk", "qcow2"];

/** The same, and now and then other rules, and a zone that wears out; the first step already chooses rules. */
export const stepsUnderProfiles = (length: number): fc.Arbitrary<Step[]> => {
  const rules = fc.record({ step: fc.constant("rules" as const), pick: nat(4) });
  const wear = fc.record({ step: fc.constant("wear" as const), target: targets, to: oneOf("READ_ONLY" as const, "OFFLINE" as const) });
  const rest = fc.array(fc.oneof({ weight: 60, arbitrary: steps }, { weight: 1, arbitrary: rules }, { weight: 1, arbitrary: wear }), { minLength: 1, maxLength: length, size: "max" });
  return fc.tuple(rules, rest).map(([first, others]) => [first, ...others]);
};

function zoneFor(model: ZonedModel, { column, pick }: Target): ModelZone {
  const wanted = model.zones.filter((zone) => columnOf(zone) === column);
  const from = wanted.length > 0 ? wanted : model.zones;
  return from[pick % from.length]!;
}

/** The commands of a step, each made when the model has done those before it. */
export function* commandsOf(model: ZonedModel, step: Step): Generator<Command> {
  switch (step.step) {
    case "manage":
      yield manageOf(model, step);
      return;
    case "write":
      yield writeOf(model, step);
      return;
    case "saturate":
      yield* saturate(model, step);
      return;
    case "rules": {
      // NVMe has no conventional zones, so that a disk with some cannot follow its rules.
      const profile = PROFILES[step.pick]!;
      yield { do: "profile", profile: profile === "zns" && model.shape.conventionalZones > 0 ? "null_blk" : profile };
      return;
    }
    case "wear":
      yield { do: "wear", offset: zoneFor(model, step.target).start, to: step.to };
      return;
    case "area":
      yield areaOf(model, step);
      return;
    default:
      yield { do: step.do };
  }
}

function manageOf(model: ZonedModel, { operation, target, zones, damage }: Extract<Step, { step: "manage" }>): Command {
  const { sizeBytes, zoneSize } = model.shape;
  if (zones === 99) return { do: operation, offset: 0, length: sizeBytes };
  const zone = zoneFor(model, target);
  const end = Math.min(zone.start + zones * zoneSize, sizeBytes);
  const good = { do: operation, offset: zone.start, length: end - zone.start };
  switch (damage) {
    case 0:
      return { ...good, offset: zone.start + 512 };
    case 1:
      return { ...good, length: good.length - 512 };
    case 2:
      return { ...good, length: 0 };
    case 3:
      return { ...good, length: sizeBytes - zone.start + zoneSize };
    case 4:
      return { do: operation, offset: sizeBytes, length: 0 };
    default:
      return good;
  }
}

function writeOf(model: ZonedModel, { kind, target, where, fit, pick, pattern }: Extract<Step, { step: "write" }>): Command {
  const { sizeBytes } = model.shape;
  const zone = zoneFor(model, target);
  const limit = zone.start + zone.capacity;
  const sectors = (length: number): number => Math.max(0, Math.floor(length / 512));
  const among = (length: number): number => 512 * (1 + (pick % Math.max(1, sectors(length) - 1)));
  let offset = zone.writePointer;
  if (zone.conventional) offset = zone.start + 512 * (pick % sectors(zone.length)) + (where === 6 ? 100 : 0);
  else if (where < 2) offset = Math.max(zone.start, zone.writePointer - among(zone.writePointer - zone.start));
  else if (where < 4) offset = zone.writePointer + among(Math.min(zone.start + zone.length, fit < 5 ? limit - 512 : Infinity) - zone.writePointer);
  else if (where === 6 && pick < 8) offset += 100;
  if (kind === "append") offset = zone.writePointer;
  offset = Math.min(offset, sizeBytes - 512);
  let length = 512;
  if (zone.conventional) length = fit === 0 ? 700 : 512 * (pick % 5) + (fit === 1 ? zone.length : 512);
  else if (fit < 3) length = among(limit - offset);
  else if (fit < 5) length = Math.max(512, limit - offset);
  else if (fit < 7) length = Math.max(512, limit - offset + 512);
  else length = pick === 0 ? 0 : pick === 1 ? 100 : pick === 2 ? sizeBytes : 512;
  if (kind !== "append") return { do: kind, offset, length, pattern: kind === "write" ? pattern : 0, unmap: pick % 2 === 0 };
  // An append by its vector: in one piece or in three, of which one may be empty.
  const third = 512 * Math.floor(length / 1536);
  const lengths = pick % 2 === 0 ? [length] : [third, 0, length - third];
  const address = where === 0 && fit < 2 ? zone.start + 512 : where === 1 && fit < 1 ? sizeBytes : zone.start;
  return { do: "append", offset: Math.min(address, sizeBytes), lengths, pattern };
}

/** Uses up open slots, the first `explicit` of them by OPEN, so that the cells with a limit in reach are not rare. */
function* saturate(model: ZonedModel, { explicit, pick, count }: Extract<Step, { step: "saturate" }>): Generator<Command> {
  const { zones } = model;
  let left = count;
  for (let index = 0; index < zones.length && left > 0; index++) {
    const zone = zones[(index + pick) % zones.length]!;
    if (zone.condition !== "EMPTY" && zone.condition !== "CLOSED") continue;
    if (count - left-- < explicit) yield { do: "open", offset: zone.start, length: zone.length };
    else yield { do: "write", offset: zone.writePointer, length: 512, pattern: pick + 1, unmap: false };
  }
}

function areaOf(model: ZonedModel, { do: kind, target, from, length }: Extract<Step, { step: "area" }>): Command {
  const { sizeBytes, clusterSize } = model.shape;
  const zone = zoneFor(model, target);
  const offset = zone.start + Math.floor((zone.length * from) / 10 / 256) * 256;
  const { start: end } = model.zones[model.shape.conventionalZones]!;
  // A discard that stays among conventional zones, or one that may not.
  const whole = length === 0 ? sizeBytes : Math.min(clusterSize * length, sizeBytes - offset);
  if (kind === "discard") return { do: kind, offset, length: zone.conventional && from < 7 ? Math.min(end - offset, clusterSize * length) : whole };
  if (kind === "report") return { do: kind, offset: from === 9 ? sizeBytes : offset, count: length };
  return { do: kind, offset: offset + from, length: length === 9 ? sizeBytes : Math.min(777 * length, sizeBytes - offset - from) };
}
