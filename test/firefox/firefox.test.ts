/**
 * The page in Firefox, driven over WebDriver BiDi: create, write, reload, save, open; images on one backing file; a lesson,
 * a link, a workload and the crash lab. Every step is a person's, by role and name. What differs from Chromium is in docs/browsers.md.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "@playwright/test";
import puppeteer from "puppeteer-core";
import type { Browser, Page } from "puppeteer-core";
import { stockCheck } from "../../src/testing/stock.ts";

const FIREFOX = process.env["FIREFOX"] ?? ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find((path) => existsSync(path)) ?? "";

let browser: Browser;
let page: Page;
let address = "";
const profile = mkdtempSync(join(tmpdir(), "zonescope-firefox-"));
const downloads = mkdtempSync(join(tmpdir(), "zonescope-firefox-saved-"));
/** What the page complained of. */
const errors: string[] = [];

/** On a machine with ten other things to do a start of Firefox and of the page's worker takes longer than any of it does by itself. */
const PATIENCE_MS = 90_000;

const byRole = (role: string, name: string): string => `::-p-aria([role="${role}"][name="${name}"])`;

async function textOf(selector: string): Promise<string> {
  return page.$eval(selector, (element) => (element as HTMLElement).innerText);
}

/** Waits until what a region shows contains the text. */
async function shows(selector: string, text: string): Promise<void> {
  await expect.poll(() => textOf(selector).catch(() => ""), { timeout: PATIENCE_MS }).toContain(text);
}

const OUTPUT = byRole("log", "Console output");

async function type(line: string): Promise<void> {
  const prompt = await page.waitForSelector(byRole("textbox", "Command"));
  await prompt?.type(line);
  await prompt?.press("Enter");
}

test.beforeAll(async ({ baseURL }, info) => {
  info.setTimeout(2 * PATIENCE_MS);
  if (FIREFOX === "") throw new Error("no Firefox found: install one (Debian: apt-get install firefox-esr) or name it in the environment variable FIREFOX");
  address = baseURL ?? "";
  browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: FIREFOX,
    headless: true,
    timeout: PATIENCE_MS,
    userDataDir: profile,
    extraPrefsFirefox: { "browser.download.folderList": 2, "browser.download.dir": downloads, "browser.download.useDownloadDir": true, "browser.helperApps.neverAsk.saveToDisk": "application/octet-stream" },
  });
  page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  page.setDefaultNavigationTimeout(PATIENCE_MS);
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.setViewport({ width: 1440, height: 900 });
});
test.afterAll(async () => {
  await browser.close();
  for (const folder of [profile, downloads]) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

test("in Firefox an image is made, written, kept over a reload, saved whole and opened again", async () => {
  await page.goto(`${address}/`);
  await shows(byRole("combobox", "Image"), "welcome.qcow2");
  // The private file system is there: no banner says that images are kept in memory.
  expect(await page.$eval("body", (body) => body.innerText)).not.toContain("kept in memory");
  await type("qemu-img create -f qcow2 fox.qcow2 -o size=64M,zone_size=4M,zone_model=1,max_open_zones=2");
  await shows(byRole("combobox", "Image"), "fox.qcow2");
  await type("write -P 0x42 0 64k");
  await shows(OUTPUT, "wrote 65536/65536 bytes at offset 0");
  await type("zap -p 4M 4k 8k");
  await type("write 128k 4k");
  await shows(OUTPUT, "write failed: Invalid argument");
  await type("flush");
  await type("length");
  await shows(OUTPUT, "64 MiB");

  await page.reload();
  await shows(byRole("combobox", "Image"), "fox.qcow2");
  await shows(byRole("table", "Zones"), "CLOSED");
  await type("read -P 0x42 0 64k");
  await shows(OUTPUT, "read 65536/65536 bytes at offset 0");
  expect(await textOf(OUTPUT)).not.toContain("Pattern verification failed");

  await (await page.waitForSelector(byRole("button", "Save .qcow2")))?.click();
  // While it is on its way the name is there empty, and the bytes are in a file beside it.
  await expect.poll(() => readdirSync(downloads).map((name) => [name, statSync(join(downloads, name)).size > 0]), { timeout: PATIENCE_MS }).toEqual([["fox.qcow2", true]]);
  const saved = join(downloads, "fox.qcow2");
  expect(stockCheck(saved)).toMatchObject({ corruptions: 0, checkErrors: 0 });

  const [chooser] = await Promise.all([page.waitForFileChooser({ timeout: PATIENCE_MS }), (await page.waitForSelector(byRole("button", "Open file")))?.click()]);
  await chooser.accept([saved]);
  await expect.poll(() => page.$eval("body", (body) => body.innerText), { timeout: PATIENCE_MS }).toContain("is open read-only, where it lies on this machine");
  await type("read -P 0x42 0 64k");
  await shows(OUTPUT, "read 65536/65536 bytes at offset 0");
  expect(errors).toEqual([]);
});

test("in Firefox two images stand on one backing file, and are compared", async () => {
  // Firefox gives one access handle a file: both images' reads of the file below go through one.
  await type("qemu-img create -q -f qcow2 base.qcow2 8M");
  await shows(byRole("combobox", "Image"), "base.qcow2");
  for (const name of ["one.qcow2", "two.qcow2"]) {
    await type(`qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 ${name}`);
    await shows(byRole("combobox", "Image"), name);
  }
  await type("qemu-img compare one.qcow2 two.qcow2");
  await shows(OUTPUT, "Images are identical.");
  expect(errors).toEqual([]);
});

test("in Firefox a step of a lesson notices when it is done", async () => {
  await page.goto(`${address}/#lesson=active-limit`);
  await page.reload();
  const lessons = byRole("complementary", "Lessons");
  await (await page.waitForSelector(byRole("button", "Start lesson")))?.click();
  await shows(lessons, "At most 2 zones are open here");
  for (const line of ["write 0 4k", "write 1m 4k", "write 2m 4k"]) await type(line);
  await shows(lessons, "For the third one zone 0 was closed.");
  expect(errors).toEqual([]);
});

test("in Firefox a link plays, and the tabs of workloads and of the crash lab work", async () => {
  await page.goto(`${address}/#run=${encodeURIComponent("zap 2M 4k\nwrite 2M 4k\nzf 2M 1M")}`);
  await page.reload();
  const strip = byRole("region", "Link");
  await shows(strip, "Zone 2: EMPTY → IMPLICIT_OPEN");
  await shows(strip, "3 of 3");
  await shows(byRole("table", "Zones"), "FULL");

  await (await page.waitForSelector(byRole("tab", "Workload")))?.click();
  const workload = byRole("group", "Workload");
  await shows(workload, "Flat out");
  await (await page.waitForSelector(`${workload} >>> ${byRole("button", "Start")}`))?.click();
  await shows(workload, "Ended");

  await (await page.waitForSelector(byRole("tab", "Crash lab")))?.click();
  await (await page.waitForSelector(byRole("button", "Cut the power")))?.click();
  await shows(byRole("region", "Result"), "Nothing that was flushed is lost.");
  expect(errors).toEqual([]);
});
