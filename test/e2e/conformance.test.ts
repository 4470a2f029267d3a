/** The conformance suites over the browser's homes, and what the browser alone can show: tabs, crashes, restarts. */
import type { Page } from "@playwright/test";
import type { Harness } from "../../src/testing/browser/harness.ts";
import { expect, test } from "./fixtures.ts";

const HARNESS = "/src/testing/browser/harness.html";

async function runHarness(page: Page): Promise<Harness> {
  await page.goto(HARNESS);
  const ended = await page.waitForFunction(() => {
    const { harness } = window as unknown as { harness: Harness };
    return harness.end === null ? null : harness;
  });
  return (await ended.jsonValue())!;
}

test("every check of every suite holds in the browser", async ({ page }) => {
  const harness = await runHarness(page);
  expect(harness.end).toBe("done");
  expect(harness.results.filter((result) => result.failure !== null)).toEqual([]);
  const suites = new Set(harness.results.map((result) => result.suite));
  expect([...suites].sort()).toEqual([
    "BlobStore over FileReaderSync",
    "CoalescingStore over OpfsStore",
    "MemoryFiles as a library",
    "MemoryStore",
    "OpfsFiles",
    "OpfsFiles as a library",
    "OpfsStore",
  ]);
  expect(harness.results.length).toBeGreaterThan(80);
});

test("the profile outlives the browser: closed, and killed", async ({ zonescope, page }) => {
  await page.goto(HARNESS);
  await put(page, "closed.txt");
  const second = await zonescope.relaunch();
  await second.goto(HARNESS);
  expect(await names(second)).toContain("closed.txt");
  await put(second, "killed.txt");
  await zonescope.kill();
  const third = await zonescope.launch();
  await third.goto(HARNESS);
  expect(await names(third)).toEqual(expect.arrayContaining(["closed.txt", "killed.txt"]));
});

/** Makes a file in the root of OPFS, and waits until it is there. */
async function put(page: Page, name: string): Promise<void> {
  await page.evaluate(async (file) => {
    const root = await navigator.storage.getDirectory();
    const writable = await (await root.getFileHandle(file, { create: true })).createWritable();
    await writable.write("kept");
    await writable.close();
  }, name);
}

async function names(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const found: string[] = [];
    for await (const name of root.keys()) found.push(name);
    return found;
  });
}
