/** The cockpit: the map zoomed, time in both directions, the table filtered, units, the palette; by role and name. */
import { readFileSync } from "node:fs";
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

test("the scrubber goes back and forth; map, table and panel follow; a fork is that moment", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("write -P 0x11 2M 8k");
  await app.expectCondition(2, "IMPLICIT_OPEN");
  await app.type("zf 2M 1M");
  await app.expectCondition(2, "FULL");
  const moment = page.getByRole("slider", { name: "Moment" });
  await moment.focus();
  await moment.press("Home");
  await app.expectCondition(2, "EMPTY");
  await expect(app.map.getByRole("status")).toContainText("The past");
  await expect(app.zone).toContainText("the past");
  await expect(app.button("Append")).toBeDisabled();
  expect(await seriousOn(page)).toEqual([]);
  for (let step = 0; step < 3; step++) await page.getByRole("button", { name: "One event forward" }).click();
  await app.expectCondition(2, "IMPLICIT_OPEN");
  await app.map.getByRole("button", { name: "Fork from here" }).click();
  await expect(app.image).toHaveText("welcome-fork.qcow2");
  await app.expectCondition(2, "IMPLICIT_OPEN");
  await app.type("read -P 0x11 2M 8k");
  await expect(app.output).toContainText("read 8192/8192 bytes at offset 2097152");
  await expect(app.output).not.toContainText("Pattern verification failed");
});

test("the map zooms by key, wheel and button, and the whole of a million zones is a zone again", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("qemu-img create -f qcow2 big.qcow2 -o size=1T,zone_size=1M,zone_model=1");
  await expect(app.image).toHaveText("big.qcow2");
  await expect(app.map).toContainText("1,048,576 zones");
  const canvas = app.map.getByRole("slider", { name: "Selected zone" });
  await canvas.hover({ position: { x: 200, y: 200 } });
  await expect(app.map.getByRole("tooltip")).toContainText(/Zones [\d,]+–[\d,]+/);
  await app.map.getByLabel("Go to zone").fill("700000");
  await app.map.getByLabel("Go to zone").press("Enter");
  await expect(app.zone.getByRole("heading", { name: "Zone 700000" })).toBeVisible();
  await expect(app.map.getByRole("img", { name: /whole map; enlarged/ })).toBeVisible();
  await expect(app.table.getByRole("row", { selected: true })).toContainText("700000");
  await canvas.press("ArrowRight");
  await expect(canvas).toHaveAttribute("aria-valuenow", "700001");
  await app.map.getByRole("button", { name: "Whole map" }).click();
  await expect(app.map.getByRole("img", { name: /whole map; enlarged/ })).toBeHidden();
  await canvas.hover({ position: { x: 200, y: 200 } });
  await page.mouse.wheel(0, -600);
  await expect(app.map.getByRole("img", { name: /whole map; enlarged/ })).toBeVisible();
  await canvas.press("0");
  await expect(app.map.getByRole("img", { name: /whole map; enlarged/ })).toBeHidden();
  await page.mouse.wheel(0, -600);
  await expect(app.map.getByRole("img", { name: /whole map; enlarged/ })).toBeVisible();
  // Another image is seen whole.
  await app.switchTo("welcome.qcow2");
  await expect(app.map).toContainText("12 zones");
  await expect(app.map.getByRole("button", { name: "Zoom out" })).toBeDisabled();
});

test("the state machine's arrows are buttons, and one that is refused says why", async ({ page }) => {
  const app = await Zonescope.open(page);
  for (const zone of [3, 4, 5]) await app.type(`zo ${zone}M 1M`);
  await app.expectCondition(5, "EXPLICIT_OPEN");
  await app.row(2).click();
  const refused = app.zone.getByRole("button", { name: "open, to EXPLICIT_OPEN: not now" });
  await expect(refused).toHaveAttribute("aria-disabled", "true");
  await refused.focus();
  await expect(page.getByRole("tooltip").filter({ hasText: "limit is 3" })).toBeVisible();
  await app.row(3).click();
  await app.zone.getByRole("button", { name: "finish, to FULL" }).click();
  await app.expectCondition(3, "FULL");
  await expect(app.zone).toContainText("zf 3M 1M");
});

test("the table filters and sorts, units change everywhere, and the palette finds commands", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("zf 5M 2M");
  await app.expectCondition(6, "FULL");
  await page.getByRole("button", { name: "Filter by condition" }).click();
  await page.getByRole("menuitemcheckbox", { name: "FULL" }).click();
  await page.keyboard.press("Escape");
  await expect(app.table).toHaveAttribute("aria-rowcount", "3");
  await app.table.getByRole("button", { name: "Zone", exact: true }).click();
  await expect(app.row(0)).toContainText("6 MiB");
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Command palette" });
  expect(await seriousOn(page)).toEqual([]);
  await palette.getByRole("combobox", { name: "Commands" }).fill("lba");
  await expect(palette.getByRole("option", { selected: true })).toContainText("LBA hex");
  await page.keyboard.press("Enter");
  await expect(palette).toBeHidden();
  await expect(app.row(0)).toContainText("0x3000");
  await page.keyboard.press("?");
  await expect(page.getByRole("dialog", { name: "Shortcuts and help" })).toContainText("Command palette");
  expect(await seriousOn(page)).toEqual([]);
  await page.keyboard.press("Escape");
  await page.keyboard.press("u");
  await expect(app.row(0)).toContainText("6 MiB");
});

test("the map is saved as SVG and PNG, the events as JSON Lines, the commands as a script", async ({ page }) => {
  const app = await Zonescope.open(page);
  await expect(page.getByRole("button", { name: "Save events" })).toBeDisabled();
  await app.type("zap 2M 64k");
  await app.expectCondition(2, "IMPLICIT_OPEN");
  const saved = async (menu: string, item: string): Promise<{ name: string; data: Buffer }> => {
    await page.getByRole("button", { name: menu }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("menuitem", { name: item }).click();
    const file = await download;
    return { name: file.suggestedFilename(), data: readFileSync(await file.path()) };
  };
  const svg = await saved("Save the map", "As SVG");
  expect(svg.name).toBe("welcome-map.svg");
  expect(svg.data.toString()).toContain("IMPLICIT_OPEN");
  expect((await saved("Save the map", "As PNG")).data.subarray(1, 4).toString()).toBe("PNG");
  const lines = (await saved("Save events", "JSON Lines")).data.toString().trim().split("\n").map((line) => JSON.parse(line) as { type: string });
  expect(lines.map(({ type }) => type)).toContain("transition");
  expect((await saved("Save events", "qemu-io")).data.toString()).toContain("zap 2M 64K");
  await page.getByRole("searchbox", { name: "Find events" }).fill("no event says this");
  await expect(page.getByText("No event matches the filter.")).toBeVisible();
  await page.getByRole("button", { name: "Save events" }).click();
  await expect(page.getByRole("menuitem", { name: "JSON Lines" })).toBeDisabled();
  await expect(page.getByRole("menuitem", { name: "qemu-io" })).toBeEnabled();
});

test("however long a refusal is, the zone panel stands still and its buttons are there", async ({ page }) => {
  const app = await Zonescope.open(page);
  for (const line of ["zap 2M 4k", "zap 2M 4k"]) await app.type(line);
  await app.row(2).click();
  await app.zone.getByRole("textbox", { name: "Offset" }).fill("2M");
  await app.button("Write").click();
  await expect(app.zone.getByRole("alert")).toContainText("Not at the write pointer");
  await expect(app.zone.getByRole("alert")).toContainText("UNALIGNED WRITE COMMAND");
  expect(await app.zone.evaluate((panel) => panel.scrollHeight - panel.clientHeight)).toBe(0);
  for (const name of ["Open", "Reset", "Append", "Read"]) await expect(app.button(name)).toBeInViewport({ ratio: 1 });
  // On a projector's screen: what is refused, why, and what would work are read without scrolling.
  await page.setViewportSize({ width: 1280, height: 720 });
  await expect.poll(() => app.zone.evaluate((panel) => panel.scrollHeight - panel.clientHeight)).toBe(0);
  await expect(app.button("Append")).toBeInViewport({ ratio: 1 });
  await expect(app.zone.getByText("Zone 2 is written only at its write pointer")).toBeInViewport({ ratio: 1 });
  await expect(app.zone.getByText("Write at 2105344, or reset zone 2")).toBeInViewport({ ratio: 0.5 });
  // In the narrowest window with columns the field for a zone's number is not under the map's tools.
  await page.setViewportSize({ width: 1200, height: 720 });
  const gap = async (): Promise<number> => {
    const [field, tool] = [await app.map.getByLabel("Go to zone").boundingBox(), await app.map.getByRole("button", { name: "Zoom in" }).boundingBox()];
    return tool!.x - (field!.x + field!.width);
  };
  await expect.poll(gap).toBeGreaterThanOrEqual(0);
});

test("an image that a line made beside the attached one is shown at a click", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("write -P 0x5a 2M 64k");
  await app.expectCondition(2, "IMPLICIT_OPEN");
  await app.type("qemu-img convert -O qcow2 welcome.qcow2 copy.qcow2");
  const offer = app.output.getByRole("button", { name: "Show copy.qcow2" });
  await expect(offer).toBeVisible();
  await expect(app.image).toHaveText("welcome.qcow2");
  await offer.click();
  await expect(app.image).toHaveText("copy.qcow2");
  await expect(offer).toBeDisabled();
  // A raw one too.
  await app.type("qemu-img convert -O raw copy.qcow2 copy.raw");
  const raw = app.output.getByRole("button", { name: "Show copy.raw" });
  await expect(raw).toBeEnabled();
  await expect(app.image).toHaveText("copy.qcow2");
  await raw.click();
  await expect(app.image).toHaveText("copy.raw");
  await expect(raw).toBeDisabled();
  await app.type("read -P 0x5a 2M 64k");
  await expect(app.output).toContainText("read 65536/65536 bytes at offset 2097152");
  await expect(app.output).not.toContainText("Pattern verification failed");
  // What create makes is shown already, and what failed made nothing.
  await app.type("qemu-img create -f qcow2 third.qcow2 1M");
  await expect(app.image).toHaveText("third.qcow2");
  await app.type("qemu-img convert -O qcow2 no-such.qcow2 fourth.qcow2");
  await expect(app.output).toContainText("no-such.qcow2");
  await app.type("length");
  await expect(app.output).toContainText("1 MiB");
  await expect(app.output.getByRole("button")).toHaveCount(2);
  // A name is told whole, and one that is gone is not offered any more.
  const long = `${"a-copy-with-a-long-name-".repeat(4)}.qcow2`;
  await app.type(`qemu-img convert -O qcow2 welcome.qcow2 ${long}`);
  const longer = app.output.getByRole("button", { name: `Show ${long}` });
  await expect(longer).toBeEnabled();
  expect(await longer.evaluate((button) => button.scrollWidth <= button.clientWidth && button.scrollHeight <= button.clientHeight)).toBe(true);
  await page.getByRole("button", { name: "Image menu" }).click();
  await page.getByRole("menuitem", { name: "Storage" }).click();
  const dialog = page.getByRole("dialog", { name: "Storage" });
  const box = dialog.getByRole("checkbox", { name: long });
  await box.check();
  // Enter beside it deletes nothing.
  await box.press("Enter");
  await expect(dialog.getByRole("button", { name: /^Delete 1 image/ })).toBeEnabled();
  await expect(box).toBeVisible();
  await dialog.getByRole("button", { name: /^Delete 1 image/ }).click();
  await expect(box).toHaveCount(0);
  await dialog.getByRole("button", { name: "Done" }).click();
  await expect(longer).toBeDisabled();
});

test("on a projector's screen the zones stay beside the inspector, and the list of lessons makes room", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 720 });
  const app = await Zonescope.open(page);
  const lessons = page.getByRole("complementary", { name: "Lessons" });
  const list = lessons.getByRole("list", { name: "All lessons" });
  await expect(list).toBeVisible();
  await page.getByRole("tab", { name: "Layout", exact: true }).click();
  await expect(list).toBeHidden();
  for (const zone of [0, 1, 2, 3]) await expect(app.row(zone)).toBeInViewport({ ratio: 1 });
  // Whoever wants it has it all the same, and it is as it was when the inspector goes.
  await lessons.getByRole("button", { name: "Show the lessons" }).click();
  await expect(list).toBeVisible();
  await page.getByRole("button", { name: "Fold the inspector away" }).click();
  await expect(list).toBeVisible();
  await page.getByRole("tab", { name: "Header", exact: true }).click();
  await expect(list).toBeHidden();
  await page.getByRole("button", { name: "Fold the inspector away" }).click();
  await expect(list).toBeVisible();
  // A lesson that is under way is not put away.
  await lessons.getByRole("button", { name: "Start lesson" }).click();
  await expect(lessons.getByRole("article")).toBeVisible();
  await page.getByRole("tab", { name: "Layout", exact: true }).click();
  await expect(page.getByRole("tabpanel")).toBeVisible();
  await expect(lessons.getByRole("article")).toBeVisible();
  // A workload's pictures are seen down to their time axes.
  await page.getByRole("tab", { name: "Workload", exact: true }).click();
  const workload = page.getByRole("group", { name: "Workload" });
  await workload.getByRole("button", { name: "Start", exact: true }).click();
  for (const name of ["Throughput", "Write pointers", "Open and active zones"]) await expect(workload.getByRole("figure", { name }).getByText("time", { exact: true })).toBeInViewport({ ratio: 0.9 });
  await workload.getByRole("button", { name: "Stop" }).click();
  await expect(workload.getByRole("button", { name: "Start", exact: true })).toBeVisible();
  // Its list is, where it is asked for.
  await lessons.getByRole("button", { name: "All lessons" }).click();
  await expect(list).toBeVisible();
});

test("on a projector's screen a lesson and the inspector leave rows of zones, and a line between them is moved by keys and by dragging", async ({ page }) => {
  await page.setViewportSize({ width: 1280, height: 720 });
  const app = await Zonescope.open(page);
  const lessons = page.getByRole("complementary", { name: "Lessons" });
  await lessons.getByRole("button", { name: "Start lesson" }).click();
  await expect(app.image).toHaveText("lesson-zones.qcow2");
  await page.getByRole("tab", { name: "Layout", exact: true }).click();
  const inspector = page.getByRole("tabpanel", { name: "Layout" });
  await expect(inspector).toBeVisible();
  await expect(app.row(0)).toBeInViewport({ ratio: 1 });
  const divider = page.getByRole("separator", { name: "Height of the inspector" });
  const height = (): Promise<number> => divider.evaluate((line) => line.parentElement!.offsetHeight);
  const before = await height();
  await divider.focus();
  for (let press = 0; press < 3; press++) await page.keyboard.press("ArrowDown");
  await expect.poll(height).toBeLessThan(before - 50);
  for (const zone of [0, 1, 2]) await expect(app.row(zone)).toBeInViewport({ ratio: 1 });
  await page.keyboard.press("End");
  await expect.poll(height).toBeGreaterThan(before);
  // As far as it goes, all regions are on the screen still.
  expect(await page.evaluate(() => document.documentElement.scrollHeight - window.innerHeight)).toBe(0);
  await expect(app.map.getByRole("slider", { name: "Selected zone" })).toBeInViewport({ ratio: 1 });
  const box = (await divider.boundingBox())!;
  await page.mouse.move(box.x + 200, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + 200, box.y + 120, { steps: 4 });
  await page.mouse.up();
  await expect.poll(height).toBeLessThan(before);
  const dragged = await height();
  expect(await seriousOn(page)).toEqual([]);
  // It outlives the page, on another screen too; where the page scrolls there is nothing to divide.
  await page.reload();
  await page.getByRole("tab", { name: "Hex", exact: true }).click();
  await expect.poll(height).toBe(dragged);
  await page.setViewportSize({ width: 1440, height: 900 });
  await expect.poll(height).toBeGreaterThan(dragged);
  await page.setViewportSize({ width: 820, height: 1180 });
  await expect(divider).toBeHidden();
  await page.setViewportSize({ width: 1280, height: 720 });
  await divider.dblclick();
  await expect.poll(height).toBeGreaterThan(dragged);
});

test("zones that wore out are in the legend, the table, the panel and the saved map, each with what they refuse", async ({ page }) => {
  const app = await Zonescope.open(page);
  for (const line of ["write 2M 300k", "write 3M 512k", "wear read-only 2M", "wear offline 3M"]) await app.type(line);
  await app.expectCondition(2, "READ_ONLY");
  await app.expectCondition(3, "OFFLINE");
  const legend = app.map.getByRole("list", { name: "Zones by condition" });
  await expect(legend.getByRole("listitem").filter({ hasText: "READ_ONLY" })).toContainText("1");
  await expect(legend.getByRole("listitem").filter({ hasText: "OFFLINE" })).toContainText("1");
  await app.row(3).click();
  await expect(app.zone.getByRole("img", { name: "State machine. The zone is OFFLINE." })).toBeVisible();
  await app.zone.getByRole("button", { name: "reset, to EMPTY: not now" }).focus();
  await expect(page.getByRole("tooltip").filter({ hasText: "Zone 3 is OFFLINE" })).toBeVisible();
  expect(await seriousOn(page)).toEqual([]);
  await app.button("Read").click();
  await expect(app.zone.getByRole("alert")).toContainText("1BBh Zone Is Offline");
  await page.getByRole("button", { name: "Save the map" }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("menuitem", { name: "As SVG" }).click();
  const svg = readFileSync(await (await download).path(), "utf8");
  expect(svg).toContain("READ_ONLY 1");
  expect(svg).toContain("OFFLINE 1");
  await page.getByRole("button", { name: "Power cycle" }).click();
  await app.expectCondition(3, "CLOSED");
});

test("what is typed before the palette has arrived is not lost, and neither is Enter", async ({ page }) => {
  let arrive = (): void => undefined;
  const arrival = new Promise<void>((resolve) => (arrive = resolve));
  await page.route(/palette-dialog/, async (route) => {
    await arrival;
    await route.continue();
  });
  const app = await Zonescope.open(page);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("lbx");
  await page.keyboard.press("Backspace");
  await page.keyboard.type("a");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(app.row(3)).not.toContainText("0x1800");
  arrive();
  await expect(app.row(3)).toContainText("0x1800");
  await expect(page.getByRole("dialog")).toBeHidden();
});

test("from the dark theme the page is printed light, map and all, and is dark again afterwards", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  const app = await Zonescope.open(page);
  await app.type("zf 5M 1M");
  await app.expectCondition(5, "FULL");
  const looks = (): Promise<{ theme: string | undefined; ground: string; corner: number[] }> =>
    page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>("[aria-label='Zone map'] canvas")!;
      // In the strip above the first cell's vessel, between its labels.
      const pixel = canvas.getContext("2d")!.getImageData(60, 14, 1, 1).data;
      return { theme: document.documentElement.dataset["theme"], ground: getComputedStyle(document.querySelector(".panel-map")!).backgroundColor, corner: [...pixel.slice(0, 3)] };
    });
  const dark = await looks();
  expect(dark.theme).toBe("dark");
  await page.emulateMedia({ colorScheme: "dark", media: "print" });
  await expect.poll(looks).toEqual({ theme: "light", ground: "rgb(255, 255, 255)", corner: [255, 255, 255] });
  await page.emulateMedia({ colorScheme: "dark", media: "screen" });
  await expect.poll(looks).toEqual(dark);
});

test("console and events stay at their ends while they grow, and where a person scrolled back to", async ({ page }) => {
  const app = await Zonescope.open(page);
  const belowView = (list: typeof app.output): Promise<number> => list.evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight);
  const fillAndEmpty = async (): Promise<void> => {
    await app.type("zf 2M 10M");
    await app.expectCondition(11, "FULL");
    await app.type("zrs 2M 10M");
    await app.expectCondition(11, "EMPTY");
  };
  for (let round = 0; round < 3; round++) await fillAndEmpty();
  await app.type("help");
  await app.type("length");
  await expect(app.output).toContainText("12 MiB");
  for (const list of [app.output, app.events]) {
    await expect.poll(() => list.evaluate((element) => element.scrollHeight > 2 * element.clientHeight)).toBe(true);
    await expect.poll(() => belowView(list)).toBeLessThan(2);
    await list.hover();
    await list.evaluate((element) => element.scrollTo({ top: 0, behavior: "instant" }));
    await expect.poll(() => list.evaluate((element) => element.scrollTop)).toBe(0);
  }
  const before = await Promise.all([belowView(app.output), belowView(app.events)]);
  await fillAndEmpty();
  await app.type("length");
  await expect.poll(async () => (await belowView(app.output)) > before[0] && (await belowView(app.events)) > before[1]).toBe(true);
  for (const list of [app.output, app.events]) expect(await list.evaluate((element) => element.scrollTop)).toBe(0);
});

test("what is being done is told on narrow pages too, wherever they are scrolled to, and moves nothing", async ({ page }) => {
  await page.setViewportSize({ width: 820, height: 1180 });
  const app = await Zonescope.open(page);
  const activity = page.locator(".activity.busy");
  await expect(activity).toHaveCount(0);
  const heights = async (): Promise<readonly number[]> => [(await page.getByRole("banner").boundingBox())!.height, await page.evaluate(() => document.documentElement.scrollHeight)];
  for (const width of [820, 390]) {
    await page.setViewportSize({ width, height: width === 390 ? 844 : 1180 });
    // Typing scrolls the prompt into view.
    await app.command.fill("sleep 60000");
    const before = await heights();
    await app.command.press("Enter");
    await expect(activity).toBeInViewport({ ratio: 1 });
    expect(await heights()).toEqual(before);
    await activity.getByRole("button", { name: "Cancel" }).click();
    await expect(activity).toHaveCount(0);
  }
});
