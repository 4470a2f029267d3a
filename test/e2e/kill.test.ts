/**
 * The browser killed with SIGKILL while commands are on their way: what the page had flushed is there afterwards, every byte below
 * a pointer is what was written, and stock qemu-img check finds no error in the saved file.
 *
 * `ZONESCOPE_LONG=1` kills twenty times.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../src/base/random.ts";
import { stockCheck } from "../../src/testing/stock.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

const KILLS = process.env["ZONESCOPE_LONG"] === "1" ? 20 : 2;
const ZONES = 8;
const MIB = 1024 * 1024;

/** Bytes below the pointer by zone, from what `zrp` said last. */
async function pointers(app: Zonescope): Promise<number[]> {
  await app.type("length");
  await expect(app.output).toContainText(`${ZONES} MiB`);
  await app.page.getByRole("button", { name: "Clear" }).click();
  await app.type(`zrp 0 ${ZONES}`);
  const last = `start: 0x${(((ZONES - 1) * MIB) / 512).toString(16)},`;
  await expect(app.output).toContainText(last);
  const said = await app.output.innerText();
  return [...said.matchAll(/start: 0x([0-9a-f]+),.*?wptr 0x([0-9a-f]+)/g)].map((match) => (parseInt(match[2]!, 16) - parseInt(match[1]!, 16)) * 512);
}

test("a browser killed in the middle of work loses nothing that was flushed", async ({ zonescope, page }) => {
  test.setTimeout(120_000 + KILLS * 60_000);
  const random = new Random(23);
  let app = await Zonescope.open(page);
  await app.type(`qemu-img create -f qcow2 disk.qcow2 -o size=${ZONES}M,zone_size=1M,zone_model=1,max_open_zones=4`);
  await expect(app.image).toHaveText("disk.qcow2");
  for (let kill = 0; kill < KILLS; kill++) {
    for (let index = 0; index < 4; index++) await app.type(`zap ${random.below(ZONES)}M 4k 8k`);
    await app.type("flush");
    const flushed = await pointers(app);
    for (let index = 0; index < 12; index++) await app.type(`zap ${random.below(ZONES)}M 16k`);
    await app.page.waitForTimeout(random.below(120));
    await zonescope.kill();
    app = await Zonescope.open(await zonescope.launch(), "disk.qcow2");
    const after = await pointers(app);
    expect(after).toHaveLength(ZONES);
    after.forEach((bytes, zone) => expect(bytes, `zone ${zone} after kill ${kill}`).toBeGreaterThanOrEqual(flushed[zone]!));
    for (const [zone, bytes] of after.entries()) if (bytes > 0) await app.type(`read -P 0xcd ${zone}M ${bytes}`);
    await app.type("length");
    await expect(app.output).toContainText(`${ZONES} MiB`);
    await expect(app.output).not.toContainText("Pattern verification failed");
  }
  const folder = mkdtempSync(join(tmpdir(), "zonescope-kill-"));
  try {
    const saved = join(folder, "saved.qcow2");
    expect(await app.save(saved)).toBe("disk.qcow2");
    expect(stockCheck(saved)).toMatchObject({ corruptions: 0, checkErrors: 0 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
