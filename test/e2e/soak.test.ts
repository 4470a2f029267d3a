/**
 * Random commands typed into the page, with power cycles and reloads, against the second model of the zoned rules: conditions, write
 * pointers and bytes agree all along, and the browser's memory stays. `npm run soak` runs it for half an hour; SOAK_SEED tries others.
 */
import fc from "fast-check";
import { Random } from "../../src/base/random.ts";
import { commandsOf, steps } from "../model/zoned-model-steps.ts";
import type { Command } from "../model/zoned-model-steps.ts";
import { ZonedModel } from "../model/zoned-model.ts";
import type { ModelCondition } from "../model/zoned-model.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

const MINUTES = Number(process.env["SOAK_MINUTES"] ?? 0.2);
const SEED = Number(process.env["SOAK_SEED"] ?? 8);
const KIB = 1024;
const ZONES = 48;
const SHAPE = { sizeBytes: ZONES * 256 * KIB, zoneSize: 256 * KIB, zoneCapacity: 192 * KIB, conventionalZones: 2, maxOpen: 3, maxActive: 5, maxAppend: 64 * KIB, clusterSize: 64 * KIB };
const CREATE =
  `qemu-img create -f qcow2 soak.qcow2 -o size=${SHAPE.sizeBytes},zone_model=1,zone_size=256K,zone_capacity=192K,nr_conv_zones=2,` +
  `max_open_zones=3,max_active_zones=5,max_append_sectors=128`;
/** What `zap` writes. */
const APPENDED = 0xcd;
const BATCH = 24;
const CONDITIONS: Readonly<Record<number, ModelCondition>> = { 0: "NOT_WP", 1: "EMPTY", 2: "IMPLICIT_OPEN", 3: "EXPLICIT_OPEN", 4: "CLOSED", 14: "FULL" };

/** The console line of a command, or null for one that a person does otherwise or that qemu-io does not take. */
function lineOf(command: Command): string | null {
  const aligned = (...values: readonly number[]): boolean => values.every((value) => value % 512 === 0);
  switch (command.do) {
    case "open":
    case "close":
    case "finish":
    case "reset":
      return command.length === 0 ? null : `${{ open: "zo", close: "zc", finish: "zf", reset: "zrs" }[command.do]} ${command.offset} ${command.length}`;
    case "write":
      return aligned(command.offset, command.length) ? `write -P ${command.pattern} ${command.offset} ${command.length}` : null;
    case "write-zeroes":
      return aligned(command.offset, command.length) ? `write -z ${command.unmap ? "-u " : ""}${command.offset} ${command.length}` : null;
    case "append":
      return aligned(command.offset, ...command.lengths) ? `zap ${command.offset} ${command.lengths.join(" ")}` : null;
    case "discard":
      return aligned(command.offset, command.length) ? `discard ${command.offset} ${command.length}` : null;
    default:
      return null;
  }
}

/** Does to the model what the line does. */
function carryOut(model: ZonedModel, command: Command): void {
  switch (command.do) {
    case "write":
    case "write-zeroes":
      model.write(command.do, command.offset, command.length, command.pattern);
      return;
    case "append":
      model.append(command.offset, command.lengths, APPENDED);
      return;
    case "discard":
      model.discard(command.offset, command.length);
      return;
    case "open":
    case "close":
    case "finish":
    case "reset":
      model.manage(command.do, command.offset, command.length);
      return;
    default:
  }
}

/** An empty console has nothing to clear. */
async function clear(app: Zonescope): Promise<void> {
  const button = app.page.getByRole("button", { name: "Clear", exact: true });
  if (await button.isEnabled()) await button.click();
}

/** Types a line that prints something last, and waits for it. @returns everything printed since the console was cleared */
async function settled(app: Zonescope, marker: string): Promise<string> {
  await app.type(`length`);
  await app.type(`alloc 0 512`);
  await expect(app.output.getByText(/(sectors|bytes) allocated/).last(), marker).toBeVisible({ timeout: 60_000 });
  return app.output.innerText();
}

/** Zones as `zrp` prints them, and a few runs of equal bytes of the model read back. */
async function agree(app: Zonescope, model: ZonedModel, random: Random, trace: readonly string[]): Promise<void> {
  await clear(app);
  await app.type(`zrp 0 ${ZONES}`);
  const visible = model.visible();
  for (let run = 0; run < 12; run++) {
    const from = random.below(visible.length / 512) * 512;
    let to = from + 512;
    while (to < visible.length && visible[to] === visible[from] && to - from < 512 * KIB) to++;
    const same = visible.subarray(from, to).every((byte) => byte === visible[from]);
    if (same) await app.type(`read -P ${visible[from]} ${from} ${to - from}`);
  }
  const said = await settled(app, "zones and bytes");
  const zones = [...said.matchAll(/start: 0x([0-9a-f]+), len 0x[0-9a-f]+, cap 0x[0-9a-f]+, wptr 0x([0-9a-f]+), zcond:(\d+)/g)];
  const seen = zones.map(([, start, pointer, condition]) => ({ start: parseInt(start!, 16) * 512, pointer: parseInt(pointer!, 16) * 512, condition: CONDITIONS[Number(condition)] }));
  const expected = model.zones.map(({ start, writePointer, condition }) => ({ start, pointer: writePointer, condition }));
  expect(seen, trace.join("\n")).toEqual(expected);
  expect(said, trace.join("\n")).not.toContain("Pattern verification failed");
}

test("the page and the model of the rules agree over random commands, power cycles and reloads", async ({ zonescope, page }) => {
  test.setTimeout(MINUTES * 60_000 + 240_000);
  const random = new Random(SEED);
  let app = await Zonescope.open(page);
  await app.type(CREATE);
  await expect(app.image).toHaveText("soak.qcow2");
  const model = new ZonedModel(SHAPE);
  const end = Date.now() + MINUTES * 60_000;
  const memory: number[] = [];
  let commands = 0;
  let trace: string[] = [];
  for (let round = 0; Date.now() < end || round < 3; round++) {
    await clear(app);
    for (const step of fc.sample(steps, { seed: SEED * 1_000_003 + round, numRuns: BATCH })) {
      for (const command of commandsOf(model, step)) {
        const line = lineOf(command);
        if (line === null) continue;
        trace.push(line);
        await app.type(line);
        carryOut(model, command);
        commands++;
      }
    }
    await settled(app, "the batch");
    await agree(app, model, random, trace);
    if (round % 3 === 1) {
      await page.getByRole("button", { name: "Power cycle" }).click();
      model.powerCycle();
    } else if (round % 3 === 2) {
      await app.type("flush");
      await settled(app, "the flush");
      app = await Zonescope.open(page, "soak.qcow2");
      model.powerCycle();
    }
    if (round % 3 !== 0) await agree(app, model, random, [...trace, "power cycle or reload"]);
    memory.push(zonescope.memoryBytes());
    trace = trace.slice(-200);
  }
  const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
  const quarter = Math.floor(memory.length / 4);
  const [early, late] = [middle(memory.slice(quarter, 2 * quarter)), middle(memory.slice(3 * quarter))];
  if (MINUTES >= 1) console.log(`${commands} commands in ${memory.length} rounds; memory ${Math.round(early / 1e6)} MB in the second quarter, ${Math.round(late / 1e6)} MB in the last`);
  expect(commands).toBeGreaterThan(20);
  // A short run is over before the browser has settled.
  if (MINUTES >= 5) expect(late).toBeLessThan(early * 1.15 + 20e6);
});
