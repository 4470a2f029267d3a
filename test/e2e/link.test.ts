/** Links in the page: what they play, what they cannot touch, how they are stopped and left. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Locator, Page } from "@playwright/test";
import { violationsOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

const run = (...lines: string[]): string => `#run=${encodeURIComponent(lines.join("\n"))}`;

/** The region "Link" and what is in it. */
class Strip {
  readonly region: Locator;
  readonly count: Locator;

  constructor(page: Page | ReturnType<Page["frameLocator"]>) {
    this.region = page.getByRole("region", { name: "Link" });
    this.count = this.region.getByText(/^\d+ of \d+$/);
  }

  button(name: string): Locator {
    return this.region.getByRole("button", { name, exact: true });
  }

  /** A row of the script. */
  row(line: string): Locator {
    return this.region.getByRole("listitem").filter({ hasText: line });
  }

  async fast(page: Page): Promise<void> {
    await this.region.getByRole("button", { name: /^Speed/ }).click();
    await page.getByRole("menuitemradio", { name: "As fast as it goes" }).click();
  }
}

async function open(page: Page, hash: string): Promise<{ app: Zonescope; strip: Strip }> {
  await page.goto("/" + hash);
  return { app: new Zonescope(page), strip: new Strip(page) };
}

/** The library's files with their bytes summed up, read past the page. */
function libraryFiles(page: Page): Promise<Record<string, string>> {
  return page.evaluate(async () => {
    const found: Record<string, string> = {};
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("images", { create: true });
    for await (const [name, handle] of folder as unknown as AsyncIterable<[string, FileSystemFileHandle]>) {
      const bytes = await (await handle.getFile()).arrayBuffer();
      const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      found[name] = Array.from(sum, (byte) => byte.toString(16).padStart(2, "0")).join("");
    }
    return found;
  });
}

test("a readable link plays by itself beside its script, and leaves the library as it was", async ({ page }) => {
  const { app, strip } = await open(page, run("# two appends", "zap 2M 4k", "zap 2M 8k", "write 9M 4k", "write 9M 4k"));
  await expect(strip.row("zap 2M 4k")).toContainText("Zone 2: EMPTY → IMPLICIT_OPEN");
  await app.expectCondition(2, "IMPLICIT_OPEN");
  await strip.fast(page);
  await expect(strip.count).toHaveText("4 of 4");
  await expect(strip.row("write 9M 4k").last()).toContainText("write failed: Invalid argument");
  await expect(strip.row("write 9M 4k").last().getByRole("button")).toHaveAttribute("aria-current", "step");
  await expect(strip.row("# two appends").getByRole("button")).toHaveCount(0);
  // Numbers are those of the commands, as the count beside them and "step" have them.
  await expect(strip.row("# two appends").locator(".script-number")).toBeEmpty();
  await expect(strip.row("zap 2M 4k").locator(".script-number")).toHaveText("1");
  await expect(strip.row("zap 2M 8k").locator(".script-number")).toHaveText("2");
  await expect(app.output).toContainText("Not at the write pointer");
  expect(await libraryFiles(page)).toEqual({});
  // Back to a line by playing up to it.
  await strip.row("zap 2M 4k").getByRole("button").click();
  await expect(strip.count).toHaveText("1 of 4");
  await expect(app.row(2)).toContainText("2,052 KiB");
  await app.expectCondition(9, "EMPTY");
  await strip.button("Step").click();
  await expect(app.row(2)).toContainText("2,060 KiB");
  await strip.button("Restart").click();
  await expect(strip.count).toHaveText("0 of 4");
  await app.expectCondition(2, "EMPTY");
  await strip.button("Leave").click();
  await expect(app.image).toHaveText("welcome.qcow2");
  await expect(strip.region).toHaveCount(0);
  expect(new URL(page.url()).hash).toBe("");
});

test("names in a link are never the library's: an image of the same name stays byte for byte as it was", async ({ page }) => {
  let app = await Zonescope.open(page);
  await app.type("qemu-img create -f qcow2 disk.qcow2 8M");
  await expect(app.image).toHaveText("disk.qcow2");
  await app.type("write -P 0x77 0 64k");
  await expect(app.output).toContainText("wrote 65536/65536");
  await page.waitForTimeout(400);
  await app.switchTo("welcome.qcow2");
  const before = await libraryFiles(page);
  expect(Object.keys(before).sort()).toEqual(["disk.qcow2", "welcome.qcow2"]);
  const hostile = [
    "qemu-img create -f qcow2 disk.qcow2 -o size=4M,zone_size=1M,zone_model=1",
    "zf 0 1M",
    "qemu-img info welcome.qcow2",
    "qemu-img convert -f raw -O raw disk.qcow2 welcome.qcow2",
    "qemu-io -c 'write 0 1M' welcome.qcow2",
    "qemu-img create -f qcow2 over.qcow2 -b welcome.qcow2 -F qcow2 8M",
    "qemu-img info images/welcome.qcow2",
    "qemu-img info ../images/welcome.qcow2",
    "qemu-img create -f qcow2 ../welcome.qcow2 1M",
    "qemu-img resize disk.qcow2 16M",
  ];
  await page.goto("/" + run(...hostile));
  const strip = new Strip(page);
  await strip.fast(page);
  await expect(strip.count).toHaveText("10 of 10");
  await expect(strip.row("qemu-img info welcome.qcow2")).toContainText("Could not open 'welcome.qcow2'");
  await expect(strip.row("info ../images/welcome.qcow2")).toContainText("Could not open");
  expect(await libraryFiles(page)).toEqual(before);
  // Nor are other tabs asked for them: the tab that has one keeps it.
  await page.goto("about:blank");
  const other = await page.context().newPage();
  app = await Zonescope.open(other);
  await app.type("write 9M 4k");
  await expect(app.output).toContainText("wrote 4096/4096");
  await page.goto("/" + run("qemu-io -c 'write 0 4k' welcome.qcow2"));
  await expect(strip.count).toHaveText("1 of 1");
  await expect(other.getByRole("banner")).not.toContainText("Take over");
  await app.type("write 9M 4k");
  await expect(app.output).toContainText("Not at the write pointer");
  await other.close();
  await page.goto("/");
  await expect(new Zonescope(page).image).toHaveText("welcome.qcow2");
});

test("the address is followed: from link to link, to a broken one, and back", async ({ page }) => {
  const { app, strip } = await open(page, run("zf 2M 1M"));
  await expect(strip.count).toHaveText("1 of 1");
  await page.evaluate((hash) => (window.location.hash = hash), run("zf 3M 1M"));
  await expect(strip.row("zf 3M 1M")).toContainText("FULL");
  await app.expectCondition(2, "EMPTY");
  expect(page.workers()).toHaveLength(1);
  await page.evaluate(() => (window.location.hash = "#z=1.brokenbroken"));
  await expect(page.getByRole("alert")).toContainText("The link is damaged");
  await expect(strip.region).toHaveCount(0);
  await expect(app.image).toHaveText("welcome.qcow2");
  await app.type("zf 4M 1M");
  await app.expectCondition(4, "FULL");
  await page.goBack();
  await expect(strip.row("zf 3M 1M")).toContainText("FULL");
  await app.expectCondition(4, "EMPTY");
  await strip.button("Leave").click();
  // The ordinary page is as it was left.
  await app.expectCondition(4, "FULL");
  await expect(app.output).toContainText("zf 4M 1M");
  expect(page.workers()).toHaveLength(1);
});

test("a link's disk is kept as an image under a name that is free", async ({ page }) => {
  let app = await Zonescope.open(page);
  await app.type("qemu-img create -f qcow2 disk.qcow2 8M");
  await expect(app.image).toHaveText("disk.qcow2");
  const before = await libraryFiles(page);
  await page.evaluate((hash) => (window.location.hash = hash), run("write -P 0x5a 2M 4k", "zf 3M 1M"));
  const strip = new Strip(page);
  await strip.fast(page);
  await expect(strip.count).toHaveText("2 of 2");
  await strip.button("Keep as image").click();
  await expect(strip.region).toHaveCount(0);
  await expect(app.image).toHaveText("disk-2.qcow2");
  await app.expectCondition(2, "CLOSED");
  await app.expectCondition(3, "FULL");
  await app.type("read -P 0x5a 2M 4k");
  await expect(app.output).toContainText("read 4096/4096 bytes at offset 2097152");
  expect((await libraryFiles(page))["disk.qcow2"]).toBe(before["disk.qcow2"]);
  app = await Zonescope.open(page, "disk-2.qcow2");
});

test("what a hostile script does hangs nothing", async ({ page }) => {
  const lines = [
    "qemu-img create -f qcow2 disk.qcow2 -o size=12M,zone_size=1M,zone_model=1",
    "sleep 1000000000",
    "qemu-io -c 'sleep 999999999999' -c 'sleep 999999999999' disk.qcow2",
    "qemu-img create -f raw big.raw 8E",
    "qemu-img create -f qcow2 -o preallocation=full full.qcow2 400G",
    "qemu-img create -f qcow2 wide.qcow2 4G",
    "write -P 1 0 2147418112",
    "qemu-img create -f qcow2 '<img src=x onerror=alert(1)>' 1M",
    ...Array.from({ length: 60 }, (_, index) => `truncate ${index % 2 === 0 ? "1T" : "0"}`),
    "qemu-img create -f qcow2 disk.qcow2 -o size=12M,zone_size=1M,zone_model=1",
    `qemu-img ${"a/../".repeat(400)}`,
    "qemu-img info http://127.0.0.1:9/secret",
    "zap 2M 4k",
  ];
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  const { app, strip } = await open(page, run(...lines));
  await expect(strip.row("sleep 1000000000")).toContainText("…");
  await expect(strip.button("Stop")).toBeVisible();
  // The page answers meanwhile.
  await app.row(5).click();
  await expect(app.zone.getByRole("heading")).toHaveText("Zone 5");
  await strip.button("Stop").click();
  await expect(strip.row("sleep 1000000000")).toContainText("stopped");
  // A step does not wait.
  await strip.button("Step").click();
  await expect(strip.count).toHaveText("3 of 72");
  await strip.fast(page);
  await strip.button("Play").click();
  await expect(strip.count).toHaveText("72 of 72", { timeout: 60_000 });
  await expect(app.output).toContainText("zap 2M 4k");
  await expect(page.locator("img")).toHaveCount(0);
  expect(requests.filter((url) => new URL(url).port === "9")).toEqual([]);
  await strip.button("Leave").click();
  await expect(app.image).toHaveText("welcome.qcow2");
});

test("typing in between pauses the player, and the line goes first", async ({ page }) => {
  const { app, strip } = await open(page, run(...Array<string>(20).fill("zap 2M 4k")));
  // Not one count of its own: each is shown for a second, which a busy machine may look away for.
  await expect(strip.count).toHaveText(/^[1-9]\d* of 20$/);
  await app.type("zf 9M 1M");
  await app.expectCondition(9, "FULL");
  await expect(strip.button("Play")).toBeVisible();
  const told = await strip.count.innerText();
  await page.waitForTimeout(1500);
  await expect(strip.count).toHaveText(told);
  await strip.button("Play").click();
  await expect(strip.count).not.toHaveText(told);
});

test("a frame of another origin shows map, legend, console and transport, and nothing else", async ({ page, baseURL }) => {
  const url = `${baseURL ?? ""}/${run("zap 2M 4k", "zf 3M 1M")}&embed=1`;
  const server = createServer((_, response) => response.setHeader("content-type", "text/html").end(`<!doctype html><title>article</title><iframe title="zonescope" src="${url.replaceAll("&", "&amp;")}" width="900" height="520"></iframe>`));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const frame = page.frameLocator("iframe");
    const strip = new Strip(frame);
    await expect(strip.count).toHaveText("2 of 2");
    await expect(frame.getByRole("region", { name: "Zone map" }).getByRole("listitem").filter({ hasText: "FULL" })).toHaveText("FULL1");
    await expect(frame.getByRole("log", { name: "Console output" })).toContainText("zf 3M 1M");
    await expect(frame.getByRole("banner")).toHaveCount(0);
    await expect(frame.getByRole("button")).toHaveText(["Play", "", "1×"]);
    expect(await frame.getByRole("button").evaluateAll((buttons) => buttons.map((button) => button.getAttribute("aria-label") ?? button.textContent))).toEqual(["Play", "Step", "Speed: 1×"]);
    await expect(frame.getByRole("textbox")).toHaveCount(1);
    await expect(frame.getByRole("link")).toHaveCount(0);
    for (const [role, name] of [["table", "Zones"], ["region", "Resources"], ["log", "Events"], ["tab", "Header"], ["complementary", "Lessons"]] as const) await expect(frame.getByRole(role, { name })).toHaveCount(0);
    // The keys zoom the map all the same.
    const map = frame.getByRole("slider", { name: "Selected zone" });
    await map.press("+");
    await expect(frame.getByRole("img", { name: /whole map; enlarged/ })).toBeVisible();
    await map.press("0");
    await expect(frame.getByRole("img", { name: /whole map; enlarged/ })).toBeHidden();
    await frame.getByRole("textbox", { name: "Command" }).fill("zo 4M 1M");
    await frame.getByRole("textbox", { name: "Command" }).press("Enter");
    const opened = frame.getByRole("region", { name: "Zone map" }).getByRole("listitem").filter({ hasText: "EXPLICIT_OPEN" });
    await expect(opened).toHaveText("EXPLICIT_OPEN1");
    // Behind the last command Play begins anew, on a disk without what was typed.
    await strip.button("Play").click();
    await expect(opened).toHaveText("EXPLICIT_OPEN0");
    await expect(strip.count).toHaveText("2 of 2");
  } finally {
    server.close();
  }
});

test("in a frame too a line that takes long can be ended, and Pause is Pause", async ({ page }) => {
  const { app, strip } = await open(page, run("sleep 1000000000", "zf 3M 1M") + "&embed=1");
  await expect(app.output).toContainText("sleep 1000000000");
  await expect(strip.button("Stop")).toBeVisible();
  // It lets the line go on, and plays no other behind it.
  await strip.button("Pause").click();
  await expect(strip.button("Play")).toBeVisible();
  await expect(strip.count).toHaveText("0 of 2");
  await strip.button("Stop").click();
  await expect(strip.count).toHaveText("1 of 2");
  await expect(strip.button("Stop")).toBeHidden();
  await strip.button("Step").click();
  await expect(strip.count).toHaveText("2 of 2");
});

test("a broken link in a frame says so, and nothing stands in its place", async ({ page }) => {
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto("/#z=9.abc&embed=1");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  await expect(page.getByRole("alert")).toContainText("The link is of a newer kind");
  await expect(page.getByRole("textbox", { name: "Command" })).toHaveCount(0);
  expect(page.workers()).toHaveLength(0);
});

/** Every form of the documentation, as it was shared once (test/unit/share has what the codec makes of them). */
const GOLDEN: readonly (readonly [hash: string, count: string, zone: number, condition: string])[] = [
  ["#run=zap%202M%204k%0Azf%202M%201M", "2 of 2", 2, "FULL"],
  ["#z=1.q1YqKs1TslKqSixQMPJVMMmOyatKA7EMfZVqAQ", "2 of 2", 2, "FULL"],
  ["#run=%23%20two%20appends%0Azap%202M%204k%0D%0Azap%202M%204k%0A&autoplay=0&step=1", "1 of 2", 2, "IMPLICIT_OPEN"],
  ["#run=qemu-img%20create%20-f%20qcow2%20a.qcow2%20-o%20size=8M,zone_size=1M,zone_model=1&later=yes", "1 of 1", 7, "EMPTY"],
];
for (const [hash, count, zone, condition] of GOLDEN) {
  test(`the golden link ${hash}`, async ({ page }) => {
    const { app, strip } = await open(page, hash);
    if (hash.includes("autoplay=0")) {
      await expect(strip.count).toHaveText(/^0 of/);
      await page.waitForTimeout(1500);
      await expect(strip.count).toHaveText(/^0 of/);
      await strip.button("Play").click();
    }
    await expect(strip.count).toHaveText(count);
    await app.expectCondition(zone, condition);
    if (hash.includes("step=")) {
      await page.waitForTimeout(1500);
      await expect(strip.count).toHaveText(count);
    }
  });
}

test("a link of a lesson opens it, alone over the library and with commands in their house; one that is not known is told", async ({ page }) => {
  const { app, strip } = await open(page, "#lesson=write-pointer");
  await expect(app.image).toHaveText("welcome.qcow2");
  const lessons = page.getByRole("complementary", { name: "Lessons" });
  await expect(lessons.getByRole("heading", { level: 3 }).first()).toBeVisible();
  await page.evaluate(() => (window.location.hash = "#z=1.q1YqKs1TslKqSixQMPJVMMmOyatKA7EMfZVqAQ&lesson=write-pointer"));
  await expect(strip.count).toHaveText("2 of 2");
  await expect(lessons).toBeVisible();
  await page.evaluate(() => (window.location.hash = "#lesson=never-heard-of"));
  await expect(lessons.getByRole("alert")).toContainText("never-heard-of");
});

test("strip and frame are accessible", async ({ page }) => {
  const { strip } = await open(page, run("# a comment", "zap 2M 4k", "write 9M 4k", "write 9M 4k"));
  await strip.fast(page);
  await expect(strip.count).toHaveText("3 of 3");
  expect(await violationsOn(page)).toEqual([]);
  await page.goto("/" + run("zap 2M 4k") + "&embed=1");
  await expect(strip.count).toHaveText("1 of 1");
  expect(await violationsOn(page)).toEqual([]);
});
