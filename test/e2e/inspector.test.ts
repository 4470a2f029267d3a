/** The inspector: its six tabs by role and name, one selection through all of them, files that do not open, saving, and axe in each tab. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

const TABS = ["Header", "Layout", "Tables", "Hex", "Check", "Snapshots"] as const;
const folder = mkdtempSync(join(tmpdir(), "zonescope-inspector-"));
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

const tab = (page: Page, name: string) => page.getByRole("tab", { name, exact: true });
const panel = (page: Page) => page.getByRole("tabpanel");

/** An image with a snapshot, a compressed cluster, and a leaked cluster, made by stock tools. */
function brokenImage(): string {
  const path = join(folder, "broken.qcow2");
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", path, "8M"]);
  execFileSync("qemu-io", ["-f", "qcow2", "-c", "write -P 0x41 0 128k", "-c", "write -c -P 0x42 1M 64k", path], { stdio: "ignore" });
  execFileSync("qemu-img", ["snapshot", "-c", "before\u202ethat", path]);
  execFileSync("qemu-io", ["-f", "qcow2", "-c", "write -P 0x43 64k 64k", path], { stdio: "ignore" });
  const bytes = readFileSync(path);
  // The refcount of the file's last cluster becomes one too many: a leak of nobody.
  const table = Number(bytes.readBigUInt64BE(48));
  const block = Number(bytes.readBigUInt64BE(table));
  const cluster = Math.floor(bytes.length / 65536) - 1;
  bytes.writeUInt16BE(bytes.readUInt16BE(block + cluster * 2) + 1, block + cluster * 2);
  execFileSync("dd", [`of=${path}`, "conv=notrunc", "status=none"], { input: bytes });
  return path;
}

test("a zone, an entry, a cluster and a byte are one selection in every tab, and every tab is clean", async ({ page }) => {
  // Axe looks at nine views, each for seconds where the machine has much else to do.
  test.slow();
  const app = await Zonescope.open(page);
  await app.type("write -P 0x5a 2M 128k");
  await app.expectCondition(2, "IMPLICIT_OPEN");
  await app.row(2).click();
  await tab(page, "Header").click();
  const fields = panel(page);
  await expect(fields).toContainText("This is a qcow2 image");
  await expect(fields.getByRole("row").filter({ hasText: "zone_size" })).toContainText("1 MiB");
  await expect(fields).toContainText("dialect v4");
  const place = page.getByRole("group", { name: "Selected place" });
  await expect(place).toContainText("Zone 2");
  await expect(place).toContainText("Guest 2 MiB");
  await tab(page, "Tables").click();
  await expect(panel(page).getByRole("listbox", { name: /L2 table/ }).getByRole("option", { selected: true })).toContainText("data");
  await tab(page, "Layout").click();
  const cluster = panel(page).getByRole("slider", { name: "Selected host cluster" });
  await expect(cluster).toHaveAttribute("aria-valuetext", /data, zone 2/);
  await expect(panel(page).getByRole("list", { name: "Clusters by kind" })).toContainText("write pointers");
  await tab(page, "Hex").click();
  await expect(panel(page)).toContainText("5a");
  // Back: the entry of the L2 table is selected as a byte, and its zone on the map.
  await panel(page).getByRole("radio", { name: "File" }).click();
  await panel(page).getByLabel("Search bytes").fill("QFI");
  await panel(page).getByRole("button", { name: "Previous" }).click();
  await expect(panel(page)).toContainText("Found at 0x0");
  await expect(place).toContainText("Byte 0x0");
  await panel(page).getByRole("radio", { name: "Disk" }).click();
  await panel(page).getByLabel("Go to offset").fill("2M");
  await panel(page).getByLabel("Go to offset").press("Enter");
  await expect(place).toContainText("Zone 2");
  await tab(page, "Check").click();
  await expect(panel(page)).toContainText("No errors were found");
  for (const theme of ["light", "dark"]) {
    while (!(await page.getByRole("button", { name: `Theme: ${theme}` }).isVisible())) await page.getByRole("button", { name: /^Theme/ }).click();
    // The palette is the same in all tabs; what has colours of its own is looked at in the dark too.
    for (const name of theme === "light" ? TABS : (["Header", "Layout", "Hex"] as const)) {
      await tab(page, name).click();
      expect([name, theme, await seriousOn(page, ".panel-inspector")]).toEqual([name, theme, []]);
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      expect(height).toBeLessThanOrEqual(900);
    }
  }
  await app.type("read 2M 4k");
  await expect(app.output).toContainText("read 4096/4096 bytes");
  await page.getByRole("button", { name: "Fold the inspector away" }).click();
  await expect(panel(page)).toBeHidden();
});

test("what does not open is named and told what to do; its bytes are shown", async ({ page }) => {
  const app = await Zonescope.open(page);
  const vmdk = Buffer.alloc(4096);
  vmdk.write("KDMV");
  vmdk.writeUInt32LE(1, 4);
  await app.openFile({ name: "disk.vmdk", mimeType: "application/octet-stream", buffer: vmdk });
  await expect(panel(page)).toContainText("VMware");
  await expect(panel(page)).toContainText("qemu-img convert -f vmdk");
  await expect(app.image).toHaveText("welcome.qcow2");
  await expect(page.getByRole("alert").filter({ hasText: "disk.vmdk: Not a qcow2 image. It begins with 4b 44 4d 56; a qcow2 image begins with 51 46 49 fb." })).toBeVisible();
  await tab(page, "Hex").click();
  await expect(panel(page)).toContainText("4b");
  // Whatever tab stood open: what the next file is, and what to do with it, is what its person sees.
  await app.openFile({ name: "disk.iso.gz", mimeType: "application/gzip", buffer: Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]) });
  await expect(tab(page, "Header")).toHaveAttribute("aria-selected", "true");
  await expect(panel(page)).toContainText("gzip");
  await page.getByRole("button", { name: "Back to welcome.qcow2" }).click();
  await tab(page, "Header").click();
  await expect(panel(page)).toContainText("This is a qcow2 image");
});

test("a broken image is checked, a repair told and done to a copy; snapshots are viewed and compared; the disk is saved", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.openFile(brokenImage());
  await expect(app.image).toHaveText("broken.qcow2");
  await expect(panel(page)).toContainText("nb_snapshots");
  await expect(panel(page).getByRole("row").filter({ hasText: "cluster_bits" })).toContainText("64 KiB (65,536 bytes)");
  // Without zones there is nothing to stand beside it.
  expect((await panel(page).boundingBox())!.width).toBeGreaterThan(1400);
  await tab(page, "Workload").click();
  await expect(panel(page)).toContainText("The image is read-only: edit a copy of it, or choose read or randread.");
  await panel(page).getByLabel("rw").selectOption("read");
  await expect(panel(page).getByRole("button", { name: "Start" })).toBeEnabled();
  // A check began by itself, and what it found stands beside the tabs.
  await expect(page.getByRole("button", { name: "1 leaked cluster" })).toBeVisible();
  await tab(page, "Check").click();
  await expect(panel(page)).toContainText("1 leaked cluster;");
  await expect(panel(page).getByRole("group", { name: "Findings" })).toContainText("leak");
  // The whole page: beside the inspector stands what there is to say of an image without zones.
  expect(await seriousOn(page)).toEqual([]);
  await panel(page).getByRole("button", { name: "Decompress everything" }).click();
  await expect(panel(page)).toContainText("The one compressed cluster can be decompressed");
  await panel(page).getByRole("button", { name: "What would a repair change?" }).click();
  const repair = panel(page).getByRole("group", { name: "Repair" });
  await expect(repair).toContainText("would fix 0 corruptions and 1 leak, by");
  await expect(repair.getByRole("list", { name: "Changes" })).toContainText("refcount block at 0x");
  await repair.getByRole("button", { name: "Repair a copy" }).click();
  await expect(repair).toContainText("broken-repaired.qcow2: 0 corruptions and 1 leak repaired. A check of it finds no errors.");
  await tab(page, "Snapshots").click();
  await expect(panel(page)).toContainText("before‹U+202E›that");
  await panel(page).getByRole("checkbox", { name: "Compare the disk as it is now" }).check();
  await panel(page).getByRole("checkbox", { name: /Compare before/ }).check();
  await panel(page).getByRole("button", { name: "Compare the two" }).click();
  await expect(panel(page)).toContainText("first at guest offset 0x10000");
  await panel(page).getByRole("button", { name: /^Revert a copy to before/ }).click();
  await expect(panel(page).getByRole("group", { name: "Reverted copy" })).toContainText("broken-reverted.qcow2 is a copy");
  await expect(app.image).toHaveText("broken.qcow2");
  await panel(page).getByRole("button", { name: /^View before/ }).click();
  await expect(page.getByText("is shown as the disk, read-only")).toBeVisible();
  await app.type("read -P 0x41 64k 64k");
  await expect(app.output).toContainText("read 65536/65536");
  await expect(app.output).not.toContainText("Pattern verification failed");
  await page.getByRole("button", { name: "Back to the disk" }).first().click();
  await expect(page.getByText("is shown as the disk, read-only")).toBeHidden();

  await page.evaluate(() => Reflect.deleteProperty(window, "showSaveFilePicker"));
  await page.getByRole("button", { name: "Save as" }).click();
  await page.getByRole("menuitem", { name: "qcow2, compact" }).click();
  const made = page.getByRole("status").filter({ hasText: "broken-compact.qcow2" });
  await expect(made).toContainText("bytes");
  const download = page.waitForEvent("download");
  await made.getByRole("button", { name: "Download" }).click();
  const saved = join(folder, "saved.qcow2");
  await (await download).saveAs(saved);
  expect(execFileSync("qemu-img", ["compare", saved, join(folder, "broken.qcow2")], { encoding: "utf8" })).toContain("Images are identical");
});

/** Of the File System Access interface what the page uses: a place that is picked, or the picker closed, and what was written there, once it is let. */
function stubPicker(): void {
  const state = { closed: true, name: "", bytes: [] as number[], held: Promise.resolve(), release: (): void => undefined };
  Object.assign(window, {
    picked: state,
    showSaveFilePicker: async ({ suggestedName }: { suggestedName: string }) => {
      if (state.closed) throw new DOMException("The user aborted a request.", "AbortError");
      state.name = suggestedName;
      return { createWritable: async () => new WritableStream<Uint8Array>({ write: (chunk) => state.held.then(() => void state.bytes.push(...chunk)) }) };
    },
  });
}

test("a range that is typed is saved where the person picks; a picker that is closed loses nothing", async ({ page }) => {
  await page.addInitScript(stubPicker);
  const app = await Zonescope.open(page);
  await app.type("write -P 0x5a 2M 128k");
  await app.expectCondition(2, "IMPLICIT_OPEN");
  await tab(page, "Header").click();
  await expect(panel(page)).toContainText("This is a qcow2 image");
  await page.getByRole("button", { name: "Save as" }).click();
  await page.getByRole("menuitem", { name: "a range of bytes" }).click();
  const range = page.getByRole("form", { name: "Save a range of bytes" });
  await range.getByRole("combobox").selectOption("disk");
  await range.getByLabel("First byte").fill("2M");
  await range.getByLabel("Length of the range").fill("1T");
  await expect(range.getByRole("status")).toContainText("behind the last byte");
  await expect(range.getByRole("button", { name: "Save the range" })).toBeDisabled();
  await range.getByLabel("First byte").fill("2047.5k");
  await range.getByLabel("Length of the range").fill("1k");
  await range.getByRole("button", { name: "Save the range" }).click();
  await expect(range).toBeHidden();
  const made = page.getByRole("status").filter({ hasText: "welcome-guest-0x1ffe00.bin" });
  await expect(made).toContainText("1,024 bytes");
  await made.getByRole("button", { name: "Save to…" }).click();
  await expect(made.getByRole("button", { name: "Save to…" })).toBeEnabled();
  await page.evaluate(() => Object.assign((window as unknown as { picked: object }).picked, { closed: false }));
  await made.getByRole("button", { name: "Save to…" }).click();
  await expect(made).toBeHidden();
  const picked = await page.evaluate(() => (window as unknown as { picked: { name: string; bytes: number[] } }).picked);
  expect([picked.name, picked.bytes.length]).toEqual(["welcome-guest-0x1ffe00.bin", 1024]);
  expect(picked.bytes.slice(0, 512).every((byte) => byte === 0) && picked.bytes.slice(512).every((byte) => byte === 0x5a)).toBe(true);
});

test("what changes while a file is saved is looked at when the save is over", async ({ page }) => {
  await page.addInitScript(stubPicker);
  const app = await Zonescope.open(page);
  await app.type("write -P 0x5a 2M 64k");
  await tab(page, "Layout").click();
  const clusters = panel(page).getByText(/^\d+ clusters of 64 KiB$/);
  await expect(clusters).toHaveText("7 clusters of 64 KiB");
  await page.getByRole("button", { name: "Save as" }).click();
  await page.getByRole("menuitem", { name: "Raw disk" }).click();
  await page.evaluate(() => {
    const { picked } = window as unknown as { picked: { closed: boolean; held: Promise<void>; release: () => void } };
    picked.closed = false;
    picked.held = new Promise((resolve) => (picked.release = resolve));
  });
  await page.getByRole("button", { name: "Save to…" }).click();
  await expect(page.getByRole("progressbar", { name: "Saving" })).toBeVisible();
  await app.type("write -P 0x5b 3M 192k");
  await app.expectCondition(3, "IMPLICIT_OPEN");
  // Longer than the page waits for quiet before it looks again: however much longer, the save goes on, and nothing was looked at.
  await page.waitForTimeout(1000);
  await expect(clusters).toHaveText("7 clusters of 64 KiB");
  await page.evaluate(() => (window as unknown as { picked: { release: () => void } }).picked.release());
  await expect(page.getByRole("progressbar", { name: "Saving" })).toBeHidden();
  await expect(clusters).toHaveText("10 clusters of 64 KiB");
});

test("on a narrow page the tabs scroll and everything beside them is in reach", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await Zonescope.open(page);
  // What is turned to at the lower edge of the screen comes up into it, whole.
  await tab(page, "Header").evaluate((strip) => strip.scrollIntoView({ block: "end" }));
  await tab(page, "Header").click();
  await expect(panel(page)).toBeInViewport({ ratio: 0.99 });
  for (const name of TABS) {
    await tab(page, name).click();
    await expect(tab(page, name)).toBeInViewport({ ratio: 1 });
  }
  // A row is a paragraph there, and nothing is scrolled sideways to be read.
  await tab(page, "Header").click();
  const fields = panel(page).getByRole("group", { name: "Header fields" });
  await expect(fields.getByRole("row").filter({ hasText: "zone_size" })).toContainText("1 MiB");
  expect(await fields.evaluate((element) => element.scrollWidth - element.clientWidth)).toBeLessThanOrEqual(0);
  for (const name of ["Save as", "Read the file again", "Fold the inspector away"]) await expect(page.getByRole("button", { name })).toBeInViewport({ ratio: 1 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  // The page ends where what is seen of it ends: of what scrolls in a tab, nothing makes it longer.
  expect(await page.evaluate(() => document.documentElement.scrollHeight - (document.getElementById("root")?.offsetHeight ?? 0))).toBeLessThanOrEqual(1);
});

test("files that are brought together find each other by name, and one that is missing is asked for and waited for", async ({ page }) => {
  const base = join(folder, "base.qcow2");
  const top = join(folder, "top.qcow2");
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", base, "1M"]);
  execFileSync("qemu-io", ["-f", "qcow2", "-c", "write -P 7 0 64k", base], { stdio: "ignore" });
  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base.qcow2", "-F", "qcow2", top]);
  const app = await Zonescope.open(page);
  await app.openFile(top);
  await expect(panel(page)).toContainText('the backing file "base.qcow2", which is not there');
  await expect(page.getByRole("alert").filter({ hasText: 'top.qcow2: Its backing file is missing. It needs the backing file "base.qcow2", which was not opened with it. Open that file too' })).toBeVisible();
  await expect(app.image).toHaveText("welcome.qcow2");
  await app.openFile(base);
  await expect(app.image).toHaveText("top.qcow2");
  await expect(panel(page)).toContainText("base.qcow2 was found");
  await app.type("read -P 7 0 64k");
  await expect(app.output).toContainText("read 65536/65536");
  await expect(app.output).not.toContainText("Pattern verification failed");
  const again = await Zonescope.open(page);
  await page.locator("#open-file").setInputFiles([base, top]);
  await expect(again.image).toHaveText("top.qcow2");
});

test("the selected entry stays in view when the window becomes a projector's", async ({ page }) => {
  await page.setViewportSize({ width: 1440, height: 1000 });
  const app = await Zonescope.open(page);
  await app.type("zap 4M 4k");
  await app.expectCondition(4, "IMPLICIT_OPEN");
  await page.getByRole("tab", { name: "Tables", exact: true }).click();
  await app.row(4).click();
  const entry = page.getByRole("listbox", { name: /L2 table/ }).getByRole("option", { selected: true });
  await expect(entry).toBeInViewport({ ratio: 0.9 });
  await expect(entry).toContainText("64");
  // Half a pixel is lost where heights are parts of the window's.
  await page.setViewportSize({ width: 1280, height: 720 });
  await expect(entry).toBeInViewport({ ratio: 0.9 });
});
