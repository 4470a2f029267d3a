/**
 * Lessons in the page: each of ours is done from its first step to its last question, by the buttons, clicks and lines of lesson-ways.ts;
 * and one of a teacher's own, as a file and in a link. Those about Linux are done by the page's own means here, since a step asks for what
 * reached the disk; in its terminal they are done where the guest is tested.
 */
import { readFileSync } from "node:fs";
import type { Locator, Page } from "@playwright/test";
import { CATALOG } from "../../src/lessons/catalog/index.ts";
import type { Lesson } from "../../src/lessons/index.ts";
import { WAYS } from "../../src/testing/lesson-ways.ts";
import type { Act } from "../../src/testing/lesson-ways.ts";
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

const EXAMPLE = readFileSync("docs/example.lesson.json", "utf8");
const own = JSON.parse(EXAMPLE) as Lesson;
/** Ways to do the example's steps, and none of them wrong. */
const OWN_WAYS: readonly (readonly Act[])[] = [[{ button: "Append", zone: 1, length: "8K" }], ["zap -p 2m 4k"], ["zap -p 3m 4k"], ["zrs 1m 1m", "zap -p 3m 4k"]];

/** The panel "Lessons". */
class Panel {
  readonly app: Zonescope;
  readonly region: Locator;
  readonly steps: Locator;
  private readonly page: Page;

  constructor(page: Page) {
    this.page = page;
    this.app = new Zonescope(page);
    this.region = page.getByRole("complementary", { name: "Lessons" });
    this.steps = this.region.getByRole("list", { name: "Steps" });
  }

  button(name: string): Locator {
    return this.region.getByRole("button", { name, exact: true });
  }

  /** The number of the present step, from 1. */
  async expectStep(lesson: Lesson, number: number): Promise<void> {
    await expect(this.steps.locator("[aria-current=step]")).toContainText(lesson.steps[number - 1]!.text.split("`")[0]!.trim());
  }

  async act(doing: Act): Promise<void> {
    const { app, page } = this;
    if (typeof doing === "string") {
      await app.type(doing);
    } else if ("button" in doing) {
      await this.selectOnMap(doing.zone);
      await app.zone.getByRole("textbox", { name: "Length" }).fill(doing.length ?? "4K");
      await app.zone.getByRole("textbox", { name: "Offset" }).fill(doing.offset ?? "");
      await app.button(doing.button).click();
    } else if ("press" in doing) await page.getByRole("banner").getByRole("button", { name: doing.press }).click();
    else if ("select" in doing) await (doing.on === "table" ? app.row(doing.select).click() : this.selectOnMap(doing.select));
    else if ("tab" in doing) await this.showTab(doing.tab);
    else {
      await this.showTab("Header");
      await page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: doing.field, exact: true }) }).getByRole("button").click();
      // The page turns to the bytes when the engine has said where they lie: what is done before that would be undone by it.
      await expect(page.getByRole("tab", { name: "Hex" })).toHaveAttribute("aria-selected", "true");
    }
  }

  /** A second click on a tab would fold the inspector away. */
  private async showTab(name: string): Promise<void> {
    const tab = this.page.getByRole("tab", { name });
    if ((await tab.getAttribute("aria-selected")) !== "true") await tab.click();
  }

  /** Over the map's cells by its keys. */
  private async selectOnMap(zone: number): Promise<void> {
    const map = this.app.map.getByRole("slider", { name: "Selected zone" });
    await map.press("Home");
    await expect(map).toHaveAttribute("aria-valuenow", "0");
    for (let step = 0; step < zone; step++) await map.press("ArrowRight");
    await expect(map).toHaveAttribute("aria-valuenow", String(zone));
    await expect(this.app.zone.getByRole("heading", { name: `Zone ${zone}`, exact: true })).toBeVisible();
  }

  /** Does the shown and started lesson to its end; the first choice of each question is a wrong one. */
  async complete(lesson: Lesson, ways: readonly (readonly Act[])[], hintAt = -1): Promise<void> {
    for (const [index, acts] of ways.entries()) {
      await this.expectStep(lesson, index + 1);
      if (index === hintAt) {
        await this.button("Hint").click();
        await expect(this.steps).toContainText(lesson.steps[index]!.hint.split("`")[0]!.trim());
      }
      for (const doing of acts) await this.act(doing);
    }
    for (const { text, choices, right } of lesson.questions) {
      const asked = this.region.getByRole("group", { name: plain(text) });
      const choice = (index: number): Locator => asked.getByRole("button").filter({ hasText: plain(choices[index]!) });
      await choice(right === 0 ? 1 : 0).click();
      await expect(choice(right === 0 ? 1 : 0)).toContainText("Not this one.");
      await choice(right).click();
      await expect(asked.getByRole("status")).toContainText("Right.");
    }
    await expect(this.region).toContainText("The lesson is done.");
  }

  /** From the list to the lesson's first step. */
  async start(lesson: Lesson, image = `lesson-${lesson.id}.qcow2`): Promise<void> {
    if ((await this.steps.count()) > 0) await this.button("All lessons").click();
    await this.region.getByRole("list", { name: "All lessons" }).getByRole("button", { name: lesson.title }).click();
    await this.region.getByRole("article", { name: lesson.title }).getByRole("button", { name: "Start lesson" }).click();
    await expect(this.app.image).toHaveText(image);
    await this.expectStep(lesson, 1);
  }

  async expectAccessible(): Promise<void> {
    expect(await seriousOn(this.page, ".panel-lessons")).toEqual([]);
  }
}

/** As it is shown: the marks of a line to type are not. */
const plain = (text: string): string => text.replaceAll("`", "");

/** What finishes a step of ours, with what does not before it. */
const waysOf = (id: string): readonly (readonly Act[])[] => WAYS[id]!.map(({ wrong, right }) => [...wrong, ...right]);

test("every lesson is done in the page from its first step to its last question", async ({ page }) => {
  // Twenty minutes of reading, done by a machine that may have much else to do.
  test.setTimeout(300_000);
  await Zonescope.open(page);
  const panel = new Panel(page);
  await panel.expectAccessible();
  for (const [index, lesson] of CATALOG.entries()) {
    await panel.start(lesson);
    await panel.complete(lesson, waysOf(lesson.id), index === 0 ? 1 : -1);
    if (index === 0) await panel.expectAccessible();
  }
  await panel.button("All lessons").click();
  await expect(panel.region).toContainText(`${CATALOG.length} of ${CATALOG.length} done`);
});

test("a lesson's link opens it; what was done outlives a reload, and a restart begins anew", async ({ page }) => {
  const lesson = CATALOG.find(({ id }) => id === "append")!;
  const ways = waysOf(lesson.id);
  const panel = new Panel(page);
  await page.goto("/#lesson=append");
  await expect(panel.app.image).toHaveText("welcome.qcow2");
  await panel.region.getByRole("button", { name: "Start lesson" }).click();
  for (const doing of ways.slice(0, 2).flat()) await panel.act(doing);
  await panel.expectStep(lesson, 3);
  await panel.button("Hint").click();
  await panel.expectAccessible();
  await page.waitForTimeout(300);
  await page.goto("/");
  await expect(panel.app.image).toHaveText("lesson-append.qcow2");
  await panel.expectStep(lesson, 3);
  await expect(panel.region).toContainText("a power cycle to the disk");
  for (const doing of ways[2]!) await panel.act(doing);
  await panel.expectStep(lesson, 4);
  await panel.app.switchTo("welcome.qcow2");
  await expect(panel.region).toContainText("The lesson waits: another image is attached.");
  await panel.button("Back to the lesson’s disk").click();
  await expect(panel.app.image).toHaveText("lesson-append.qcow2");
  await panel.button("Restart").click();
  await panel.expectStep(lesson, 1);
  await panel.app.expectCondition(1, "EMPTY");
  // Folded is remembered too.
  await panel.button("Fold the lessons away").click();
  await page.reload();
  await expect(panel.button("Show the lessons")).toBeVisible();
  await expect(panel.steps).toHaveCount(0);
});

/** Drops files on the page, as from a folder. */
async function drop(page: Page, files: Readonly<Record<string, string>>): Promise<void> {
  const dataTransfer = await page.evaluateHandle((dropped) => {
    const transfer = new DataTransfer();
    for (const [name, text] of Object.entries(dropped)) transfer.items.add(new File([text], name, { type: "application/json" }));
    return transfer;
  }, files);
  await page.getByRole("region", { name: "Zone map" }).dispatchEvent("drop", { dataTransfer });
}

test("a teacher's own lesson: told what is wrong with it, dropped, done, its result saved, and sent on in a link", async ({ page }) => {
  await Zonescope.open(page);
  const panel = new Panel(page);
  const hostile = { ...own, title: "<img src=x onerror=alert(1)>", steps: own.steps.map((step, index) => (index === 2 ? { ...step, check: { check: "selected", zone: 4 }, more: "\u202e<b>x</b>" } : step)) };
  await panel.app.openFile({ name: "bad.lesson.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(hostile)) });
  const alert = panel.region.getByRole("alert");
  await expect(alert).toContainText("bad.lesson.json is no lesson that can be opened");
  await expect(alert).toContainText("steps[2].check.zone: found 4; wanted: a whole number from 0 to 3");
  await expect(alert).toContainText('steps[2].more: found "‹U+202E›<b>x</b>"; wanted: no field of that name');
  await expect(alert.locator("b, img")).toHaveCount(0);
  await drop(page, { "odd.lesson.json": JSON.stringify({ ...own, id: "odd", title: "<img src=x onerror=alert(1)>" }) });
  await expect(panel.region.getByRole("heading", { name: "<img src=x onerror=alert(1)>" })).toBeVisible();
  await expect(page.locator("img")).toHaveCount(0);
  await expect(alert).toHaveCount(0);

  await drop(page, { "two-logs.lesson.json": EXAMPLE });
  await expect(panel.region).toContainText("Somebody else wrote it; it reaches nothing but that disk.");
  await panel.button("Link to it").click();
  const link = await panel.region.getByRole("textbox", { name: "Link" }).inputValue();
  expect(new URL(link).hash).toMatch(/^#lesson=1\.[\w-]+$/);
  await panel.expectAccessible();
  await panel.region.getByRole("button", { name: "Start lesson" }).click();
  await expect(panel.app.image).toHaveText("lesson-two-logs.qcow2");
  await panel.complete(own, OWN_WAYS, 0);
  const download = page.waitForEvent("download");
  await panel.button("Save result").click();
  const saved = await download;
  expect(saved.suggestedFilename()).toBe("two-logs.result.json");
  const result = JSON.parse(readFileSync(await saved.path(), "utf8")) as Record<string, unknown>;
  expect(result).toMatchObject({
    format: "zonescope-lesson-result",
    lesson: { id: "two-logs", title: own.title },
    complete: true,
    steps: own.steps.map(({ text }, index) => ({ step: index + 1, text, doneAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/), hinted: index === 0 })),
    questions: [{ answers: [own.questions[0]!.choices[0], own.questions[0]!.choices[1]], rightAtOnce: false }],
  });

  // In the link's house it is not started, its disk is in memory, and the library's image of its name stays as it is.
  await page.goto("about:blank");
  await page.goto(`/${new URL(link).hash}`);
  await expect(panel.region.getByRole("heading", { name: own.title })).toBeVisible();
  await expect(page.getByRole("region", { name: "Zone map" })).toContainText("The lesson makes one when it starts.");
  await panel.region.getByRole("button", { name: "Start lesson" }).click();
  await expect(panel.app.image).toHaveText("lesson-two-logs.qcow2");
  await panel.complete(own, OWN_WAYS);
  const strip = page.getByRole("region", { name: "Link" });
  await expect(strip.getByRole("button", { name: "Play" })).toHaveCount(0);
  await strip.getByRole("button", { name: "Keep lesson" }).click();
  await expect(strip).toHaveCount(0);
  // It is the one that is there already, done before.
  await expect(panel.region).toContainText("The lesson is done.");
  await panel.button("All lessons").click();
  await panel.region.getByRole("button", { name: `Forget the lesson ${own.title}` }).click();
  await expect(panel.region.getByRole("button", { name: own.title })).toHaveCount(0);
});

test("on a phone a stranger is invited from the folded lessons, until one is begun", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  const app = await Zonescope.open(page);
  const lessons = page.getByRole("complementary", { name: "Lessons" });
  const invitation = lessons.getByRole("button", { name: "New to zoned disks? Begin here" });
  await expect(invitation).toBeInViewport({ ratio: 1 });
  await invitation.focus();
  await page.keyboard.press("Enter");
  await expect(invitation).toHaveCount(0);
  await expect(lessons).toBeFocused();
  await lessons.getByRole("button", { name: "Start lesson" }).click();
  await expect(app.image).toHaveText("lesson-zones.qcow2");
  // Its present step is seen beside the buttons that it is about.
  const present = lessons.locator("[aria-current=step]");
  for (const step of ["Append 4 KiB to zone 0.", "Append 4 KiB to it again."]) {
    await expect(present).toContainText(step);
    await app.button("Append").click();
    await expect(app.button("Append")).toBeInViewport({ ratio: 1 });
    await expect(present).not.toContainText(step);
    await expect(present.locator(".step-text")).toBeInViewport({ ratio: 1 });
  }
  expect(await seriousOn(page)).toEqual([]);
  await lessons.getByRole("button", { name: "Fold the lessons away" }).click();
  await expect(lessons).toContainText("What a zone is");
  await expect(app.button("Append")).toBeVisible();
  await expect.poll(() => page.evaluate(() => getComputedStyle(document.querySelector("aside")!).position)).toBe("relative");
  await lessons.getByRole("button", { name: "Show the lessons" }).click();
  await lessons.getByRole("button", { name: "All lessons" }).click();
  await expect(lessons.getByRole("list", { name: "All lessons" })).toBeVisible();
  await lessons.getByRole("button", { name: "Fold the lessons away" }).click();
  await expect(lessons).toContainText("15, each on a disk of its own");
  await expect(invitation).toHaveCount(0);
});
