/** Without a mouse: every action of the cockpit is a stop of the Tab key or a shortcut, and does what it says; axe finds nothing serious on any view. */
import type { Page } from "@playwright/test";
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

async function expectNothingSerious(page: Page, view: string): Promise<void> {
  expect(await seriousOn(page), view).toEqual([]);
}

/** The name of what has the keyboard, as assistive technology is told it. */
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (!(element instanceof HTMLElement) || element === document.body) return "";
    const labels = element instanceof HTMLInputElement ? [...(element.labels ?? [])].map((label) => label.textContent ?? "").join(" ") : "";
    const text = element.getAttribute("aria-label") ?? (labels !== "" ? labels : (element.textContent ?? ""));
    return text.trim().replace(/\s+/g, " ");
  });

const STOPS: readonly RegExp[] = [
  /^Image$/, /^Image menu$/, /^New image$/, /^Open file$/, /^Save \.qcow2$/, /^Power cycle$/, /^Units/, /^Theme|theme/, /^Command palette$/,
  /^Go to zone$/, /^Selected zone$/, /^Zoom in$/, /^Zoom to the selected zone$/, /^Save the map$/,
  /^open, to EXPLICIT_OPEN/, /^finish, to FULL/, /^Open$/, /^Close$/, /^Finish$/, /^Reset$/, /^Length/, /^Pattern/, /^Offset/, /^Append$/, /^Write$/, /^Read$/,
  /^Zone 3$/, /^Filter by condition/, /^Condition$/, /^Resets$/, /^Header$/, /^Command$/, /^Find events$/, /^Filter events/, /^Save events$/, /^Events$/, /^One event back$/, /^Moment$/,
];

test("the Tab key comes past every action", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("zap 3M 4k");
  await app.expectCondition(3, "IMPLICIT_OPEN");
  await app.command.blur();
  const names: string[] = [];
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
  for (let stop = 0; stop < 120; stop++) {
    await page.keyboard.press("Tab");
    const name = await focused(page);
    if (name === "" && names.length > 40) break;
    if (name !== "") names.push(name);
  }
  expect(STOPS.filter((stop) => !names.some((name) => stop.test(name))).map(String), names.join(" | ")).toEqual([]);
});

test("a zone is selected, written, finished and looked back at by keys alone", async ({ page }) => {
  const app = await Zonescope.open(page);
  const map = app.map.getByRole("slider", { name: "Selected zone" });
  await page.keyboard.press("g");
  await page.keyboard.type("4");
  await page.keyboard.press("Enter");
  await expect(app.zone.getByRole("heading", { name: "Zone 4" })).toBeVisible();
  await map.focus();
  await page.keyboard.press("ArrowRight");
  await expect(map).toHaveAttribute("aria-valuenow", "5");
  await expect(map).toHaveAttribute("aria-valuetext", /Zone 5, EMPTY/);
  await app.button("Append").focus();
  await page.keyboard.press("Enter");
  await app.expectCondition(5, "IMPLICIT_OPEN");
  await app.zone.getByRole("button", { name: "finish, to FULL" }).focus();
  await page.keyboard.press("Space");
  await app.expectCondition(5, "FULL");
  await expect(app.zone.getByRole("group", { name: "State machine" })).toBeFocused();
  // What a shade says elsewhere is seen where the system has the colours.
  await page.emulateMedia({ forcedColors: "active" });
  await expect(app.row(5)).toHaveCSS("outline-style", "solid");
  await page.emulateMedia({ forcedColors: "none" });
  await expect(app.row(5)).toHaveCSS("outline-style", "none");
  // Back by one key, and to now by another.
  await map.focus();
  await page.keyboard.press("[");
  await expect(app.map.getByRole("status")).toContainText("The past");
  await page.keyboard.press("Escape");
  await expect(app.map.getByRole("status")).toBeHidden();
  // The palette has what no key of its own has.
  await page.keyboard.press("Control+k");
  await expect(page.getByRole("dialog").getByRole("combobox", { name: "Commands" })).toBeFocused();
  await page.keyboard.type("reset the selected");
  await page.keyboard.press("Enter");
  await app.expectCondition(5, "EMPTY");
  // The table: rows by arrows, a filter by its menu.
  await app.row(5).focus();
  await page.keyboard.press("ArrowDown");
  await expect(app.row(6)).toBeFocused();
  await expect(app.zone.getByRole("heading", { name: "Zone 6" })).toBeVisible();
  await page.getByRole("button", { name: "Filter by condition" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menuitemcheckbox", { name: "NOT_WP" }).focus();
  await page.keyboard.press("Space");
  await page.keyboard.press("Escape");
  await expect(app.table).toHaveAttribute("aria-rowcount", "3");
});

/** The past, the palette and the help sheet are looked at in cockpit.test.ts, the inspector's tabs in its own. */
test("axe finds nothing serious on the views that no other test looks at", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("zap 3M 4k");
  await app.type("write 3M 4k");
  await app.expectCondition(3, "IMPLICIT_OPEN");
  await expectNothingSerious(page, "the whole page");
  await app.map.getByRole("button", { name: "Zoom in" }).click();
  await app.map.getByRole("slider").hover({ position: { x: 100, y: 100 } });
  await expectNothingSerious(page, "a zoomed map and its hint");
  await page.getByRole("button", { name: "Filter by condition" }).click();
  await expectNothingSerious(page, "the table's filter");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "New image" }).click();
  await expectNothingSerious(page, "a new image");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Compare profiles" }).click();
  await expect(page.getByRole("table", { name: "Profiles" })).toBeVisible();
  await expect(page.getByRole("dialog").getByRole("button", { name: "Compare" })).toBeEnabled();
  await expectNothingSerious(page, "the profiles");
  await page.keyboard.press("Escape");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 390, height: 844 });
  await expectNothingSerious(page, "narrow and dark");
});

test("a dialog gives the keyboard back to what opened it, a button, a menu or a key; the palette to what its command is about", async ({ page }) => {
  const app = await Zonescope.open(page);
  const dialog = page.getByRole("dialog");
  const banner = page.getByRole("banner");
  for (const name of ["New image", "Share", "Command palette"]) {
    const button = banner.getByRole("button", { name });
    await button.focus();
    await page.keyboard.press("Enter");
    await expect(dialog).toBeVisible();
    await expect(dialog.locator(":focus")).toHaveCount(1);
    await page.keyboard.press("Escape");
    await expect(dialog).toBeHidden();
    await expect(button, name).toBeFocused();
  }
  const menu = banner.getByRole("button", { name: "Image menu" });
  await app.menu("Rename");
  await expect(dialog).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(menu).toBeFocused();
  await app.row(4).click();
  await page.keyboard.press("?");
  await expect(dialog).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(app.row(4)).toBeFocused();
  await page.keyboard.press("Control+k");
  await expect(dialog.getByRole("combobox", { name: "Commands" })).toBeFocused();
  await page.keyboard.type("type a command");
  await page.keyboard.press("Enter");
  await expect(dialog).toBeHidden();
  await expect(app.command).toBeFocused();
});
