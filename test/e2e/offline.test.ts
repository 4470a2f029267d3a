/** Without a network, in a new version, and what a browser is allowed to reach: the program as a site. */
import { createServer } from "node:http";
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";
import { Site } from "./site.ts";

const BUILD = "dist-e2e";

/** Opens the site and waits until every file is stored and the page is the service worker's. */
async function visitTwice(page: Page, address: string): Promise<Zonescope> {
  await page.goto(`${address}/`);
  await expect(new Zonescope(page).image).toHaveText("welcome.qcow2");
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.goto(`${address}/`);
  const zonescope = new Zonescope(page);
  await expect(zonescope.image).toHaveText("welcome.qcow2");
  expect(await page.evaluate(() => navigator.serviceWorker.controller !== null)).toBe(true);
  return zonescope;
}

test("after the first visit the program works without a network, and so does what it left on the disk", async ({ page }) => {
  const site = new Site(BUILD);
  const address = await site.start();
  let zonescope = await visitTwice(page, address);
  await zonescope.type("write 2M 64k");
  await zonescope.expectCondition(2, "IMPLICIT_OPEN");
  await site.stop();
  await expect(page.request.get(`${address}/`)).rejects.toThrow();

  await page.reload();
  zonescope = new Zonescope(page);
  await expect(zonescope.image).toHaveText("welcome.qcow2");
  await zonescope.expectCondition(2, "CLOSED");
  // A part that is loaded only when it is wanted: the encoder of zstd and its WebAssembly.
  await zonescope.type("qemu-img create -f qcow2 -o compression_type=zstd packed.qcow2 1M");
  await zonescope.type("qemu-io -c 'write -c 0 64k' packed.qcow2");
  await expect(zonescope.output).toContainText("wrote 65536/65536 bytes at offset 0");
});

test("a part that does not come says so in its place, and the page goes on", async ({ page }) => {
  const zonescope = await Zonescope.open(page);
  await page.route(/\/assets\/(crash|help-dialog|lesson-view)[^/]*\.js$/, (route) => route.abort());
  await page.getByRole("tab", { name: "Crash lab" }).click();
  const missing = page.getByRole("alert").filter({ hasText: "This part of the page could not be loaded." });
  await expect(missing).toHaveCount(1);
  await zonescope.type("crash --list");
  await expect(zonescope.output).toContainText("this part of the program could not be loaded");
  await page.getByRole("complementary", { name: "Lessons" }).getByRole("button", { name: "The write pointer" }).click();
  await expect(missing).toHaveCount(2);
  // A dialog has no place in the page: a strip says it, and nothing lies over the page.
  await zonescope.map.getByRole("slider", { name: "Selected zone" }).focus();
  await page.keyboard.press("?");
  await expect(missing).toHaveCount(3);
  await expect(missing.first()).toBeInViewport();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await missing.first().getByRole("button", { name: "Dismiss" }).click();
  await expect(missing).toHaveCount(2);
  await page.keyboard.press("?");
  await expect(missing).toHaveCount(3);
  await zonescope.type("zap 2M 4k");
  await zonescope.expectCondition(2, "IMPLICIT_OPEN");
  // Nobody has updated anything.
  await expect(page.getByText("Another tab updated zonescope")).toHaveCount(0);
});

test("a new version waits for the person's word, and another tab goes on as it is", async ({ page, context }) => {
  const site = new Site(BUILD);
  const address = await site.start();
  await visitTwice(page, address);
  const other = await context.newPage();
  await other.goto(`${address}/`);
  await expect(other.getByRole("banner")).toBeVisible();
  await expect(page.getByRole("status").filter({ hasText: "new version" })).toHaveCount(0);

  site.replaced.set("/sw.js", `${site.read("sw.js")}\n// Another version.\n`);
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
  });
  const notice = page.getByRole("status").filter({ hasText: "A new version of zonescope is ready" });
  await expect(notice).toBeVisible();
  const zonescope = new Zonescope(page);
  await zonescope.type("write 3M 64k");
  await zonescope.expectCondition(3, "IMPLICIT_OPEN");

  const restarted = page.waitForEvent("load");
  await notice.getByRole("button", { name: "Update now" }).click();
  await restarted;
  await expect(new Zonescope(page).image).toHaveText("welcome.qcow2");
  await expect(notice).toHaveCount(0);
  const outdated = other.getByRole("status").filter({ hasText: "Another tab updated zonescope" });
  await expect(outdated).toBeVisible();
  // It has the rest when it is loaded anew.
  const reloaded = other.waitForEvent("load");
  await outdated.getByRole("button", { name: "Reload" }).click();
  await reloaded;
  await expect(other.getByRole("banner")).toBeVisible();
  await expect(outdated).toHaveCount(0);
  await site.stop();
});

test("the engine's worker reaches no other host and runs no text as a script", async ({ page }) => {
  const heard: string[] = [];
  const elsewhere = createServer((request, response) => {
    heard.push(request.url ?? "");
    response.writeHead(200, { "Access-Control-Allow-Origin": "*" }).end("reached");
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, "localhost", resolve));
  const address = elsewhere.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  const target = `http://localhost:${address.port}/`;
  const site = new Site(BUILD);
  const origin = await site.start();

  const attempt = (url: string) =>
    fetch(url).then(
      (response) => response.text(),
      (error: unknown) => `refused: ${String(error)}`,
    );
  // A page of ours without a policy does reach it: what is refused below is refused by the policy and not by chance.
  site.replaced.set("/bare.html", "<!doctype html><title>bare</title>");
  await page.goto(`${origin}/bare.html`);
  expect(await page.evaluate(attempt, `${target}bare`)).toBe("reached");

  await page.goto(`${origin}/`);
  await expect(new Zonescope(page).image).toHaveText("welcome.qcow2");
  const worker = page.workers()[0];
  if (worker === undefined) throw new Error("the page has no worker");
  expect(worker.url()).toContain("/worker/");
  expect(await worker.evaluate(attempt, `${target}worker`)).toContain("refused");
  expect(heard).toEqual(["/bare"]);
  expect(await worker.evaluate(attempt, `${origin}/`)).toContain("<title>zonescope</title>");

  // In a turn of its own: what a debugger evaluates, as the test does, is let off the policy while it runs.
  const evaluated = (text: string): Promise<string> =>
    new Promise((resolve) => {
      setTimeout(() => {
        try {
          resolve(String((0, eval)(text)));
        } catch (error) {
          resolve(`refused: ${String(error)}`);
        }
      });
    });
  expect(await worker.evaluate(evaluated, "1 + 1")).toContain("refused");
  await site.stop();
  await new Promise((resolve) => elsewhere.close(resolve));
});
