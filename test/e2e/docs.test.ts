/** The documents beside the app: reached from the help sheet, in the app's theme, within their policy, and without a network. */
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";
import { Site } from "./site.ts";

test("the help sheet leads to the commands, and a command's page to what it prints", async ({ page, context }) => {
  const app = await Zonescope.open(page);
  await app.map.click();
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Shortcuts and help" });
  const opened = context.waitForEvent("page");
  await help.getByRole("link", { name: "Commands" }).click();
  const docs = await opened;
  const refused: string[] = [];
  docs.on("console", (message) => {
    if (message.type() === "error") refused.push(message.text());
  });
  await docs.reload();
  await expect(docs.getByRole("heading", { level: 1, name: "Commands" })).toBeVisible();
  expect(await seriousOn(docs)).toEqual([]);
  await docs.getByRole("link", { name: "zone_append" }).click();
  await expect(docs.locator("pre").filter({ hasText: "After zap done, the append sector is 0x808" })).toBeVisible();
  await docs.getByRole("link", { name: "Documentation" }).click();
  await docs.getByRole("link", { name: "What a zone does" }).click();
  await expect(docs.getByRole("region", { name: "Table" }).first()).toContainText("needs an active slot and an open slot");
  expect(await seriousOn(docs)).toEqual([]);
  expect(refused).toEqual([]);
});

test("the documents wear the theme that was chosen in the app", async ({ page }) => {
  await Zonescope.open(page);
  const theme = page.getByRole("button", { name: /^Theme: / });
  while ((await theme.getAttribute("aria-label")) !== "Theme: dark") await theme.click();
  await page.goto("/docs/format.html");
  await expect(page.locator("html")).toHaveAttribute("data-theme", "dark");
  expect(await seriousOn(page)).toEqual([]);
});

test("help NAME prints a page in the console", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("help qemu-img create");
  await expect(app.output).toContainText("the backing file: what the image does not have itself is read from there");
});

test("the documents are there without a network", async ({ page }) => {
  const site = new Site("dist-e2e");
  const address = await site.start();
  await page.goto(`${address}/`);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await site.stop();
  await page.goto(`${address}/docs/commands/qemu-img-create.html`);
  await expect(page.getByRole("heading", { level: 1, name: "qemu-img create" })).toBeVisible();
  await page.getByRole("link", { name: "Documentation" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Documentation" })).toBeVisible();
});
