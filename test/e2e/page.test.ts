/** What a person does on the page, by role and name, over the real engine and OPFS in Chromium. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { SEED_COMMAND, Zonescope } from "./page.ts";

let folder: string;
test.beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "zonescope-page-"));
});
test.afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the first visit has a small zoned disk; the seed's command makes twelve empty zones", async ({ page }) => {
  const app = await Zonescope.open(page);
  await expect(app.table).toHaveAttribute("aria-rowcount", "13");
  await app.expectCondition(0, "NOT_WP");
  await app.type(SEED_COMMAND);
  await expect(app.image).toHaveText("test.qcow2");
  await expect(app.output).toContainText("Formatting 'test.qcow2', fmt=qcow2");
  for (let zone = 0; zone < 12; zone++) await app.expectCondition(zone, "EMPTY");
  await expect(app.map).toContainText("12 zones of 64 MiB");
  await expect(app.map.getByRole("listitem").filter({ hasText: "EMPTY" })).toHaveText("EMPTY12");
});

test("the New image dialog makes the same, and tells what cannot be", async ({ page }) => {
  const app = await Zonescope.open(page);
  await page.getByRole("button", { name: "New image" }).click();
  const dialog = page.getByRole("dialog", { name: "New image" });
  await dialog.getByLabel("Name").fill("wide.qcow2");
  await dialog.getByLabel("Zone size").fill("3M");
  await expect(dialog.getByLabel("Equivalent command")).toContainText("-o zone_size=3M");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByRole("alert")).toContainText("zone_size");
  await dialog.getByLabel("Zone size").fill("32M");
  await dialog.getByLabel("Zone capacity").fill("24 MiB");
  await dialog.getByLabel("Conventional zones").fill("1");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog).toBeHidden();
  await expect(app.image).toHaveText("wide.qcow2");
  await expect(app.table).toHaveAttribute("aria-rowcount", "25");
  await app.expectCondition(0, "NOT_WP");
  await expect(app.row(1)).toContainText("24 MiB");
});

test("console commands speak qemu-io, and every region follows", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type(SEED_COMMAND);
  await expect(app.image).toHaveText("test.qcow2");
  await app.type("zo 0 64M");
  await app.expectCondition(0, "EXPLICIT_OPEN");
  await app.type("zap -p 64M 0x1000 0x2000");
  await expect(app.output).toContainText("After zap done, the append sector is 0x20000");
  await app.expectCondition(1, "IMPLICIT_OPEN");
  await expect(app.row(1)).toContainText("65,548 KiB");
  await app.type("zf 128M 64M");
  await app.expectCondition(2, "FULL");
  await app.type("zrp 0 3");
  await expect(app.output).toContainText("start: 0x0, len 0x20000, cap 0x20000, wptr 0x0, zcond:3, [type: 2]");
  await app.type("zc 64M 64M");
  await app.expectCondition(1, "CLOSED");
  await app.type("zrs 128M 64M");
  await app.expectCondition(2, "EMPTY");
  await expect(app.row(2).getByRole("cell").last()).toHaveText("1");
  await app.type("read -P 0xcd 64M 12k");
  await expect(app.output).toContainText("read 12288/12288 bytes at offset 67108864");
  await app.type("flush");
  await app.type("length");
  await expect(app.output).toContainText("768 MiB");
  await expect(app.events).toContainText("Zone 1: EMPTY → IMPLICIT_OPEN (append)");
  await expect(app.events).toContainText("Zone 2: FULL → EMPTY (reset)");
  await expect(app.resources.getByRole("meter", { name: "Open zones" })).toHaveAttribute("aria-valuenow", "1");
  await expect(app.resources.getByRole("meter", { name: "Active zones" })).toHaveAttribute("aria-valuenow", "2");
  await app.command.press("ArrowUp");
  await expect(app.command).toHaveValue("length");
  // As lines stand in a mail.
  await app.type("$ sudo ./build/qemu-io -r -c 'zrp 0 1' test.qcow2");
  await app.type("zone_opne 0 64M");
  await expect(app.output).toContainText("Did you mean zone_open?");
  await expect(app.output).toContainText("wptr 0x0, zcond:1, [type: 2]");
  await app.command.fill("zone_ap");
  await app.command.press("Tab");
  await expect(app.command).toHaveValue("zone_append ");
});

test("the zone panel's buttons do the same, and a refusal is explained where it was asked for", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.row(2).click();
  await expect(app.row(2)).toHaveAttribute("aria-selected", "true");
  await app.button("Append").click();
  await expect(app.zone.getByRole("status")).toContainText("EMPTY → IMPLICIT_OPEN");
  await expect(app.output).toContainText("zap -p 2M 4K");
  await app.zone.getByLabel("Pattern").fill("0x5a");
  await app.button("Write").click();
  await expect(app.row(2)).toContainText("2,056 KiB");
  await app.zone.getByLabel("Offset").fill("2052K");
  await app.button("Read").click();
  await expect(app.zone.getByRole("status")).toContainText("all bytes 0x5a");
  await app.button("Write").click();
  const refusal = app.zone.getByRole("alert");
  for (const part of ["write failed: Invalid argument", "Not at the write pointer", "2105344", "EINVAL", "ZONE_UNALIGNED_WP", "1BCh Zone Invalid Write", "UNALIGNED WRITE COMMAND"]) {
    await expect(refusal).toContainText(part);
  }
  await expect(app.output).toContainText("Not at the write pointer");
  await expect(app.events).toContainText("Refused write at zone 2: not-at-write-pointer");
  for (const [name, condition] of [["Open", "EXPLICIT_OPEN"], ["Close", "CLOSED"], ["Finish", "FULL"], ["Reset", "EMPTY"]] as const) {
    await app.button(name).click();
    await app.expectCondition(2, condition);
  }
  await app.button("Finish").click();
  await app.expectCondition(2, "FULL");
  await app.button("Open").click();
  await expect(refusal).toContainText("zone open failed: Invalid argument");
});

test("map, table and typed numbers select one zone together, by keyboard too", async ({ page }) => {
  const app = await Zonescope.open(page);
  const canvas = app.map.getByRole("slider", { name: "Selected zone" });
  await canvas.focus();
  await canvas.press("End");
  await expect(app.row(11)).toHaveAttribute("aria-selected", "true");
  await canvas.press("Home");
  await canvas.press("ArrowRight");
  await expect(canvas).toHaveAttribute("aria-valuenow", "1");
  await app.map.getByLabel("Go to zone").fill("7");
  await app.map.getByLabel("Go to zone").press("Enter");
  await expect(app.zone.getByRole("heading")).toHaveText("Zone 7");
  await app.row(7).focus();
  await app.row(7).press("ArrowDown");
  await expect(app.row(8)).toHaveAttribute("aria-selected", "true");
  await expect(app.row(8)).toBeFocused();
  const box = (await canvas.boundingBox())!;
  await canvas.click({ position: { x: 20, y: 20 } });
  await expect(canvas).toHaveAttribute("aria-valuenow", "0");
  await canvas.hover({ position: { x: box.width - 40, y: box.height - 60 } });
  await expect(app.map.getByRole("tooltip")).toContainText("Zone 11");
});

test("a reload and a kill keep the image; open zones are closed, as after a power cycle", async ({ zonescope, page }) => {
  let app = await Zonescope.open(page);
  await app.type(SEED_COMMAND);
  await expect(app.image).toHaveText("test.qcow2");
  await app.type("write -P 0xa5 0 64k");
  await app.type("zo 64M 64M");
  await app.expectCondition(1, "EXPLICIT_OPEN");
  await page.getByRole("button", { name: "Power cycle" }).click();
  await app.expectCondition(0, "CLOSED");
  await app.expectCondition(1, "EMPTY");
  await app.type("write -P 0xa6 64k 64k");
  await app.expectCondition(0, "IMPLICIT_OPEN");
  app = await Zonescope.open(page, "test.qcow2");
  await app.expectCondition(0, "CLOSED");
  await app.type("write -P 0xa7 128k 64k");
  // The page flushes when it was idle for 100 ms; the event says that it has.
  await expect(app.events).toContainText("qcow2_wp_tracking: zone 0, sector 384");
  await expect(app.events.getByText("Flushed").last()).toBeVisible();
  await zonescope.kill();
  app = await Zonescope.open(await zonescope.launch(), "test.qcow2");
  await app.expectCondition(0, "CLOSED");
  await app.type("read -P 0xa5 0 64k");
  await app.type("read -P 0xa6 64k 64k");
  await app.type("read -P 0xa7 128k 64k");
  await expect(app.output).toContainText("read 65536/65536 bytes at offset 131072");
  await expect(app.output).not.toContainText("Pattern verification failed");
});

test("images are renamed, duplicated and deleted", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("write -P 0x31 2M 8k");
  await app.expectCondition(2, "IMPLICIT_OPEN");
  await app.menu("Duplicate");
  await app.expectCondition(2, "CLOSED");
  await app.menu("Rename");
  await page.getByRole("dialog").getByLabel("Name").fill("welcome-2.qcow2");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toContainText("exists already");
  await page.getByRole("dialog").getByLabel("Name").fill("moved.qcow2");
  await page.getByRole("dialog").getByRole("button", { name: "Rename" }).click();
  await expect(app.image).toHaveText("moved.qcow2");
  await app.expectCondition(2, "CLOSED");
  await app.switchTo("welcome-2.qcow2");
  await app.type("read -P 0x31 2M 8k");
  await expect(app.output).toContainText("read 8192/8192 bytes at offset 2097152");
  await app.menu("Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(app.image).toHaveText("moved.qcow2");
  await app.menu("Delete");
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(app.map).toContainText("No image is attached");
});

test("a saved image is sound for stock qemu-img, and opens again read-only, as a file and dropped", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type(SEED_COMMAND);
  await expect(app.image).toHaveText("test.qcow2");
  await app.type("write -P 0x77 64M 256k");
  const saved = join(folder, "saved.qcow2");
  expect(await app.save(saved)).toBe("test.qcow2");
  const check = spawnSync("qemu-img", ["check", "--output=json", saved], { encoding: "utf8" });
  const found = JSON.parse(check.stdout) as { leaks?: number; corruptions?: number; "check-errors": number };
  // The zoned metadata's one cluster, which stock qemu-img does not know.
  expect([check.status, found.leaks, found.corruptions ?? 0, found["check-errors"]]).toEqual([3, 1, 0, 0]);
  expect(execFileSync("qemu-io", ["-r", "-f", "qcow2", "-c", "read -P 0x77 64M 256k", saved], { encoding: "utf8" })).toContain("read 262144/262144");

  await app.openFile(saved);
  await expect(app.image).toHaveText("saved.qcow2");
  await app.expectCondition(1, "CLOSED");
  await expect(app.button("Append")).toBeDisabled();
  await page.getByRole("button", { name: "Edit a copy" }).click();
  await expect(page.getByRole("button", { name: "Edit a copy" })).toBeHidden();
  await app.row(1).click();
  await app.button("Append").click();
  await app.expectCondition(1, "IMPLICIT_OPEN");

  execFileSync("qemu-img", ["create", "-q", "-f", "qcow2", join(folder, "plain.qcow2"), "20M"]);
  const bytes = [...readFileSync(join(folder, "plain.qcow2"))];
  const transfer = await page.evaluateHandle((content) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(content)], "plain.qcow2"));
    return data;
  }, bytes);
  await app.map.dispatchEvent("drop", { dataTransfer: transfer });
  await expect(app.image).toHaveText("plain.qcow2");
  await expect(app.map).toContainText("This image has no zones");
  await expect(app.map).toContainText("20 MiB");
  await app.type("read -P 0 0 1M");
  await expect(app.output).toContainText("read 1048576/1048576 bytes at offset 0");
  // Who types the name that the page shows is told the one that commands know.
  await app.type("qemu-img info plain.qcow2");
  await expect(app.output).toContainText("The file that was opened is named dropped:plain.qcow2 in commands.");
  await app.type("qemu-img info dropped:plain.qcow2");
  await expect(app.output).toContainText("virtual size: 20 MiB");
});

test("what is no image is refused in a sentence, and nothing else changes", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("write 2M 4k");
  await app.expectCondition(2, "IMPLICIT_OPEN");
  const good = readFileSync(await madeWith(folder));
  const lying = Buffer.from(good);
  const extension = lying.indexOf(Buffer.from([0x00, 0x7a, 0x62, 0x64]));
  lying.writeUInt32BE(12345, extension + 8 + 4);
  const cases = [
    ["letter.qcow2", Buffer.from("Dear reader, this is no image at all.".repeat(40)), "Not a qcow2 image"],
    ["short.qcow2", good.subarray(0, 60), "short.qcow2"],
    ["lying.qcow2", lying, "zone_size"],
  ] as const;
  for (const [name, buffer, word] of cases) {
    await app.openFile({ name, mimeType: "application/octet-stream", buffer: Buffer.from(buffer) });
    await expect(page.getByRole("alert").filter({ hasText: name })).toContainText(word);
    await expect(app.image).toHaveText("welcome.qcow2");
    await app.expectCondition(2, "IMPLICIT_OPEN");
  }
});

test("the last commands are compared under every profile, and other rules can be switched to", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("zf 5M 1M");
  await app.type("zo 5M 1M");
  await expect(app.output).toContainText("zone open failed: Invalid argument");
  await page.getByRole("button", { name: "Compare profiles" }).click();
  const dialog = page.getByRole("dialog", { name: "Compare profiles" });
  const table = dialog.getByRole("table", { name: "Profiles" });
  await expect(table).toContainText("zo 5M 1M");
  await expect(table.getByRole("row").filter({ hasText: "v4-as-posted" }).first()).toContainText("done");
  await expect(dialog).toContainText("Without zns: it has no conventional zones");
  await dialog.getByRole("button", { name: "Done" }).click();
  await app.type("profile v4-as-posted");
  await expect(app.map).toContainText("rules of v4-as-posted");
  await app.type("zo 5M 1M");
  await app.expectCondition(5, "EXPLICIT_OPEN");
});

test("a second tab is told, and can take the image over", async ({ context, page }) => {
  const first = await Zonescope.open(page);
  await first.type("write -P 0x42 2M 4k");
  await first.expectCondition(2, "IMPLICIT_OPEN");
  const other = await context.newPage();
  await other.goto("/");
  await expect(other.getByText("welcome.qcow2 is open in another tab")).toBeVisible();
  await other.getByRole("button", { name: "Take over" }).click();
  const second = new Zonescope(other);
  await expect(second.image).toHaveText("welcome.qcow2");
  await second.type("read -P 0x42 2M 4k");
  await expect(second.output).toContainText("read 4096/4096 bytes");
  await page.bringToFront();
  await expect(page.getByText("Another tab took welcome.qcow2 over")).toBeVisible();
});

for (const [width, height, themes] of [
  [1440, 900, ["light", "dark"]],
  [820, 1180, ["light"]],
  [390, 844, ["dark"]],
] as const) {
  test(`at ${width} pixels nothing overflows sideways and axe finds nothing serious`, async ({ page }) => {
    await page.setViewportSize({ width, height });
    const app = await Zonescope.open(page);
    await app.row(2).click();
    await app.button("Append").click();
    await app.expectCondition(2, "IMPLICIT_OPEN");
    const size = await page.evaluate(() => ({ width: document.documentElement.scrollWidth, height: document.documentElement.scrollHeight }));
    expect(size.width).toBeLessThanOrEqual(width);
    if (width === 1440) expect(size.height).toBeLessThanOrEqual(height);
    for (const theme of themes) {
      while (!(await page.getByRole("button", { name: `Theme: ${theme}` }).isVisible())) await page.getByRole("button", { name: /^Theme/ }).click();
      expect(await seriousOn(page)).toEqual([]);
    }
  });
}

/** A small zoned image, made by the built command line. */
async function madeWith(into: string): Promise<string> {
  const path = join(into, "made.qcow2");
  execFileSync(process.execPath, [join(import.meta.dirname, "../../dist-cli/zonescope.js"), "qemu-img", "create", "-q", "-f", "qcow2", path, "-o", "size=12M", "-o", "zone_model=1", "-o", "zone_size=1M"]);
  return path;
}
