/** Where the keyboard is after a button was pressed by it: never nowhere, also where the button went or cannot be pressed any more. */
import type { Locator, Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

/** What has the keyboard: its role or element, and its name; "nobody" where it is the document. */
const holder = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const element = document.activeElement;
    if (element === null || element === document.body || element === document.documentElement) return "nobody";
    return `${element.getAttribute("role") ?? element.localName} ${element.getAttribute("aria-label") ?? element.textContent?.trim().slice(0, 40) ?? ""}`;
  });

/** Presses a button by the keyboard. */
async function press(button: Locator): Promise<void> {
  await expect(button).toBeEnabled();
  await button.focus();
  await expect(button).toBeFocused();
  await button.press("Enter");
}

/** Presses a button that goes, or cannot be pressed any more, and says who has the keyboard then. */
async function expectHolder(button: Locator, after: "gone" | "disabled", named: RegExp): Promise<void> {
  await press(button);
  await (after === "gone" ? expect(button).toBeHidden() : expect(button).toBeDisabled());
  await expect.poll(() => holder(button.page())).toMatch(named);
}

const tab = (page: Page, name: string): Locator => page.getByRole("tab", { name, exact: true });

test("a button that goes or is disabled leaves the keyboard with what is around it", async ({ page }) => {
  const app = await Zonescope.open(page);
  const region = (name: string) => page.getByRole("region", { name });
  const time = page.getByRole("group", { name: "Time" });
  await app.type("zap 3M 4k");
  await app.expectCondition(3, "IMPLICIT_OPEN");
  await press(time.getByRole("button", { name: "One event back" }));
  await expect(app.map.getByRole("status")).toContainText("The past");
  await expectHolder(time.getByRole("button", { name: "Now" }), "disabled", /^group Time$/);
  // It has the keyboard again as soon as it can be pressed.
  await page.keyboard.press("[");
  await expect(time.getByRole("button", { name: "Now" })).toBeFocused();
  await expectHolder(app.map.getByRole("button", { name: "Back to now" }), "gone", /^section Zone map$/);
  await expectHolder(region("Console").getByRole("button", { name: "Clear" }), "disabled", /^section Console$/);
  await expectHolder(app.zone.getByRole("button", { name: "finish, to FULL" }), "gone", /^group State machine$/);
  await app.map.getByRole("button", { name: "Zoom in" }).click();
  await expectHolder(app.map.getByRole("button", { name: "Whole map" }), "disabled", /^toolbar Map view$/);

  await tab(page, "Layout").click();
  await press(page.getByRole("button", { name: "Fold the inspector away" }));
  await expect(page.getByRole("tabpanel")).toBeHidden();
  await expect(tab(page, "Layout")).toBeFocused();
  await tab(page, "Workload").press("Enter");
  const workload = page.getByRole("group", { name: "Workload" });
  await workload.getByRole("textbox", { name: "rate" }).fill("64k");
  await press(workload.getByRole("button", { name: "Start" }));
  await expect(workload.getByRole("button", { name: "Pause" })).toBeFocused();
  await expectHolder(workload.getByRole("button", { name: "Stop" }), "disabled", /^group Workload$/);
  // By its key, from inside.
  await workload.focus();
  await page.keyboard.press("i");
  await expect(tab(page, "Workload")).toBeFocused();

  await app.openFile({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no disk") });
  const alert = page.getByRole("alert").filter({ hasText: "notes.txt" });
  await expectHolder(alert.getByRole("button", { name: "Dismiss" }), "gone", /^header /);
});

test("a lesson, its hint and its end leave the keyboard in the lessons", async ({ page }) => {
  await Zonescope.open(page);
  const lessons = page.getByRole("complementary", { name: "Lessons" });
  await lessons.getByRole("button", { name: "The write pointer" }).press("Enter");
  await expect(lessons.getByRole("article")).toBeVisible();
  await expect.poll(() => holder(page)).toBe("aside Lessons");
  await expectHolder(lessons.getByRole("button", { name: "Start lesson" }), "gone", /^article The write pointer$/);
  await expectHolder(lessons.getByRole("button", { name: "Hint" }), "gone", /^p /);
  await expectHolder(lessons.getByRole("button", { name: "All lessons" }), "gone", /^aside Lessons$/);
  // From the list a lesson begins at once.
  await expectHolder(lessons.getByRole("button", { name: /Start lesson|Continue/ }), "gone", /^aside Lessons$/);
});

test("a file that is copied, and a link that is left, leave the keyboard on the page", async ({ page }) => {
  const app = await Zonescope.open(page);
  const saved = test.info().outputPath("disk.qcow2");
  await app.save(saved);
  await app.openFile(saved);
  await expectHolder(page.getByRole("button", { name: "Edit a copy" }), "gone", /^header /);
  await page.goto(`/#run=${encodeURIComponent("qemu-img create -f qcow2 a.qcow2 -o size=12M,zone_size=1M,zone_model=1\nsleep 60000\nzo 0 1M")}`);
  await page.reload();
  const link = page.getByRole("region", { name: "Link" });
  await expectHolder(link.getByRole("button", { name: "Stop" }), "gone", /^toolbar Transport$/);
  await expectHolder(link.getByRole("button", { name: "Leave" }), "gone", /^header /);
});

/** These open a dialog, which is loaded when it is first wanted. */
const DIALOGS = /^(New image|Share|Compare profiles|Command palette)$/;
/** These lead to the system's own windows, or change all that is seen: the tests above have them. */
const LEFT_OUT = /^(Open file|Save \.qcow2|Fold the inspector away)$/;

test("no button of the page leaves the keyboard with nobody", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("zap 3M 4k");
  await app.expectCondition(3, "IMPLICIT_OPEN");
  await app.row(3).click();
  await tab(page, "Hex").click();
  await expect(page.getByRole("group", { name: "Bytes of the file" })).toContainText(/[0-9a-f]{32}/);
  const buttons = page.locator("header, main").getByRole("button");
  const names = await buttons.evaluateAll((all) => [...new Set(all.map((button) => button.getAttribute("aria-label") ?? button.textContent?.trim() ?? ""))]);
  const over = page.locator("[role=dialog], [role=menu]");
  const lost: string[] = [];
  let pressed = 0;
  for (const name of names.filter((each) => !LEFT_OUT.test(each))) {
    const button = page.getByRole("button", { name, exact: true }).first();
    // Gone or disabled by what was pressed before.
    if (!(await button.isVisible()) || (await button.isDisabled())) continue;
    const opens = DIALOGS.test(name) || (await button.getAttribute("aria-haspopup")) === "menu";
    const there = await button.press("Enter", { timeout: 3000 }).then(() => true, () => false);
    if (!there) continue;
    pressed++;
    if (opens) {
      await expect(over.first(), name).toBeVisible();
      await expect.poll(() => over.first().evaluate((element) => element.contains(document.activeElement)), name).toBe(true);
      await page.keyboard.press("Escape");
      await expect(over).toHaveCount(0);
      await expect(button, name).toBeFocused();
    }
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    if ((await holder(page)) === "nobody") lost.push(name);
  }
  expect(lost).toEqual([]);
  expect(pressed).toBeGreaterThan(30);
});
