/** Storage that runs out in mid-write, ten images at once, and two tabs that both want one: nothing flushed is lost, and the person is told. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { stockCheck } from "../../src/testing/stock.ts";
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

const MIB = 1024 * 1024;

/** Sets what this site may store, as a full disk would. @returns what gives it the browser's own quota back */
async function setQuota(page: Page, quotaSize: number): Promise<() => Promise<void>> {
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin: new URL(page.url()).origin, quotaSize });
  // It lasts as long as the session.
  return () => session.detach();
}

test("when storage runs out in mid-write the numbers are told, what was flushed stays, and the image is sound", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("qemu-img create -f qcow2 -o zone_model=1,zone_size=4M full.qcow2 64M");
  await expect(app.image).toHaveText("full.qcow2");
  await app.type("write -P 0x11 0 4M");
  await app.expectCondition(0, "FULL");
  await app.type("flush");
  await expect(app.events.getByText("Flushed").last()).toBeVisible();
  const { usage = 0 } = await page.evaluate(() => navigator.storage.estimate());
  const giveBack = await setQuota(page, usage + 6 * MIB);

  // A browser grants room ahead of what is written, so that some of these may still fit.
  for (let zone = 1; zone < 15; zone++) await app.type(`write -P 0x22 ${4 * zone}M 4M`);
  await app.type("length");
  await expect(app.output).toContainText("64 MiB");
  const said = await app.output.innerText();
  expect(said).toContain("write failed: No space left on device");
  expect(said).toContain("what was flushed before is safe");
  const refused = [...said.matchAll(/write -P 0x22 (\d+)M 4M\nwrite failed: No space/g)].map(([, at]) => Number(at) / 4);
  expect(refused.length).toBeGreaterThan(8);
  for (const zone of refused) await app.expectCondition(zone, "EMPTY");
  await giveBack();

  await page.reload();
  await expect(app.image).toHaveText("full.qcow2");
  await app.expectCondition(0, "FULL");
  const last = refused.at(-1) ?? 0;
  await app.expectCondition(last, "EMPTY");
  await app.type("read -P 0x11 0 4M");
  await app.type(`read -P 0 ${4 * last}M 4M`);
  await expect(app.output).toContainText(`read 4194304/4194304 bytes at offset ${4 * last * MIB}`);
  await app.type(`write -P 0x33 ${4 * last}M 4M`);
  await app.expectCondition(last, "FULL");
  await app.type(`read -P 0x33 ${4 * last}M 4M`);
  await app.type("length");
  await expect(app.output).toContainText("64 MiB");
  await expect(app.output).not.toContainText("Pattern verification failed");
  const folder = mkdtempSync(join(tmpdir(), "zonescope-room-"));
  try {
    const saved = join(folder, "saved.qcow2");
    expect(await app.save(saved)).toBe("full.qcow2");
    expect(stockCheck(saved)).toMatchObject({ corruptions: 0, checkErrors: 0 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("when storage is full the page says what is used and what is safe, and images that are not needed make room", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("qemu-img create -f qcow2 -o zone_model=1,zone_size=4M old-course.qcow2 64M");
  await expect(app.image).toHaveText("old-course.qcow2");
  for (const zone of [0, 1, 2]) await app.type(`write ${4 * zone}M 4M`);
  await app.expectCondition(2, "FULL");
  await app.type("qemu-img create -f qcow2 -o zone_model=1,zone_size=4M full.qcow2 64M");
  await expect(app.image).toHaveText("full.qcow2");
  await app.type("write -P 0x11 0 4M");
  await app.expectCondition(0, "FULL");
  await expect(app.events.getByText("Flushed").last()).toBeVisible();
  const { usage = 0 } = await page.evaluate(() => navigator.storage.estimate());
  const giveBack = await setQuota(page, usage + 6 * MIB);
  // A browser grants room ahead of what is written: the first of these may still fit, the last does not.
  for (let zone = 1; zone < 10; zone++) await app.type(`write -P 0x22 ${4 * zone}M 4M`);
  const alert = page.getByRole("alert").filter({ hasText: "No space left." });
  await expect(alert).toHaveCount(1);
  await expect(alert).toContainText(/full\.qcow2 (failed for want of room|does not fit)/);
  await expect(alert).toContainText(/[\d.]+ MiB .*\. What was flushed before is safe\./);
  // A download needs a copy, which has no room either.
  await page.getByRole("button", { name: "Save .qcow2" }).click();
  await expect(alert).toContainText("full.qcow2: No space left. A download is made of a copy of the image");
  await expect(alert).toHaveCount(1);
  // What was asked for before it has ended by then.
  await app.expectCondition(9, "EMPTY");
  expect(await seriousOn(page)).toEqual([]);

  await alert.getByRole("button", { name: "Make room" }).click();
  const dialog = page.getByRole("dialog", { name: "Storage" });
  const images = dialog.getByRole("list", { name: "Images by size" });
  await expect(images.getByRole("listitem").first()).toContainText(/old-course\.qcow2.*MiB/);
  await expect(images.getByRole("listitem").filter({ hasText: "full.qcow2" })).toContainText("open");
  await expect(dialog.getByRole("button", { name: "Delete" })).toBeDisabled();
  expect(await seriousOn(page)).toEqual([]);
  await images.getByRole("checkbox", { name: /^old-course/ }).check();
  await dialog.getByRole("button", { name: /^Delete 1 image, [\d.]+ MiB$/ }).click();
  await expect(images.getByRole("listitem").filter({ hasText: "old-course.qcow2" })).toHaveCount(0);
  await expect(dialog).toBeVisible();
  await expect(alert).toHaveCount(0);
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(app.image).toHaveText("full.qcow2");
  // The browser may count what was freed a moment later.
  await expect(async () => {
    await app.type("write -P 0x33 36M 4M");
    await expect(app.row(9)).toContainText("FULL", { timeout: 3_000 });
  }).toPass();
  await giveBack();
});

test("ten images over two tabs: each is open in one of them, moves when it is taken over, and keeps what was written", async ({ page, context }) => {
  const first = await Zonescope.open(page);
  const names = Array.from({ length: 10 }, (_, index) => `disk${index}.qcow2`);
  for (const [index, name] of names.entries()) {
    await first.type(`qemu-img create -f qcow2 -o zone_model=1,zone_size=1M ${name} 8M`);
    await expect(first.image).toHaveText(name);
    await first.type(`write -P ${index + 1} 0 ${4 * (index + 1)}k`);
    await first.expectCondition(0, "IMPLICIT_OPEN");
  }
  const other = await context.newPage();
  await other.goto("/");
  const second = new Zonescope(other);
  // The last image is in the first tab; the others are free, and a line that names one has it.
  await expect(other.getByText("disk9.qcow2 is open in another tab")).toBeVisible();
  for (const [index, name] of names.slice(0, 9).entries()) await second.type(`qemu-io -c "read -P ${index + 1} 0 ${4 * (index + 1)}k" -c "zap 1M 4k" ${name}`);
  await expect(second.output).toContainText("read 36864/36864 bytes at offset 0");
  await second.type("qemu-io -c 'read 0 4k' disk9.qcow2");
  await expect(second.output).toContainText(/in use|another tab|lock/i);
  await other.getByRole("button", { name: "Take over" }).click();
  await expect(second.image).toHaveText("disk9.qcow2");
  await second.type("read -P 10 0 40k");
  await expect(second.output).toContainText("read 40960/40960 bytes at offset 0");
  await page.bringToFront();
  await expect(page.getByText("Another tab took disk9.qcow2 over")).toBeVisible();
  for (const name of names.slice(0, 9)) {
    await first.type(`blkzone report -o 2048 -c 1 ${name}`);
    await first.type(`qemu-img check ${name}`);
  }
  await expect(first.output.getByText("start: 0x000000800")).toHaveCount(9);
  await expect(first.output).not.toContainText("ERROR");
  for (const app of [first, second]) await expect(app.output).not.toContainText("Pattern verification failed");
});
