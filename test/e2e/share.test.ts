/** The dialog "Share": the link that it shows makes the same disk in another tab. */
import type { Locator, Page } from "@playwright/test";
import { violationsOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

async function share(page: Page): Promise<Locator> {
  await page.getByRole("banner").getByRole("button", { name: "Share" }).click();
  return page.getByRole("dialog", { name: "Share" });
}

/** The link, when it is of that form. */
async function linkOf(dialog: Locator, form: RegExp): Promise<string> {
  const field = dialog.getByRole("textbox", { name: "Link" });
  await expect(field).toHaveValue(form);
  return field.inputValue();
}

test("every command since the image was made, compact and readable, as a code and as a frame", async ({ page, context }) => {
  const app = await Zonescope.open(page);
  await app.type("zap -p 2M 4k 8k");
  await app.type("zf 5M 1M");
  await app.type("write 9M 4k");
  await app.type("write 9M 4k");
  await expect(app.output).toContainText("Not at the write pointer");
  await page.getByRole("banner").getByRole("button", { name: "Power cycle" }).click();
  await app.expectCondition(2, "CLOSED");
  const dialog = await share(page);
  await expect(dialog.getByRole("radio", { name: "All 6 commands" })).toBeChecked();
  await expect(dialog.getByRole("img", { name: "The link as a QR code" })).toBeVisible();
  const compact = await linkOf(dialog, /^http:\/\/localhost:\d+\/#z=1\.[\w-]+$/);
  await expect(dialog.getByText(`${compact.length} characters`)).toBeVisible();
  expect(await dialog.getByRole("textbox", { name: /^Frame/ }).inputValue()).toContain(`src="${compact}&amp;embed=1"`);
  expect(await violationsOn(page)).toEqual([]);
  await dialog.getByRole("radio", { name: "Readable" }).click();
  await dialog.getByRole("checkbox", { name: "Plays by itself" }).click();
  const readable = await linkOf(dialog, /#run=.*zf%205M%201M%0A.*&autoplay=0$/);
  await dialog.getByRole("button", { name: "Copy link" }).click();
  await dialog.getByRole("button", { name: "Done" }).click();
  for (const link of [compact, readable]) {
    const other = await context.newPage();
    await other.goto(link);
    const strip = other.getByRole("region", { name: "Link" });
    await strip.getByRole("button", { name: /^Speed/ }).click();
    await other.getByRole("menuitemradio", { name: "As fast as it goes" }).click();
    if (link === readable) await strip.getByRole("button", { name: "Play" }).click();
    await expect(strip.getByText("6 of 6")).toBeVisible();
    const there = new Zonescope(other);
    await there.expectCondition(2, "CLOSED");
    await there.expectCondition(5, "FULL");
    await there.expectCondition(9, "CLOSED");
    await expect(there.image).toHaveText("welcome.qcow2");
    await other.close();
  }
});

test("an image that was there before has its zones rebuilt, and the dialog says so", async ({ page }) => {
  let app = await Zonescope.open(page);
  await app.type("zf 5M 1M");
  await app.type("write 9M 4k");
  await app.expectCondition(9, "IMPLICIT_OPEN");
  app = await Zonescope.open(page);
  await app.expectCondition(9, "CLOSED");
  const dialog = await share(page);
  await expect(dialog).toContainText("so the link rebuilds it as it is now");
  await expect(dialog).toContainText("It carries none of its bytes");
  const link = await linkOf(dialog, /#z=1\./);
  await dialog.getByRole("button", { name: "Done" }).click();
  await page.goto("about:blank");
  await page.goto(link);
  const strip = page.getByRole("region", { name: "Link" });
  await expect(strip.getByText("4 of 4")).toBeVisible();
  await app.expectCondition(5, "FULL");
  await app.expectCondition(9, "CLOSED");
});
