/**
 * A real kill: the command line is killed with SIGKILL in the middle of a workload. What a flush had made durable is there when
 * the image is opened again, nothing is corrupt, and stock qemu-img check finds nothing but the zoned metadata.
 *
 * `ZONESCOPE_LONG=1` kills twenty times.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { build } from "vite";
import { Random } from "../../src/base/random.ts";
import { stockCheck } from "../../src/testing/stock.ts";

const KILLS = process.env["ZONESCOPE_LONG"] === "1" ? 20 : 3;
const ZONES = 16;
const ZONE_SECTORS = 2048;
const folder = mkdtempSync(join(tmpdir(), "zonescope-kill-"));
const program = join(folder, "zonescope.js");
const image = join(folder, "disk.qcow2");

beforeAll(async () => {
  await build({ configFile: new URL("../../vite.cli.config.ts", import.meta.url).pathname, logLevel: "silent", build: { outDir: folder, emptyOutDir: false } });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(() => rmSync(folder, { recursive: true }));

function zonescope(...argv: string[]): string {
  const ran = spawnSync(process.execPath, [program, ...argv], { encoding: "utf8" });
  expect(ran.status, ran.stderr + ran.stdout).toBe(0);
  return ran.stdout;
}

/** Write pointers in sectors by zone, from a report. */
const pointers = (report: string): number[] => [...report.matchAll(/wptr 0x([0-9a-f]+)/g)].map((match) => parseInt(match[1]!, 16));

/** Appends and flushes until the report after the nth flush is seen, then kills. @returns that report's pointers */
async function workAndKill(random: Random, flushes: number): Promise<number[]> {
  const child = spawn(process.execPath, [program, "qemu-io", "-f", "qcow2", image], { stdio: ["pipe", "pipe", "ignore"] });
  child.stdin.on("error", () => undefined);
  let said = "";
  let heard: () => void = () => undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
    heard();
  });
  const gone = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  let written = 0;
  for (let flush = 0; flush < flushes; flush++) {
    const lines: string[] = [];
    for (let index = 0; index < 20; index++) lines.push(`zap ${random.below(ZONES)}M ${1 + random.below(8)}k`);
    lines.push("flush", `zrp 0 ${ZONES}`, "length");
    child.stdin.write(`${lines.join("\n")}\n`);
    written++;
    while (said.split("16 MiB\n").length <= written) await new Promise<void>((resolve) => (heard = resolve));
  }
  // More is on its way and not flushed when the kill comes.
  for (let index = 0; index < 200; index++) child.stdin.write(`zap ${random.below(ZONES)}M 4k\n`);
  await new Promise((resolve) => setTimeout(resolve, random.below(30)));
  const durable = said.slice(0, said.lastIndexOf("16 MiB\n"));
  child.kill("SIGKILL");
  await gone;
  return pointers(durable).slice(-ZONES);
}

test("a killed command line loses nothing that was flushed", async () => {
  zonescope("qemu-img", "create", "-q", "-f", "qcow2", image, "-o", "size=16M,zone_size=1M,max_open_zones=6,zone_model=1");
  const random = new Random(11);
  for (let kill = 0; kill < KILLS; kill++) {
    const durable = await workAndKill(random, 1 + random.below(4));
    expect(durable).toHaveLength(ZONES);
    const after = pointers(zonescope("qemu-io", "-f", "qcow2", "-c", `zrp 0 ${ZONES}`, image));
    after.forEach((pointer, zone) => expect(pointer, `zone ${zone} after kill ${kill}`).toBeGreaterThanOrEqual(durable[zone]!));
    for (const [zone, pointer] of after.entries()) {
      const bytes = (pointer - zone * ZONE_SECTORS) * 512;
      if (bytes > 0) expect(zonescope("qemu-io", "-f", "qcow2", "-c", `read -P 0xcd ${zone}M ${bytes}`, image)).not.toContain("failed");
    }
    expect(stockCheck(image)).toMatchObject({ corruptions: 0, checkErrors: 0 });
  }
}, 300_000);
