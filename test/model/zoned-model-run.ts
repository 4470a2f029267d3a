/**
 * One sequence of commands on the engine and on the model side by side: answers, refusals, every zone, the order of implicitly
 * open zones and every byte are compared after every command; the file's reference counts at every flush and at the end.
 */
import { MemoryFiles } from "../../src/bytes/memory-files.ts";
import { engineFixture } from "../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../src/testing/engine-fixture.ts";
import type { DeviceSnapshot, Failure } from "../../src/protocol/index.ts";
import type { Result } from "../../src/base/result.ts";
import { auditImage, zonedMetadataClusters } from "./zoned-model-audit.ts";
import { cellOf } from "./zoned-model-cells.ts";
import { commandsOf } from "./zoned-model-steps.ts";
import type { Command, Disk, Step } from "./zoned-model-steps.ts";
import { ZonedModel } from "./zoned-model.ts";
import type { ModelCondition, ModelOutcome, ModelZone } from "./zoned-model.ts";

const NUMBERS: Readonly<Record<ModelCondition, number>> = { NOT_WP: 0, EMPTY: 1, IMPLICIT_OPEN: 2, EXPLICIT_OPEN: 3, CLOSED: 4, READ_ONLY: 13, FULL: 14, OFFLINE: 15 };
const IMAGE = "model.qcow2";

/** Every cell that was reached, and how often; and how many commands were carried out. */
export interface Tally {
  readonly cells: Map<string, number>;
  readonly codes: Map<string, number>;
  commands: number;
}
export const newTally = (): Tally => ({ cells: new Map(), codes: new Map(), commands: 0 });
const count = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

/** A disagreement, with the commands that led to it. */
class Disagreement extends Error {
  override readonly name = "Disagreement";
}

/** What the device looks like, as the notices and snapshots of the engine tell it. */
interface Seen {
  condition: number[];
  writePointer: number[];
  resets: number[];
  resources: string;
}

class Run {
  readonly model: ZonedModel;
  readonly disk: Disk;
  readonly tally: Tally;
  readonly files = new MemoryFiles();
  readonly fixture: EngineFixture;
  readonly trace: string[] = [];
  handle = 0;
  private seen: Seen | null = null;

  constructor(disk: Disk, tally: Tally) {
    this.disk = disk;
    this.tally = tally;
    this.fixture = engineFixture(this.files);
    this.model = new ZonedModel(disk.shape, (what, zone) => count(tally.cells, cellOf(this.model, what, zone)));
  }

  same(actual: unknown, expected: unknown, what: string): void {
    const [a, b] = [JSON.stringify(actual), JSON.stringify(expected)];
    if (a !== b) throw new Disagreement(`${what}: the engine has ${a}, the model ${b}\n${JSON.stringify(this.disk)}\n${this.trace.join("\n")}`);
  }

  async create(): Promise<void> {
    const { sizeBytes, clusterSize, zoneSize, zoneCapacity, conventionalZones, maxOpen, maxActive, maxAppend } = this.disk.shape;
    const zoned = { dialect: this.disk.dialect, zoneSize, zoneCapacity, conventionalZones, maxOpenZones: maxOpen, maxActiveZones: maxActive, maxAppendBytes: maxAppend };
    await this.fixture.ok("create", { file: IMAGE, options: { sizeBytes, clusterSize, refcountBits: this.disk.refcountBits, extendedL2: this.disk.extendedL2, zoned } });
    await this.open();
  }

  async open(): Promise<void> {
    this.handle = (await this.fixture.ok("open", { file: IMAGE, readOnly: false, format: null })).handle;
    if (this.model.profile !== "qcow2") await this.fixture.ok("setProfile", { handle: this.handle, profile: this.model.profile });
    this.takeSnapshot(await this.fixture.ok("watch", { handle: this.handle }));
  }

  takeSnapshot({ zones, resources }: DeviceSnapshot): void {
    // What was told before is older than the snapshot.
    this.takeNotices();
    this.seen = { condition: [...zones!.condition], writePointer: [...zones!.writePointer], resets: Array.from(zones!.condition, (_, zone) => zones!.resets[zone] ?? 0), resources: JSON.stringify(resources) };
    this.same([...zones!.type], this.model.zones.map((zone) => (zone.conventional ? 1 : 2)), "types");
  }

  /** Folds the notices since the last command into what the page would show. */
  takeNotices(): void {
    for (const notice of this.fixture.notices.splice(0)) {
      this.same(notice.notice, "device", "kind of notice");
      if (notice.notice !== "device" || this.seen === null) continue;
      const { zone, condition, writePointer, resets } = notice.changes;
      zone.forEach((index, row) => {
        this.seen!.condition[index] = condition[row]!;
        this.seen!.writePointer[index] = writePointer[row]!;
        this.seen!.resets[index] = resets[row]!;
      });
      this.seen.resources = JSON.stringify(notice.resources);
    }
  }

  async compare(): Promise<void> {
    const { model, handle } = this;
    const { zones } = model;
    this.same(this.seen!.condition, zones.map((zone) => NUMBERS[zone.condition]), "conditions");
    this.same(this.seen!.writePointer, zones.map((zone) => zone.writePointer), "write pointers");
    this.same(this.seen!.resets, zones.map((zone) => zone.resets), "resets");
    const { maxOpen, maxActive } = model.shape;
    const counts = { implicitOpen: model.count("IMPLICIT_OPEN"), explicitOpen: model.count("EXPLICIT_OPEN"), closed: model.count("CLOSED") };
    this.same(JSON.parse(this.seen!.resources), { ...counts, maxOpen, maxActive: model.profile === "zbc" ? 0 : maxActive, implicitOrder: model.implicitOrder }, "resources");
    const { sizeBytes } = model.shape;
    const expected = model.visible();
    const data = await this.readable(handle, sizeBytes);
    if (Buffer.compare(data, expected) === 0) return;
    const at = expected.findIndex((byte, index) => data[index] !== byte);
    this.same({ at, byte: data[at] }, { at, byte: expected[at] }, "data");
  }

  /** The whole disk, zeros where a zone is offline. */
  private async readable(handle: number, sizeBytes: number): Promise<Uint8Array> {
    if (this.model.count("OFFLINE") === 0) return (await this.fixture.ok("read", { handle, offset: 0, length: sizeBytes, pattern: null, wantData: true })).data!;
    const bytes = new Uint8Array(sizeBytes);
    for (const { condition, start, length } of this.model.zones) {
      if (condition === "OFFLINE") continue;
      bytes.set((await this.fixture.ok("read", { handle, offset: start, length, pattern: null, wantData: true })).data!, start);
    }
    return bytes;
  }

  /** After a flush nothing is counted but what is used and the zoned metadata, and an empty zone holds no whole cluster. */
  async audit(): Promise<void> {
    const bytes = await this.bytes();
    const { leaked, wrong, mapped, clusterSize } = auditImage(bytes);
    this.same(wrong, [], "audit");
    this.same(leaked, zonedMetadataClusters(bytes), "leaked clusters");
    const held = mapped.filter((cluster) =>
      this.model.zones.some((zone) => zone.condition === "EMPTY" && zone.start <= cluster * clusterSize && (cluster + 1) * clusterSize <= zone.start + zone.length),
    );
    this.same(held, [], "clusters of empty zones");
  }

  async bytes(): Promise<Uint8Array> {
    const blob = await this.files.blobOf(IMAGE);
    if (!blob.ok) throw new Disagreement("the image is gone");
    return new Uint8Array(await blob.value.arrayBuffer());
  }

  async step(command: Command): Promise<void> {
    this.trace.push(JSON.stringify(command));
    this.tally.commands++;
    await this.perform(command);
    this.takeNotices();
    await this.compare();
    if (command.do === "flush") await this.audit();
  }

  private async perform(command: Command): Promise<void> {
    const { model, handle } = this;
    const { engine } = this.fixture;
    switch (command.do) {
      case "write": {
        const { offset, length, pattern } = command;
        return this.agree(await engine.perform("write", { handle, offset, length, pattern, data: null }), model.write("write", offset, length, pattern));
      }
      case "write-zeroes": {
        const { offset, length, unmap } = command;
        return this.agree(await engine.perform("writeZeroes", { handle, offset, length, unmap }), model.write("write-zeroes", offset, length, 0));
      }
      case "append": {
        const { offset, lengths, pattern } = command;
        const got = await engine.perform("append", { handle, offset, lengths, pattern });
        const expected = model.append(offset, lengths, pattern);
        this.agree(got, expected);
        return this.same(got.ok ? got.value.offset : null, expected.ok ? expected.landed : null, "where an append landed");
      }
      case "discard": {
        const { offset, length } = command;
        return this.agree(await engine.perform("discard", { handle, offset, length }), model.discard(offset, length));
      }
      case "read": {
        const { offset, length } = command;
        const got = await engine.perform("read", { handle, offset, length, pattern: null, wantData: true });
        const expected = model.read(offset, length);
        if (!(expected instanceof Uint8Array)) return this.agree(got, expected);
        return this.same(got.ok ? [...got.value.data!] : got.error, [...expected], "read");
      }
      case "report": {
        const { offset, count: most } = command;
        const got = await engine.perform("report", { handle, offset, count: most });
        const expected = model.report(offset, most);
        if ("ok" in expected) return this.agree(got, expected);
        return this.same(got.ok ? got.value : got.error, expected.map((zone) => descriptorOf(zone, model.reportedCapacity(zone))), "report");
      }
      case "profile":
        model.follow(command.profile);
        await this.fixture.ok("setProfile", { handle, profile: command.profile });
        return this.takeSnapshot(await this.fixture.ok("watch", { handle }));
      case "wear": {
        const { offset, to } = command;
        return this.agree(await engine.perform("wear", { handle, offset, condition: NUMBERS[to] as 13 | 15 }), model.wear(offset, to));
      }
      case "flush":
        return this.agree(await engine.perform("flush", { handle }), { ok: true });
      case "powerCycle": {
        const got = await engine.perform("powerCycle", { handle });
        model.powerCycle();
        this.agree(got, { ok: true });
        if (got.ok) this.takeSnapshot(got.value);
        return;
      }
      case "reopen":
        await this.fixture.ok("close", { handle });
        await this.audit();
        model.powerCycle();
        return this.open();
      default: {
        const { do: operation, offset, length } = command;
        const one = model.zones.find((zone) => !zone.conventional && zone.start === offset && zone.length === length);
        const before = one?.condition;
        const foretold = one === undefined ? null : (await this.fixture.ok("zoneSteps", { handle, zone: one.index })).find((step) => step.operation === operation)!;
        const got = await engine.perform("manage", { handle, operation, offset, length });
        this.agree(got, model.manage(operation, offset, length));
        if (foretold === null) return;
        this.same(foretold.refusal, got.ok ? null : got.error, "the refusal that was foretold");
        const { to, implicitlyCloses } = foretold;
        if (got.ok) this.same(to ?? NUMBERS[before!], NUMBERS[one!.condition], "the condition that was foretold");
        if (implicitlyCloses !== null) this.same(NUMBERS[model.zones[implicitlyCloses]!.condition], NUMBERS.CLOSED, "the zone that was foretold to be closed");
        return;
      }
    }
  }

  private agree(got: Result<unknown, Failure>, expected: ModelOutcome): void {
    const told = got.ok ? "done" : got.error.kind === "zone" ? { code: got.error.code, zone: got.error.zone } : got.error;
    this.same(told, expected.ok ? "done" : { code: expected.code, zone: expected.zone }, "outcome");
    if (!expected.ok) count(this.tally.codes, expected.code);
  }
}

const descriptorOf = (zone: ModelZone, capacity: number): object => ({
  zone: zone.index,
  type: zone.conventional ? 1 : 2,
  condition: NUMBERS[zone.condition],
  start: zone.start,
  length: zone.length,
  capacity,
  writePointer: zone.writePointer,
});

/**
 * Runs commands, each made when the model has done those before it, then closes and reopens.
 * @returns the image's bytes. @throws Disagreement
 */
async function run(disk: Disk, commands: (model: ZonedModel) => Iterable<Command>, tally: Tally): Promise<Uint8Array> {
  const run = new Run(disk, tally);
  await run.create();
  await run.compare();
  for (const command of commands(run.model)) await run.step(command);
  await run.step({ do: "report", offset: 0, count: 99 });
  await run.step({ do: "reopen" });
  await run.fixture.ok("close", { handle: run.handle });
  return run.bytes();
}

export const runSteps = (disk: Disk, steps: readonly Step[], tally: Tally): Promise<Uint8Array> =>
  run(disk, function* (model) {
    for (const step of steps) yield* commandsOf(model, step);
  }, tally);

export const runCommands = (disk: Disk, commands: readonly Command[], tally: Tally): Promise<Uint8Array> => run(disk, () => commands, tally);
