/** The line over the inspector: how far it goes in other windows, tabs and beside a lesson, what it says of itself, and a finger on it. */
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

test("the line over the inspector goes as far as zones and tabs are seen, whatever window and tab it was moved in", async ({ page }) => {
  const app = await Zonescope.open(page);
  const lessons = page.getByRole("complementary", { name: "Lessons" });
  await lessons.getByRole("button", { name: "Start lesson" }).click();
  await expect(app.image).toHaveText("lesson-zones.qcow2");
  await page.getByRole("tab", { name: "Layout", exact: true }).click();
  await expect(page.getByRole("tabpanel", { name: "Layout" })).toBeVisible();
  const divider = page.getByRole("separator", { name: "Height of the inspector" });
  const height = (): Promise<number> => divider.evaluate((line) => line.parentElement!.offsetHeight);
  /** What it says of itself, less what it is, in percent of the window. */
  const told = (): Promise<number> => divider.evaluate((line) => Math.abs(Number(line.ariaValueNow) - (line.parentElement!.offsetHeight / innerHeight) * 100));
  const before = await height();
  await divider.focus();
  await page.keyboard.press("End");
  await expect.poll(height).toBeGreaterThan(before + 20);
  await expect(app.row(0)).toBeInViewport({ ratio: 1 });
  await expect(lessons.locator("[aria-current=step] .step-text")).toBeInViewport({ ratio: 1 });
  await expect.poll(told).toBeLessThanOrEqual(0.5);
  // The most of a high window is more than a low one has, and the least of it less than tabs want there.
  await page.setViewportSize({ width: 1440, height: 1400 });
  await page.keyboard.press("End");
  await expect.poll(height).toBeGreaterThan(700);
  await page.setViewportSize({ width: 1280, height: 720 });
  await expect.poll(height).toBeLessThan(330);
  await expect(app.row(0)).toBeInViewport({ ratio: 1 });
  await expect.poll(told).toBeLessThanOrEqual(0.5);
  await page.setViewportSize({ width: 1440, height: 1400 });
  await page.keyboard.press("Home");
  await expect.poll(height).toBe(140);
  await page.setViewportSize({ width: 1280, height: 720 });
  await expect.poll(height).toBe(130);
  await expect.poll(told).toBeLessThanOrEqual(0.5);
  // The crash lab is higher than others from the start: the key that gives it more takes nothing from it.
  await page.keyboard.press("Backspace");
  await page.getByRole("tab", { name: "Crash lab", exact: true }).click();
  await expect.poll(height).toBeGreaterThan(330);
  const lab = await height();
  await divider.focus();
  await page.keyboard.press("ArrowUp");
  await expect.poll(height).toBeGreaterThan(lab);
});

test("a finger finds the line over the inspector, and moves it", async ({ page, context }) => {
  const browser = await context.newCDPSession(page);
  await browser.send("Emulation.setTouchEmulationEnabled", { enabled: true });
  await browser.send("Emulation.setEmulatedMedia", { features: [{ name: "pointer", value: "coarse" }] });
  await Zonescope.open(page);
  await page.getByRole("tab", { name: "Layout", exact: true }).click();
  const divider = page.getByRole("separator", { name: "Height of the inspector" });
  const panel = (): Promise<DOMRect> => divider.evaluate((line) => line.parentElement!.getBoundingClientRect());
  await expect.poll(() => page.evaluate(() => matchMedia("(pointer: coarse)").matches)).toBe(true);
  const { top, height } = await panel();
  // As much beside it as a finger is broad.
  const at = (y: number) => ({ touchPoints: [{ x: 300, y }] });
  await browser.send("Input.dispatchTouchEvent", { type: "touchStart", ...at(top - 12) });
  for (const y of [top + 20, top + 60, top + 100]) await browser.send("Input.dispatchTouchEvent", { type: "touchMove", ...at(y) });
  await browser.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await expect.poll(async () => (await panel()).height).toBeLessThan(height - 80);
});

test("the grip of the line over the inspector is drawn in the system's colours too", async ({ page }) => {
  await page.emulateMedia({ forcedColors: "active" });
  await Zonescope.open(page);
  await page.getByRole("tab", { name: "Layout", exact: true }).click();
  const divider = page.getByRole("separator", { name: "Height of the inspector" });
  const colours = await divider.evaluate((line) => [getComputedStyle(line, "::before").backgroundColor, getComputedStyle(line.parentElement!).color]);
  expect(colours[0]).toBe(colours[1]);
});
