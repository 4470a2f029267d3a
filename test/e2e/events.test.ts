/** The log of events read without a pointer: each is told whole by the keyboard and by touch, in its place in the list. */
import type { Locator, Page } from "@playwright/test";
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

/** Twelve zones filled and emptied, an open one, and a refusal that is longer than a line. Returns when all of it is listed and flushed. */
async function refused(page: Page): Promise<Zonescope> {
  const app = await Zonescope.open(page);
  for (const line of ["zf 4M 8M", "zrs 4M 8M", "zap 3M 4k"]) await app.type(line);
  await app.expectCondition(3, "IMPLICIT_OPEN");
  // The flush behind the append, and not one before it.
  await expect(app.events).toContainText("qcow2_wp_tracking: zone 3");
  await expect(app.events.locator(".event").last()).toContainText("Flushed");
  await app.type("write 3M 4k");
  await expect(app.events.locator(".event").last()).toContainText("Refused write at zone 3: not-at-write-pointer");
  // The list follows in a frame of its own.
  await expect.poll(() => inView(app.events.locator(".event").last())).toBe(true);
  return app;
}

/** Whether words are kept back behind an ellipsis. */
const cut = (text: Locator): Promise<boolean> => text.evaluate((element) => element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);

/** Whether all of an element is in the list's view. */
const inView = (element: Locator): Promise<boolean> =>
  element.evaluate((row) => {
    const outer = row.closest("[role=log]")!.getBoundingClientRect();
    const inner = row.getBoundingClientRect();
    return inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  });

/** Whether as much of an element is in the list's view as there is room for, from its beginning. */
const seenWhole = (element: Locator): Promise<boolean> =>
  element.evaluate((row) => {
    const outer = row.closest("[role=log]")!.getBoundingClientRect();
    const inner = row.getBoundingClientRect();
    return inner.top >= outer.top - 1 && (inner.bottom <= outer.bottom + 1 || inner.top <= outer.top + 1);
  });

test("arrows go from event to event, and Enter tells one whole in its place", async ({ page }) => {
  const app = await refused(page);
  const rows = app.events.locator(".event");
  const refusal = rows.last();
  const text = refusal.locator("summary");
  expect(await cut(text)).toBe(true);
  await app.events.focus();
  await page.keyboard.press("ArrowUp");
  await expect(text).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(refusal.locator("details")).toHaveAttribute("open");
  await expect(refusal).toContainText("Instead:");
  await expect(refusal).toContainText("Elsewhere: errno EINVAL, virtio-blk ZONE_UNALIGNED_WP, NVMe 1BCh Zone Invalid Write, SCSI UNALIGNED WRITE COMMAND");
  await expect.poll(() => cut(text)).toBe(false);
  await expect.poll(() => inView(refusal)).toBe(true);
  await expect(app.zone.getByRole("heading", { name: "Zone 3" })).toBeVisible();
  expect(await seriousOn(page)).toEqual([]);
  // What comes meanwhile moves nothing away from under the reader.
  const kept = rows.filter({ hasText: "not-at-write-pointer" });
  await app.type("zf 4M 8M");
  await expect(rows.last()).toContainText("Flushed");
  expect(await inView(kept)).toBe(true);
  await kept.locator("summary").focus();
  await page.keyboard.press("Escape");
  await expect(kept.locator("details")).not.toHaveAttribute("open");
  await expect(kept.locator("summary")).toBeFocused();

  // The ends of the list, which are not in the document together with its middle.
  await page.keyboard.press("Home");
  await expect.poll(() => app.events.evaluate((list) => list.scrollTop)).toBe(0);
  await expect(rows.first().locator(".event-text")).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(rows.nth(1).locator(".event-text")).toBeFocused();
  await page.keyboard.press("End");
  await expect(rows.last().locator(".event-text")).toBeFocused();
  // Its moment is beside it.
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowLeft");
  await expect(rows.nth(-2).getByRole("button", { name: /^Show the moment/ })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(app.map.getByRole("status")).toContainText("1 event back");
});

test("an event that the keyboard is on stays in view while others come, one that is open is seen whole on a lower screen, and its height moves no moment out of view", async ({ page }) => {
  const app = await refused(page);
  const rows = app.events.locator(".event");
  const refusal = rows.filter({ hasText: "not-at-write-pointer" });
  await app.events.focus();
  await page.keyboard.press("ArrowUp");
  await expect(refusal.locator("summary")).toBeFocused();
  // Pressed by script, which leaves the keyboard where it is: more events than the list has room for.
  const listed = async (): Promise<number> => Number(await page.locator(".panel-events .panel-note").textContent());
  const before = await listed();
  for (let press = 1; press <= 5; press++) {
    await app.zone.getByRole("button", { name: "Append", exact: true }).evaluate((button: HTMLElement) => button.click());
    await expect.poll(listed).toBeGreaterThan(before + 2 * press);
  }
  await expect(refusal.locator("summary")).toBeFocused();
  expect(await inView(refusal)).toBe(true);

  await page.keyboard.press("Enter");
  await expect(refusal).toContainText("Instead:");
  await expect.poll(() => inView(refusal)).toBe(true);
  // As far as there is room for it: to its end, or from its beginning.
  await page.setViewportSize({ width: 1280, height: 720 });
  await expect.poll(() => seenWhole(refusal)).toBe(true);
  // Marked words elsewhere are no reason to keep it open.
  await page.evaluate(() => getSelection()!.selectAllChildren(document.querySelector("h2")!));
  await refusal.locator("summary").focus();
  // Its moment, and those behind it, one by one.
  const moment = page.getByRole("slider", { name: "Moment" });
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Enter");
  await moment.focus();
  for (let step = 0; step < 6; step++) {
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => rows.evaluateAll((all) => all.findIndex((row) => row.classList.contains("last")) - all.findIndex((row) => row.classList.contains("open")))).toBe(step + 1);
    await expect.poll(() => inView(app.events.locator(".event.last"))).toBe(true);
  }
  await page.keyboard.press("Escape");
  await refusal.locator("summary").focus();
  await page.keyboard.press("Enter");
  await expect(refusal.locator("details")).not.toHaveAttribute("open");
});

test("only what has more to say is told to be collapsed; the others are told whole, and open by the same keys", async ({ page }) => {
  const app = await refused(page);
  const rows = app.events.locator(".event");
  const count = await rows.count();
  expect(count).toBeGreaterThan(5);
  await expect(app.events.locator("summary")).toHaveCount(1);
  await expect(app.events.getByRole("list").getByRole("listitem")).toHaveCount(count);
  // Of all that are listed, whatever part is drawn.
  const listed = (await page.locator(".panel-events .panel-note").textContent())!;
  await expect(rows.last()).toHaveAttribute("aria-posinset", listed);
  await expect(rows.last()).toHaveAttribute("aria-setsize", listed);
  await app.events.focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  const other = rows.nth(-2);
  await expect(other.locator(".event-text")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(other).toHaveClass(/\bopen\b/);
  await page.keyboard.press(" ");
  await expect(other).not.toHaveClass(/\bopen\b/);
  expect(await seriousOn(page)).toEqual([]);
});

test("an event that is open is seen whole when the page becomes a phone's, and wide again", async ({ page }) => {
  await page.setViewportSize({ width: 820, height: 1180 });
  const app = await refused(page);
  const rows = app.events.locator(".event");
  const refusal = rows.filter({ hasText: "not-at-write-pointer" });
  await refusal.locator("summary").click();
  await expect(refusal).toContainText("Instead:");
  // Enough behind it that the rows' other height has it far from where it was.
  const listed = async (): Promise<number> => Number(await page.locator(".panel-events .panel-note").textContent());
  const before = await listed();
  for (const line of ["zf 4M 8M", "zrs 4M 8M", "zf 4M 8M", "zrs 4M 8M"]) await app.type(line);
  await expect.poll(listed).toBeGreaterThan(before + 60);
  await expect.poll(() => seenWhole(refusal)).toBe(true);
  for (const width of [390, 820, 390]) {
    await page.setViewportSize({ width, height: width === 390 ? 844 : 1180 });
    await expect.poll(() => rows.first().evaluate((row: HTMLElement) => row.offsetHeight)).toBe(width === 390 ? 38 : 22);
    await expect.poll(() => seenWhole(refusal)).toBe(true);
    expect(await cut(refusal.locator("summary"))).toBe(false);
  }
});

test("a touch tells an event whole on a phone, and another closes it", async ({ page, context }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const app = await refused(page);
  const refusal = app.events.locator(".event").last();
  const text = refusal.locator("summary");
  await text.scrollIntoViewIfNeeded();
  expect(await cut(text)).toBe(true);
  const browser = await context.newCDPSession(page);
  await browser.send("Emulation.setTouchEmulationEnabled", { enabled: true });
  const touch = async (): Promise<void> => {
    const box = (await text.boundingBox())!;
    await browser.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [{ x: box.x + 20, y: box.y + 8 }] });
    await browser.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  };
  await touch();
  await expect(refusal.locator("details")).toHaveAttribute("open");
  await expect.poll(() => cut(text)).toBe(false);
  await expect.poll(() => inView(refusal)).toBe(true);
  await expect(refusal).toContainText("Instead:");
  await page.screenshot({ path: test.info().outputPath("open.png") });
  await text.scrollIntoViewIfNeeded();
  await touch();
  await expect(refusal.locator("details")).not.toHaveAttribute("open");
});
