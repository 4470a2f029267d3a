/** The crash lab on the page: the right order loses nothing, a wrong one loses data and says so, and the attached image stays what it is. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

const slider = (page: Page) => page.getByRole("slider", { name: "Where the power fails" });
const result = (page: Page) => page.getByRole("region", { name: "Result" });

async function openLab(page: Page): Promise<void> {
  await page.getByRole("tab", { name: "Crash lab" }).click();
  await expect(slider(page)).toBeVisible();
}

/** What "Save .qcow2" gives, byte for byte. */
async function savedHash(page: Page): Promise<string> {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Save .qcow2" }).click();
  return createHash("sha256").update(readFileSync(await (await download).path())).digest("hex");
}

test("the right order loses nothing that was flushed; the cut is moved by keys and by dragging", async ({ page }) => {
  await Zonescope.open(page);
  await openLab(page);
  await expect(page.getByText("On a scratch copy. No image is written.")).toBeVisible();
  // Behind the writes before the first barrier; nothing of them reached the disk.
  await expect(slider(page)).toHaveAttribute("aria-valuetext", "behind record 2 of 7");
  await page.getByRole("button", { name: "Cut the power" }).click();
  await expect(result(page).getByRole("status").first()).toHaveText("Nothing that was flushed is lost.");
  expect(await seriousOn(page)).toEqual([]);
  await expect(result(page)).toContainText("8 KiB (8,192 bytes) that were acknowledged are gone. That is allowed: no flush had returned behind them.");
  await expect(result(page).getByRole("region", { name: "The order protected it" })).toContainText("L1 and L2 entries wait for guest data");
  await expect(result(page).getByRole("row", { name: /^2 / })).toContainText("as the last flush left it");

  await page.getByRole("checkbox", { name: "Record 1, guest data, reached the disk" }).check();
  await expect(result(page)).toContainText("Drag the line");
  await slider(page).focus();
  await slider(page).press("End");
  await expect(slider(page)).toHaveAttribute("aria-valuetext", "behind the last record");
  await page.getByRole("button", { name: "Cut the power" }).click();
  await expect(result(page).getByRole("status").first()).toHaveText("Nothing is lost: the flush had returned, and everything is there.");

  // Dragged to the top.
  const box = (await slider(page).boundingBox())!;
  await page.mouse.move(box.x + 40, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + 40, box.y - 400, { steps: 6 });
  await page.mouse.up();
  await expect(slider(page)).toHaveAttribute("aria-valuenow", "0");

  await page.getByRole("button", { name: "Look for a loss" }).click();
  await expect(result(page).getByRole("status")).toHaveText("14 crashes were looked at. None breaks a promise.");
  await page.getByRole("button", { name: "Random" }).click();
  await expect(result(page).getByRole("status").first()).toHaveText(/Nothing/);
});

test("a wrong order loses data, in plain words, and the result becomes an image", async ({ page }) => {
  const zonescope = await Zonescope.open(page);
  await openLab(page);
  await page.getByLabel("Order of the flush").selectOption({ label: "Not: L1 and L2 entries wait for guest data" });
  await expect(page.getByRole("note")).toContainText("The order is wrong on purpose. L1 and L2 entries are written before guest data.");
  await page.getByRole("button", { name: "Look for a loss" }).click();
  await expect(result(page).getByRole("status").first()).toHaveText("A promise is broken.");
  await expect(result(page)).toContainText("The disk shows what was never there: 4 KiB (4,096 bytes) at 0 bytes, in zone 0, read as bytes that were never written there");
  await expect(result(page).getByRole("region", { name: "What the wrong order broke" })).toContainText("the guest reads what was never written there");

  await page.getByLabel("Order of the flush").selectOption({ label: "Not: Advanced pointers wait for L1 and L2 entries" });
  await page.getByRole("button", { name: "Look for a loss" }).click();
  await expect(result(page)).toContainText("8 KiB (8,192 bytes) at 136 KiB, in zone 2, read as zeros");
  await page.getByRole("button", { name: "Open the result" }).click();
  await expect(result(page)).toContainText("small-disk-after-crash.qcow2 is in the library and attached.");
  // The pointer covers bytes that never came.
  await zonescope.type("read -P 0 136k 8k");
  await expect(zonescope.output).toContainText("read 8192/8192 bytes at offset 139264");
});

test("the last commands of the attached image, which stays byte for byte what it is", async ({ page }) => {
  const zonescope = await Zonescope.open(page);
  await zonescope.type("write -P 0x11 2M 64k");
  await zonescope.type("write -P 0x22 2112k 64k");
  await expect(zonescope.output).toContainText("wrote 65536/65536 bytes at offset 2162688");
  const before = await savedHash(page);
  await openLab(page);
  await page.getByLabel("What is run").selectOption({ label: "The last commands of this image" });
  await expect(page.getByRole("group", { name: "The flush", exact: true })).toContainText("write -P 0x22 2112K 64K");
  await page.getByRole("button", { name: "Look for a loss" }).click();
  await expect(result(page).getByRole("status")).toContainText("None breaks a promise.");
  await page.getByLabel("Order of the flush").selectOption({ label: "Not: Advanced pointers wait for L1 and L2 entries" });
  await expect(page.getByRole("note")).toBeVisible();
  await page.getByRole("button", { name: "Look for a loss" }).click();
  await expect(result(page).getByRole("status").first()).toHaveText("A promise is broken.");
  expect(await savedHash(page)).toBe(before);

  await page.getByLabel("What is run").selectOption({ label: "Commands of mine, on a copy of this image" });
  await page.getByLabel("Commands, one a line").fill("write -P 0x33 3M 4k\nzf 3M 1M");
  await page.getByRole("button", { name: "Record the flush" }).click();
  await expect(page.getByRole("group", { name: "The flush", exact: true })).toContainText("zf 3M 1M");
  await page.getByLabel("Order of the flush").selectOption({ label: "Right" });
  await expect(page.getByRole("note")).toHaveCount(0);
  await page.getByRole("button", { name: "Look for a loss" }).click();
  await expect(result(page).getByRole("status")).toContainText("None breaks a promise.");
  expect(await savedHash(page)).toBe(before);
});
