/** A remote image, from a real nginx: nothing is asked before the click, little after it, and a server that cannot serve it is told why. */
import { execFileSync } from "node:child_process";
import { appendFileSync, closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { Nginx } from "./nginx.ts";

const IMAGE = "disk of 100G.qcow2";
const ADDRESS = encodeURIComponent(IMAGE);

let nginx: Nginx;
test.beforeAll(async () => {
  nginx = await Nginx.start();
  const path = nginx.path(IMAGE);
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", path, "100G"]);
  execFileSync("qemu-io", ["-f", "qcow2", "-c", "write -P 0x61 0 64k", "-c", "write -P 0x62 60G 2M", path], { stdio: "ignore" });
  // A sparse end: what a file of 20 GB would be.
  truncateSync(path, 20 * 2 ** 30);
});
test.afterAll(() => nginx.stop());

const card = (page: Page) => page.getByRole("region", { name: "Remote image" });
const go = (page: Page, path: string): Promise<unknown> => page.goto(`/?image=${encodeURIComponent(`${nginx.origin}/${path}`)}`);

test("nothing is asked before the click; then the length, then pieces, few and without cookies", async ({ page }) => {
  await go(page, `open/${ADDRESS}`);
  await expect(page).toHaveURL(/remote\.html/);
  await expect(card(page)).toContainText(new URL(nginx.origin).host);
  await expect(card(page)).toContainText("the server was not asked anything yet");
  expect(nginx.asked(IMAGE)).toEqual([]);
  await card(page).getByRole("button", { name: "Ask for its size first" }).click();
  await expect(card(page)).toContainText("21,474,836,480 bytes");
  expect(nginx.asked(IMAGE).map(({ method, status, bytes }) => [method, status, bytes])).toEqual([["GET", 206, 512]]);
  await expect(card(page).getByRole("button", { name: "Ask for its size first" })).toBeHidden();

  await card(page).getByRole("button", { name: "Open it" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("This is a qcow2 image");
  await expect(page.getByRole("banner")).toContainText("21,474,836,480 bytes");
  await page.getByRole("textbox", { name: "Command" }).fill("read -P 0x62 60G 2M");
  await page.getByRole("textbox", { name: "Command" }).press("Enter");
  const output = page.getByRole("log", { name: "Console output" });
  await expect(output).toContainText("read 2097152/2097152");
  await expect(output).not.toContainText("Pattern verification failed");
  await page.getByRole("tab", { name: "Tables" }).click();
  await expect(page.getByRole("option", { name: /L2 table/ }).first()).toBeVisible();
  await page.getByRole("tab", { name: "Check" }).click();
  await expect(page.getByRole("tabpanel").getByRole("button", { name: "Check", exact: true })).toBeVisible();
  const asked = nginx.asked(IMAGE);
  expect(asked.every(({ status, cookie, referrer }) => (status === 206 || status === 304) && cookie === "-" && !referrer.includes("image="))).toBe(true);
  expect(asked.length).toBeLessThan(24);
  expect(asked.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(4 * 2 ** 20);
  // The page's own policy lets it reach nobody; its worker alone may, and that of the images may not (offline.test.ts).
  expect((await page.request.get("/remote.html")).headers()["content-security-policy"]).toContain("connect-src 'self';");
  expect(page.workers().map((worker) => new URL(worker.url()).pathname.split("/")[1])).toEqual(["remote"]);
  // Nothing of it is in the library, which is another engine's.
  await page.goto("/");
  await page.getByRole("banner").getByRole("combobox", { name: "Image" }).click();
  await expect(page.getByRole("option")).toHaveText([/welcome\.qcow2/]);
  // Once the program is kept for use without a network, the link leads to the same place.
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await go(page, `open/${ADDRESS}`);
  await card(page).getByRole("button", { name: "Open it" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("This is a qcow2 image");
});

test("a server that exposes no header is read too; a part of the disk is saved; a file that changed is never mixed with what it was", async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(window, "showSaveFilePicker"));
  await go(page, `shy/${ADDRESS}`);
  await card(page).getByRole("button", { name: "Open it" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("This is a qcow2 image");
  await page.getByRole("tab", { name: "Hex" }).click();
  await page.getByRole("radio", { name: "Disk" }).click();
  await page.getByLabel("Go to offset").fill("60G");
  await page.getByLabel("Go to offset").press("Enter");
  await expect(page.getByRole("tabpanel")).toContainText("6262");
  await page.getByRole("button", { name: "Save as" }).click();
  await page.getByRole("menuitem", { name: /of the disk, selected/ }).click();
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  const bytes = await (await download).createReadStream().then(async (stream) => Buffer.concat(await stream.toArray()));
  expect([bytes.length, bytes.every((byte) => byte === 0x62)]).toEqual([65536, true]);

  // Until then what the server said last is believed.
  await page.waitForTimeout(2100);
  const file = openSync(nginx.path(IMAGE), "r+");
  writeSync(file, Buffer.alloc(65536, 0x63), 0, 65536, 10 * 2 ** 30);
  closeSync(file);
  appendFileSync(nginx.path(IMAGE), Buffer.alloc(512));
  await page.getByRole("radio", { name: "File" }).click();
  // The selected place is shown first: a jump that is asked for before would be overtaken by it.
  await expect(page.getByRole("tabpanel")).toContainText("0000070000");
  await page.getByLabel("Go to offset").fill("10G");
  await page.getByLabel("Go to offset").press("Enter");
  await expect(page.getByRole("tabpanel")).toContainText("The file has changed");
  await expect(page.getByRole("tabpanel")).not.toContainText("6363");
});

test("a whole remote image is saved: compact, and as a raw disk, each as stock qemu-img has it", async ({ page }) => {
  await page.addInitScript(() => Reflect.deleteProperty(window, "showSaveFilePicker"));
  const folder = mkdtempSync(join(tmpdir(), "zonescope-saved-"));
  try {
    const path = nginx.path("small.qcow2");
    execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", path, "64M"]);
    execFileSync("qemu-io", ["-f", "qcow2", "-c", "write -P 0x31 0 3M", "-c", "write -z 8M 1M", "-c", "write -P 0x32 63M 1M", path], { stdio: "ignore" });
    await go(page, "open/small.qcow2");
    await card(page).getByRole("button", { name: "Open it" }).click();
    await expect(page.getByRole("tabpanel")).toContainText("This is a qcow2 image");
    for (const [item, format] of [["qcow2, compact", "qcow2"], ["qcow2, compressed", "qcow2"], ["raw disk", "raw"]] as const) {
      await page.getByRole("button", { name: "Save as" }).click();
      await page.getByRole("menuitem", { name: item }).click();
      const download = page.waitForEvent("download");
      await page.getByRole("button", { name: "Download" }).click();
      const saved = join(folder, `saved.${format}`);
      await (await download).saveAs(saved);
      expect(execFileSync("qemu-img", ["compare", "-f", format, "-F", "qcow2", saved, path], { encoding: "utf8" })).toContain("Images are identical");
      if (format === "qcow2") execFileSync("qemu-img", ["check", "-q", saved]);
    }
    expect(nginx.asked("small.qcow2").every(({ status }) => status === 206 || status === 304)).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

for (const [what, path, told] of [
  ["without ranges", `whole/${ADDRESS}`, /sends files only as a whole[^]*Download the file/],
  ["without CORS", `closed/${ADDRESS}`, /does not let pages read the file[^]*Access-Control-Allow-Origin/],
  ["without the file", "open/nothing.qcow2", /status 404: there is no such file/],
] as const) {
  test(`a server ${what} is told, and the page stays`, async ({ page }) => {
    await go(page, path);
    await card(page).getByRole("button", { name: "Open it" }).click();
    await expect(card(page).getByRole("alert")).toContainText(told);
    await expect(card(page).getByRole("button", { name: "Open it" })).toBeEnabled();
  });
}

test("a server that is not there, and an address that is none", async ({ page }) => {
  await page.goto(`/?image=${encodeURIComponent("http://127.0.0.1:9/disk.qcow2")}`);
  await card(page).getByRole("button", { name: "Open it" }).click();
  await expect(card(page).getByRole("alert")).toContainText("The server cannot be reached");
  await page.goto(`/?image=${encodeURIComponent("file:///etc/pass\u202ewd")}`);
  await expect(card(page)).toContainText("file:///etc/pass‹U+202E›wd");
  await expect(card(page).getByRole("button")).toHaveCount(0);
});
