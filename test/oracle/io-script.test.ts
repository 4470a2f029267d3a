/** A history of the page, saved as a qemu-io script and run by a shell, makes the same zones and the same bytes again. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { build } from "vite";
import { Random } from "../../src/base/random.ts";
import { ioScript } from "../../src/state/scripts.ts";
import { stubWindow } from "../unit/state/app-fixture.ts";
import { CREATE, doSomething, newHistory } from "../unit/state/histories.ts";

const folder = mkdtempSync(join(tmpdir(), "zonescope-script-"));
const bundle = mkdtempSync(join(tmpdir(), "zonescope-bundle-"));
const cli = join(bundle, "zonescope.js");

beforeAll(async () => {
  const configFile = new URL("../../vite.cli.config.ts", import.meta.url).pathname;
  await build({ configFile, logLevel: "silent", build: { outDir: bundle, emptyOutDir: false } });
  writeFileSync(join(bundle, "package.json"), '{ "type": "module" }');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(bundle, { recursive: true });
});
beforeEach(stubWindow);

const zonescope = (...argv: string[]): string => execFileSync(process.execPath, [cli, ...argv], { cwd: folder, encoding: "utf8" });

function diskOf(image: string): { zones: string; bytes: Buffer } {
  zonescope("qemu-img", "convert", "-O", "raw", image, `${image}.raw`);
  return { zones: zonescope("qemu-io", "-r", "-c", "zrp 0 12", image), bytes: readFileSync(join(folder, `${image}.raw`)) };
}

test.each([11, 12])("whatever was done, seed %i", async (seed) => {
  const history = await newHistory();
  const { app, files } = history;
  const random = new Random(seed);
  for (let deed = 0; deed < 30; deed++) await doSomething(history, random);
  // A file's bytes come with the script.
  const { attached } = app.store.getState();
  const data = Uint8Array.from({ length: 3 * 512 }, (_, index) => index * 7);
  app.tape.heard("write", { handle: attached!.handle, offset: 512, length: data.length, pattern: 0, data }, { ok: true, value: { done: true } }, app.events.total, app.events.total);
  await app.device.powerCycle();
  const script = ioScript(app.tape.until(app.events.total), "h.qcow2");
  writeFileSync(join(folder, "again.sh"), script);
  zonescope(...CREATE.split(" "), "again.qcow2");
  const ran = spawnSync("/bin/sh", ["again.sh", "again.qcow2"], { cwd: folder, encoding: "utf8", env: { ...process.env, QEMU_IO: `${process.execPath} ${cli} qemu-io` } });
  expect(ran.stderr.split("\n").filter((line) => /not found|syntax|command not/.test(line))).toEqual([]);
  const blob = await files.blobOf("h.qcow2");
  if (!blob.ok) throw new Error(JSON.stringify(blob.error));
  writeFileSync(join(folder, "h.qcow2"), new Uint8Array(await blob.value.arrayBuffer()));
  zonescope("qemu-io", "-c", `write -s ${dataFile(data)} 512 ${data.length}`, "h.qcow2");
  const wanted = diskOf("h.qcow2");
  const again = diskOf("again.qcow2");
  expect(again.zones, script).toEqual(wanted.zones);
  expect(again.bytes.equals(wanted.bytes), script).toBe(true);
  // Nothing was lost by being empty.
  expect(wanted.bytes.some((byte) => byte !== 0 && byte !== 0xcd)).toBe(true);
}, 60_000);

function dataFile(data: Uint8Array): string {
  writeFileSync(join(folder, "data"), data);
  return "data";
}
