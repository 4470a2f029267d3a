/**
 * Every inspector call over images that somebody broke: each answers soon and with a value, nothing is a defect of ours, and what the
 * layout says of leaks and of double use is what the check finds in the same file.
 */
import { readFileSync, readdirSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { Random } from "../../../src/base/random.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { LAYOUT_KINDS } from "../../../src/protocol/index.ts";
import type { CallName, LayoutKind, LayoutReport, Outcome, RequestOf } from "../../../src/protocol/index.ts";
import { mutate } from "../../../src/testing/hostile/mutator.ts";
import { putBytes } from "../../../src/testing/hostile/torment.ts";
import { tellProgress } from "./progress.ts";

const FOLDER = "test/unit/hostile/data";
const ENDING = ".qcow2.gz";
const SEED = Number(process.env["FUZZ_SEED"] ?? 1);
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 10);
/** Others than those that the commands meet by the same seed. */
const FIRST = 500_000;
const MOST_CPU_MS = 3000;

const imageOf = (name: string): Uint8Array => new Uint8Array(gunzipSync(readFileSync(`${FOLDER}/${name}${ENDING}`)));
const names = readdirSync(FOLDER).filter((file) => file.endsWith(ENDING)).map((file) => file.slice(0, -ENDING.length)).sort();
const raw = new Uint8Array(512 * 1024).fill(0x51, 0, 256 * 1024);

const countOf = (layout: LayoutReport, kind: LayoutKind): number => layout.counts[LAYOUT_KINDS.indexOf(kind)]!;

interface Seen {
  readonly wrong: string[];
  /** Leaks and clusters counted too low, by the layout and by the check; null where one of them was refused. */
  readonly compared: { readonly layout: readonly number[]; readonly check: readonly number[] } | null;
}

async function inspectAll(bytes: Uint8Array, random: Random): Promise<Seen> {
  const files = new MemoryFiles(() => 0);
  await putBytes(files, "image", bytes);
  await putBytes(files, "base.raw", raw);
  await putBytes(files, "data.raw", raw);
  const engine = new Engine({ files, notify: () => undefined, now: () => Date.now() });
  const wrong: string[] = [];
  const call = async <Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<Outcome<Name>> => {
    const started = process.cpuUsage();
    const outcome = await engine.perform(name, request);
    const { user, system } = process.cpuUsage(started);
    if ((user + system) / 1000 > MOST_CPU_MS) wrong.push(`${name} took ${(user + system) / 1000} ms of the processor`);
    if (!outcome.ok && outcome.error.kind === "bug") wrong.push(`${name} ${JSON.stringify(request)}: ${outcome.error.message}`);
    return outcome;
  };
  const begun = await call("inspect", { file: "image" });
  if (!begun.ok) return { wrong: [...wrong, `inspect was refused: ${JSON.stringify(begun.error)}`], compared: null };
  const { inspection, header } = begun.value;
  if (header !== null) {
    const all = [...header.fields, ...header.extensions.flatMap(({ fields }) => fields)];
    if (header.problem !== null && !all.some(({ problem }) => problem !== null) && !header.extensions.some(({ problem }) => problem !== null) && header.problem.field !== "length") wrong.push(`no field has the header's problem: ${JSON.stringify(header.problem)}`);
  }
  await call("tableEntries", { inspection, l1Index: null, from: 0, count: 4096 });
  for (const l1Index of [0, 1, random.below(100)]) await call("tableEntries", { inspection, l1Index, from: 0, count: 4096 });
  for (const view of ["host", "guest"] as const) {
    for (const offset of [0, 65536, random.below(bytes.length)]) await call("bytesAt", { inspection, view, offset, length: 65536 });
    await call("search", { inspection, view, needle: new Uint8Array([0x51, 0x51]), from: 0, backwards: false });
    await call("search", { inspection, view, needle: new Uint8Array([1, 2, 3]), from: bytes.length, backwards: true });
  }
  for (let times = 0; times < 12; times++) await call("locate", { inspection, hostOffset: random.below(bytes.length) });
  for (const guestOffset of [0, 65536, 300_000]) await call("locate", { inspection, guestOffset });
  await call("verifyCompressed", { inspection });
  const layout = await call("layout", { inspection });
  await call("repairPlan", { inspection, mode: "all" });
  await call("saveAs", { inspection, form: { format: "raw" }, to: "saved.raw" });
  await call("saveAs", { inspection, form: { format: "qcow2", compressed: true, dialect: null }, to: "saved.qcow2" });
  await call("saveAs", { inspection, form: { format: "range", view: "host", offset: 0, lengthBytes: Math.min(1000, bytes.length) }, to: "range" });
  await call("endInspection", { inspection });
  const opened = await call("open", { file: "image", format: "qcow2", readOnly: true, inspect: true });
  const check = opened.ok ? await call("check", { handle: opened.value.handle }) : opened;
  if (!layout.ok || !check.ok || layout.value.problem !== null || check.value.told > check.value.findings.length) return { wrong, compared: null };
  // The check compares every cluster up to the last that a reference reaches; behind the file's end none has a cell.
  const clusters = Math.ceil(bytes.length / layout.value.clusterSize);
  const found = (name: "leak" | "refcount-too-low"): number => check.value.findings.filter((finding) => finding.finding === name && finding.cluster < clusters).length;
  return { wrong, compared: { layout: [countOf(layout.value, "leaked"), countOf(layout.value, "used-twice")], check: [found("leak"), found("refcount-too-low")] } };
}

test.each(names)("%s, as it is: everything answers, and no cluster is leaked or used twice", async (name) => {
  const { wrong, compared } = await inspectAll(imageOf(name), new Random(7));
  expect(wrong).toEqual([]);
  expect(compared).toEqual({ layout: [0, 0], check: [0, 0] });
});

test.each(names)("mutants of %s", { timeout: 10_800_000 }, async (name) => {
  const image = imageOf(name);
  const wrong: string[] = [];
  let [compared, judged] = [0, 0];
  for (let round = 0; round < ROUNDS && wrong.length < 5; round++) {
    const random = new Random(SEED * 1_000_003 + FIRST + round);
    const mutant = mutate(image, random);
    const seen = await inspectAll(mutant.bytes, random);
    const found = [...seen.wrong];
    if (seen.compared !== null) {
      const { layout, check } = seen.compared;
      compared++;
      judged += check[0]! + check[1]!;
      if (layout.join() !== check.join()) found.push(`leaked and used twice are ${layout.join(" and ")} in the layout, ${check.join(" and ")} in the check`);
    }
    if (found.length > 0) wrong.push(`FUZZ_SEED=${SEED}, round ${round} (${mutant.what}): ${found.join("; ")}`);
    tellProgress("inspector", name, round, wrong);
  }
  expect(wrong).toEqual([]);
  expect(compared).toBeGreaterThan(ROUNDS / 4);
  // The mutations are worth something: some have what is to be found.
  expect(judged).toBeGreaterThan(0);
});
