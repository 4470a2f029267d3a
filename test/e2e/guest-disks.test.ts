/**
 * Disks of a Linux guest in a real Chromium: two of them, one that is open for reading alone, one that another tab takes, and the question
 * before the page goes. What Linux and browser make impossible is said.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";
import { Terminal } from "./terminal.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "zonescope-guest-disks-"));
test.afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** Two disks of 16 MiB in zones of 1 MiB; the last one made is attached. */
async function withTwoDisks(page: Page): Promise<Zonescope> {
  const app = await Zonescope.open(page);
  for (const name of ["b.qcow2", "a.qcow2"]) {
    await app.type(`qemu-img create -f qcow2 ${name} -o size=16M,zone_size=1M,zone_model=1,max_append_sectors=128`);
    await expect(app.image).toHaveText(name);
  }
  return app;
}

/** A line that writes so many blocks of 64 KiB, full of one letter, to the start of a zone. */
const fill = (disk: string, letter: string, zone: number, blocks = 1): string => `head -c ${blocks * 65536} /dev/zero | tr '\\0' ${letter} >/tmp/${letter}; dd if=/tmp/${letter} of=/dev/${disk} bs=64k count=${blocks} seek=${zone * 16} oflag=direct 2>&1`;

/** Has the page close as a person would close its tab. @returns whether it asks first; it stays if so */
async function asksBeforeClosing(page: Page): Promise<boolean> {
  const asked = page.waitForEvent("dialog").then(async (dialog) => {
    expect(dialog.type()).toBe("beforeunload");
    await dialog.dismiss();
    return true;
  });
  const gone = page.waitForEvent("close").then(() => false);
  await page.close({ runBeforeUnload: true });
  const answer = await Promise.race([asked, gone]);
  for (const other of [asked, gone]) other.catch(() => undefined);
  return answer;
}

test("a browser without WebAssembly says why there is no Linux, and leaves the image to the page", async ({ page }) => {
  // The one place where it is wanted is the machine's worker.
  await page.route(/\/machine\/[^/]+\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `delete globalThis.WebAssembly;\n${await response.text()}` });
  });
  const app = await Zonescope.open(page);
  await page.getByRole("tab", { name: "Terminal" }).click();
  await page.getByRole("button", { name: "Attach Linux" }).click();
  await expect(page.getByRole("tabpanel").getByRole("alert")).toContainText("This browser cannot run Linux. The machine that Linux runs on is WebAssembly");
  await app.type("write 2M 4k");
  await app.expectCondition(2, "IMPLICIT_OPEN");
});

test("where the page's part for Linux does not come, console and terminal say so, and it is asked for again", async ({ page }) => {
  // Eight signs of a hash, of which one may be a hyphen.
  const PART = /\/assets\/guest-[\w-]{8}\.js$/;
  await page.route(PART, (route) => route.abort());
  const app = await Zonescope.open(page);
  await app.type("attach linux");
  await expect(app.output).toContainText("Linux could not be loaded");
  await page.getByRole("tab", { name: "Terminal" }).click();
  await expect(page.getByRole("tabpanel").getByRole("alert")).toContainText("Look whether there is a network, and reload the page.");
  await app.type("write 2M 4k");
  await app.expectCondition(2, "IMPLICIT_OPEN");
  await page.unroute(PART);
  await app.type("attach linux");
  await expect(app.output).toContainText("Linux is starting");
});

test("a disk that Linux would not take is explained and not attached", async ({ page }) => {
  const app = await Zonescope.open(page);
  const disks = [
    ["mute.qcow2", "size=16M,zone_size=1M,zone_model=1,max_append_sectors=0", "Linux would not take a disk without zone append"],
    ["small.qcow2", "size=1M,zone_size=4M,zone_model=1,max_append_sectors=128", "The disk is smaller than one zone"],
  ] as const;
  for (const [name, options, why] of disks) {
    await app.type(`qemu-img create -f qcow2 ${name} -o ${options}`);
    await expect(app.image).toHaveText(name);
    await app.type("attach linux");
    await expect(app.output).toContainText(why);
    await page.getByRole("tab", { name: "Terminal" }).click();
    await expect(page.getByRole("tabpanel").getByRole("alert")).toContainText(why);
    await expect(page.getByRole("button", { name: "Attach Linux" })).toBeEnabled();
    await app.type("write 0 4k");
    await app.expectCondition(0, "IMPLICIT_OPEN");
  }
});

for (const [where, link, asks] of [
  ["the page of a link", "", true],
  ["a frame", "&embed=1", false],
] as const) {
  test(`${where} ${asks ? "asks" : "does not ask"} before it goes while Linux is there`, async ({ page }) => {
    await page.goto(`/#run=${encodeURIComponent("qemu-img create -f qcow2 disk.qcow2 -o size=16M,zone_size=1M,zone_model=1,max_append_sectors=128")}${link}`);
    const app = new Zonescope(page);
    await expect(app.map.getByRole("listitem").filter({ hasText: "EMPTY" })).toHaveText("EMPTY16");
    await app.type("attach linux");
    await expect(app.output).toContainText("Linux is starting");
    expect(await asksBeforeClosing(page)).toBe(asks);
  });
}

test("two images are two disks: each has its own writes, the page leaves both alone meanwhile, and both are free afterwards", async ({ page }) => {
  test.setTimeout(300_000);
  const app = await withTwoDisks(page);
  await app.type("attach linux a.qcow2 b.qcow2");
  const terminal = new Terminal(page);
  await terminal.arrive();
  await expect(page.getByRole("tabpanel")).toContainText("/dev/vda a.qcow2");
  await expect(page.getByRole("tabpanel")).toContainText("/dev/vdb b.qcow2");
  await terminal.must(fill("vda", "a", 3));
  await terminal.must(fill("vdb", "b", 5, 2));
  await app.expectCondition(3, "IMPLICIT_OPEN");
  await expect(app.row(5)).toContainText("EMPTY");
  // Both at once: no answer of the one is lost over one of the other.
  await terminal.must("sh -c 'for i in 0 1 2 3 4 5; do for disk in a b; do dd if=/bin/busybox of=/dev/vd$disk bs=16k count=8 oflag=direct seek=$((384+i*8)) 2>/dev/null & done; wait; done'");
  expect(await terminal.must("for disk in a b; do blkzone report -o 12288 -c 1 /dev/vd$disk | grep -o 'wptr 0x[0-9a-f]*'; done")).toBe("wptr 0x000600\nwptr 0x000600");

  await app.type("qemu-io -c 'write 0 4k' b.qcow2");
  await expect(app.output).toContainText("Linux has b.qcow2 as its second disk");
  await app.type("write 1M 4k");
  await expect(app.output).toContainText("write failed: Device or resource busy");
  await expect(app.output).toContainText("Linux has the image");

  await terminal.detach();
  await app.type("read -P 97 3M 64k");
  await expect(app.output).toContainText("read 65536/65536 bytes at offset 3145728");
  await app.type("qemu-img check a.qcow2");
  await expect(app.output).toContainText("No errors were found on the image.");
  await app.switchTo("b.qcow2");
  await app.expectCondition(5, "CLOSED");
  await expect(app.row(3)).toContainText("EMPTY");
  await app.type("read -P 98 5M 128k");
  await expect(app.output).toContainText("read 131072/131072 bytes at offset 5242880");
  await expect(app.output).not.toContainText("Pattern verification failed");
});

test("an image that is open for reading is read-only for Linux; the second goes to another tab, which stops the machine", async ({ page, context }) => {
  test.setTimeout(300_000);
  const app = await withTwoDisks(page);
  await app.type("write -P 0x61 3M 64k");
  await app.expectCondition(3, "IMPLICIT_OPEN");
  const saved = join(FOLDER, "saved.qcow2");
  await app.save(saved);
  await app.openFile(saved);
  await expect(app.image).toHaveText(/saved\.qcow2/);
  await page.getByRole("tab", { name: "Terminal" }).click();
  await page.getByLabel("Second disk, /dev/vdb").selectOption("b.qcow2");
  const terminal = new Terminal(page);
  await terminal.attach();

  await test.step("it reads, and writes of no kind reach it", async () => {
    expect(await terminal.must("cat /sys/block/vda/ro /sys/block/vdb/ro /sys/block/vda/queue/zoned")).toBe("1\n0\nhost-managed");
    expect(await terminal.must("dd if=/dev/vda bs=64k skip=48 count=1 2>/dev/null | tr -d a | wc -c")).toBe("0");
    expect((await terminal.run(fill("vda", "x", 4))).status).not.toBe(0);
    expect((await terminal.run("blkzone reset /dev/vda")).status).not.toBe(0);
    await terminal.must(fill("vdb", "b", 5, 2));
  });

  await test.step("the tab asks before it is closed, and stays with its machine", async () => {
    expect(await asksBeforeClosing(page)).toBe(true);
    expect(await terminal.must("echo still here")).toBe("still here");
  });

  const other = await context.newPage();
  await test.step("another tab takes the second disk, with what Linux had written to it", async () => {
    const second = new Zonescope(other);
    await other.goto("/");
    await expect(second.image).toHaveText("a.qcow2");
    await second.image.click();
    await other.getByRole("option", { name: "b.qcow2" }).first().click();
    await expect(other.getByText("b.qcow2 is open in another tab")).toBeVisible();
    await other.getByRole("button", { name: "Take over" }).click();
    await expect(second.image).toHaveText("b.qcow2");
    await second.expectCondition(5, "CLOSED");
    await second.type("read -P 98 5M 128k");
    await expect(second.output).toContainText("read 131072/131072 bytes at offset 5242880");
    await expect(second.output).not.toContainText("Pattern verification failed");
  });

  await test.step("here the machine is stopped, with the reason, and nothing is asked any more", async () => {
    await page.bringToFront();
    await expect(page.getByRole("tabpanel")).toContainText("b.qcow2 was taken over there, and the machine was stopped");
    await expect(page.getByRole("alert").filter({ hasText: "The image is closed" })).toHaveCount(0);
    expect(await asksBeforeClosing(page)).toBe(false);
  });
});
