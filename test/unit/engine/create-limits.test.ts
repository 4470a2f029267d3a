/** Create options of any value, also such as no parser lets through: refused by name or made into an image that opens; never a bug. */
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import type { CreateOptions } from "../../../src/protocol/index.ts";
import { MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

const ODD = [Number.NaN, -1, -512, 0, 0.5, 1, 3, 12, 511, 512, 513, 1024, 4096, 65536, 2 ** 20 + 512, 2 ** 21, 2 ** 31, 2 ** 32, 2 ** 40, 2 ** 53, Infinity, -Infinity];
const ZONED_FIELDS = ["zoneSize", "zoneCapacity", "conventionalZones", "maxOpenZones", "maxActiveZones", "maxAppendBytes"] as const;

async function outcomeOf(options: CreateOptions): Promise<string> {
  const { engine } = engineFixture(new MemoryFiles());
  const made = await engine.perform("create", { file: "disk", options });
  if (!made.ok) {
    const listed = await engine.perform("listFiles", {});
    expect(listed.ok && listed.value.files, "a refused create leaves no file").toEqual([]);
    return made.error.kind === "option" ? `option ${made.error.option}` : JSON.stringify(made.error);
  }
  const opened = await engine.perform("open", { file: "disk", readOnly: false, format: "qcow2" });
  if (!opened.ok) return `created and does not open: ${JSON.stringify(opened.error)}`;
  return opened.value.facts.image.readOnly ? `opened read-only: ${opened.value.facts.image.readOnlyReason}` : "opens";
}

const acceptable = (outcome: string): boolean => outcome === "opens" || outcome.startsWith("option ");

test.each([...ZONED_FIELDS, "sizeBytes", "clusterSize", "refcountBits"] as const)("%s of any value", async (field) => {
  const found: string[] = [];
  for (const value of ODD) {
    for (const dialect of ["v4", "v9"] as const) {
      const isZoned = (ZONED_FIELDS as readonly string[]).includes(field);
      const options = createOptions({ ...(isZoned ? {} : { [field]: value }), zoned: { dialect, ...(isZoned ? { [field]: value } : {}) } });
      const outcome = await outcomeOf(options);
      if (!acceptable(outcome)) found.push(`${field} = ${value} (${dialect}): ${outcome}`);
    }
  }
  expect(found).toEqual([]);
});

test("combinations of odd values", { timeout: 120_000 }, async () => {
  const random = new Random(9);
  const found: string[] = [];
  for (let round = 0; round < 400; round++) {
    const zoned: Record<string, number> = {};
    for (const field of ZONED_FIELDS) if (random.chance(0.4)) zoned[field] = random.pick(ODD);
    const sizeBytes = random.pick([0, 1, 512, 4096, MIB, MIB + 1, 12 * MIB, 2 ** 30]);
    const options = createOptions({
      sizeBytes, clusterSize: random.pick([512, 4096, 65536, 2 ** 21]), refcountBits: random.pick([1, 16, 64]),
      zoned: { dialect: random.pick(["v4", "v7", "v9"] as const), ...zoned },
    });
    const outcome = await outcomeOf(options);
    if (!acceptable(outcome)) found.push(`${JSON.stringify(options)}: ${outcome}`);
  }
  expect(found).toEqual([]);
});
