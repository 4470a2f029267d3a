/**
 * The zoned device against a second, simple model of its rules: every cell of the transitions table that can be, one by one, and
 * then random disks with random commands; everything is compared after each command. ZONES_SEED and ZONES_RUNS try others.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { inScratchFolder, stockCheck } from "../../src/testing/stock.ts";
import { zonedMetadataClusters } from "./zoned-model-audit.ts";
import { possibleCells } from "./zoned-model-cells.ts";
import { directed } from "./zoned-model-directed.ts";
import { newTally, runCommands, runSteps } from "./zoned-model-run.ts";
import { disks, steps } from "./zoned-model-steps.ts";

const SEED = Number(process.env["ZONES_SEED"] ?? 20261);
const RUNS = Number(process.env["ZONES_RUNS"] ?? 300);
const STEPS = 70;
/** Of every so many random runs one image goes to stock qemu-img check. */
const STOCK_EVERY = 20;

const CODES = [
  "append-disabled", "append-too-large", "conventional-zone", "exceeds-capacity", "invalid-transition", "misaligned",
  "not-at-write-pointer", "out-of-range", "too-many-active", "too-many-open", "unsupported", "zone-full",
];

test("every cell of the transitions table is reached, and the device does there what the model does", { timeout: 600_000 }, async () => {
  const tally = newTally();
  const cells = [...possibleCells()];
  expect(cells.length).toBeGreaterThan(900);
  const missed: string[] = [];
  for (const [index, cell] of cells.entries()) {
    const before = tally.cells.get(cell) ?? 0;
    const { disk, commands } = directed(cell, index);
    await runCommands(disk, commands, tally);
    if ((tally.cells.get(cell) ?? 0) === before) missed.push(cell);
  }
  expect(missed).toEqual([]);
});

test("random commands on random disks do what the model does", { timeout: 600_000 }, async () => {
  const tally = newTally();
  let runs = 0;
  await inScratchFolder((folder) =>
    fc.assert(
      fc.asyncProperty(disks, fc.array(steps, { minLength: 1, maxLength: STEPS, size: "max" }), async (disk, sequence) => {
        const image = await runSteps(disk, sequence, tally);
        if (disk.dialect !== "v4" || ++runs % STOCK_EVERY !== 0) return;
        const file = join(folder, "image.qcow2");
        writeFileSync(file, image);
        expect(stockCheck(file)).toEqual({ status: 3, corruptions: 0, leaks: zonedMetadataClusters(image).length, checkErrors: 0 });
      }),
      { seed: SEED, numRuns: RUNS },
    ),
  );
  const possible = possibleCells();
  expect([...tally.cells.keys()].filter((cell) => !possible.has(cell)), "cells that were thought impossible").toEqual([]);
  expect([...tally.codes.keys()].sort(), "refusals that were met").toEqual(CODES);
  if (process.env["ZONES_PRINT"] !== undefined) {
    const reached = [...possible].filter((cell) => tally.cells.has(cell)).length;
    console.log(`${tally.commands} random commands, ${reached} of ${possible.size} cells, ${runs} images of v4, refusals:`, Object.fromEntries(tally.codes));
  }
});
