/**
 * A real Linux over the image that the page shows, in a real Chromium: what it sees, what the page sees of it, that files outlive a reload
 * and a SIGKILL, and that what is saved is an image for stock tools. One disk and three boots serve all of it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "@playwright/test";
import { runStock, stockCheck } from "../../src/testing/stock.ts";
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import type { Browser } from "./fixtures.ts";
import { Zonescope } from "./page.ts";
import { Site } from "./site.ts";
import { Terminal } from "./terminal.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "zonescope-guest-"));
test.afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

const ZONES = 48;
const ZONE_SECTORS = (4 * 2 ** 20) / 512;
/** The first sequential zone; dd counts it in blocks of 64 KiB. */
const FIRST = 8;
const BLOCKS_PER_ZONE = 64;
const CREATE = "qemu-img create -f qcow2 disk.qcow2 -o size=192M,zone_size=4M,zone_model=1,nr_conv_zones=8,max_open_zones=0,max_append_sectors=256";

interface Zone {
  readonly start: number;
  /** Sectors from the zone's start; null where it has none that counts. */
  readonly pointer: number | null;
  readonly condition: number;
}
const EMPTY = 1;
const NO_POINTER = 0;
const FULL = 14;

/** The zones as `zrp` tells them, of the console or of a shell. */
function zonesOf(said: string): Zone[] {
  return [...said.matchAll(/start: 0x([0-9a-f]+), len 0x[0-9a-f]+, cap 0x[0-9a-f]+, wptr 0x([0-9a-f]+), zcond:(\d+)/g)].map(([, start = "", pointer = "", condition = ""]) => {
    const at = parseInt(start, 16);
    const known = Number(condition);
    return { start: at, pointer: known === NO_POINTER || known === FULL ? null : parseInt(pointer, 16) - at, condition: known };
  });
}

async function zonesInConsole(app: Zonescope): Promise<Zone[]> {
  const clear = app.page.getByRole("button", { name: "Clear" });
  if (await clear.isEnabled()) await clear.click();
  await app.type(`zrp 0 ${ZONES}`);
  await expect(app.output).toContainText(`start: 0x${((ZONES - 1) * ZONE_SECTORS).toString(16)},`);
  return zonesOf(await app.output.innerText());
}

/** The zones as blkzone in the guest tells them: made short, so that all of them fit the screen. */
async function zonesInGuest(terminal: Terminal): Promise<Zone[]> {
  const short = `sed 's/.*start: 0x\\([0-9a-f]*\\),.*wptr \\([0-9a-fxNA/]*\\) .*zcond: *\\([0-9]*\\).*/\\1:\\2:\\3/'`;
  const said = await terminal.must(`blkzone report /dev/vda | ${short} | paste -s -d '    \\n' -`);
  return said.split(/\s+/).map((zone) => {
    const [start = "", pointer = "", condition = ""] = zone.split(":");
    const known = Number(condition);
    return { start: parseInt(start, 16), pointer: known === NO_POINTER || known === FULL ? null : parseInt(pointer, 16), condition: known };
  });
}

async function openDisk(page: Page): Promise<{ app: Zonescope; terminal: Terminal }> {
  return { app: await Zonescope.open(page, "disk.qcow2"), terminal: new Terminal(page) };
}

/** Saves the image and holds it against stock qemu-img, and against the command line, which must read the zones that the console tells. */
async function expectSound(app: Zonescope): Promise<void> {
  const saved = join(FOLDER, "saved.qcow2");
  await app.save(saved);
  expect(stockCheck(saved)).toMatchObject({ corruptions: 0, checkErrors: 0 });
  const command = join(import.meta.dirname, "../../dist-cli/zonescope.js");
  const { stdout, status } = runStock(process.execPath, [command, "qemu-io", "-r", "-c", `zrp 0 ${ZONES}`, saved]);
  expect(status).toBe(0);
  // What was open is not stored.
  await app.page.getByRole("button", { name: "Power cycle" }).click();
  expect(zonesOf(stdout)).toEqual(await zonesInConsole(app));
}

test("Linux has the disk of the map: zones, files over a reload and over a SIGKILL, and a saved image that is sound", async ({ zonescope, page }) => {
  test.setTimeout(600_000);
  let { app, terminal } = await begun(page);

  await test.step("boots to a prompt, and sees a host-managed disk", async () => {
    console.log(`prompt after ${await terminal.attach()} ms`);
    expect(await terminal.must("cat /sys/block/vda/queue/zoned")).toBe("host-managed");
  });

  await test.step("a direct write moves the pointer in the table, and both reports agree zone by zone", async () => {
    await terminal.must(`dd if=/bin/busybox of=/dev/vda bs=64k count=2 seek=${FIRST * BLOCKS_PER_ZONE} oflag=direct && blkzone finish -o ${(FIRST + 2) * ZONE_SECTORS} -c 1 /dev/vda`);
    await app.expectCondition(FIRST, "IMPLICIT_OPEN");
    await expect(app.row(FIRST)).toContainText("32,896 KiB");
    const zones = await zonesInGuest(terminal);
    expect(zones).toHaveLength(ZONES);
    expect(zones[FIRST]?.pointer).toBe((2 * 65536) / 512);
    expect(zones).toEqual(await zonesInConsole(app));
  });

  await test.step("a write out of order fails there, and is explained here", async () => {
    const { text, status } = await terminal.run(`dd if=/dev/zero of=/dev/vda bs=64k count=1 seek=${(FIRST + 1) * BLOCKS_PER_ZONE + 9} oflag=direct`);
    expect(status).not.toBe(0);
    expect(text).toContain("Input/output error");
    await expect(app.events).toContainText(`Refused write at zone ${FIRST + 1}: not-at-write-pointer`);
    const refusal = app.events.locator(".event").filter({ hasText: `Refused write at zone ${FIRST + 1}` }).first();
    await refusal.locator("summary").click();
    await expect(refusal).toContainText("virtio-blk ZONE_UNALIGNED_WP");
    await app.row(FIRST + 1).click();
    await expect(app.zone).toContainText("Linux refused: not-at-write-pointer, ZONE_UNALIGNED_WP");
  });

  await test.step("the console may look, and is told why it may not write or take the disk away", async () => {
    await app.type("read 0 4k");
    await expect(app.output).toContainText("read 4096/4096 bytes at offset 0");
    await app.type(`zo ${FIRST * 4}M 4M`);
    await expect(app.output).toContainText("Linux has the image");
    await app.type("qemu-img info disk.qcow2");
    await expect(app.output).toContainText("Linux has the attached image");
  });

  await test.step("nothing serious is found by axe in the terminal", async () => {
    expect(await seriousOn(page, ".panel-inspector")).toEqual([]);
  });

  await test.step("files of f2fs outlive a detach and a reload", async () => {
    await terminal.must("blkzone reset /dev/vda && mkfs.f2fs -q -m -f /dev/vda && mount -t f2fs /dev/vda /mnt");
    await terminal.must("for i in $(seq 20); do head -c 1000000 /dev/urandom >/mnt/$i || break; done; cd /mnt && sha256sum * >/tmp/sums && mv /tmp/sums sums && cd / && umount /mnt");
    await terminal.detach();
    await page.reload();
    ({ app, terminal } = await openDisk(page));
    await terminal.attach();
    await terminal.must("mount -t f2fs /dev/vda /mnt");
    expect(await terminal.must("cd /mnt && sha256sum -c sums | grep -c OK; cd /")).toBe("20");
  });

  await test.step("files that were synced outlive a SIGKILL in the midst of writes", async () => {
    await terminal.must("dd if=/bin/busybox of=/mnt/synced bs=64k count=16 2>/dev/null; sha256sum </mnt/synced >/mnt/synced.sum; sync");
    const sum = await terminal.must("cat /mnt/synced.sum");
    await terminal.type("i=0; while true; do i=$((i+1)); dd if=/bin/busybox of=/mnt/more.$i bs=64k count=8 conv=fsync 2>/dev/null; done");
    // Some of them are on their way: events of the disk come.
    await expect(app.events).toContainText("write pointer on");
    await page.waitForTimeout(1500);
    ({ app, terminal } = await killed(zonescope));
    await terminal.attach();
    // 0: clean, or made so. What a log-structured file system had not finished is rolled forward or dropped.
    expect((await terminal.run("fsck.f2fs -a /dev/vda")).status).toBe(0);
    await terminal.must("mount -t f2fs /dev/vda /mnt");
    expect(await terminal.must("sha256sum </mnt/synced")).toBe(sum);
    expect(await terminal.must("cd /mnt && sha256sum -c sums | grep -c OK; cd /; umount /mnt")).toBe("20");
    await terminal.detach();
  });

  await test.step("what is saved is sound, and a shell reads the same zones", async () => {
    const zones = await zonesInConsole(app);
    expect(zones.some(({ condition }) => condition !== NO_POINTER && condition !== EMPTY)).toBe(true);
    await expectSound(app);
  });
});

async function begun(page: Page): Promise<{ app: Zonescope; terminal: Terminal }> {
  const app = await Zonescope.open(page);
  await app.type(CREATE);
  await expect(app.image).toHaveText("disk.qcow2");
  return { app, terminal: new Terminal(page) };
}

/** Kills the browser, and opens the disk in another one. */
async function killed(zonescope: Browser): Promise<{ app: Zonescope; terminal: Terminal }> {
  await zonescope.kill();
  return openDisk(await zonescope.launch());
}

test("the machine's own worker alone may compile code; a power cut keeps what was flushed, and the disk is the page's again", async ({ page }) => {
  test.setTimeout(300_000);
  const app = await Zonescope.open(page);
  const terminal = new Terminal(page);
  const policyOf = async (path: string): Promise<string> => (await page.request.get(path)).headers()["content-security-policy"] ?? "";
  const machine = page.waitForRequest((request) => /\/machine\/[^/]+\.js$/.test(request.url()));
  const fetchedBefore = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
  expect(fetchedBefore.filter((name) => /\/guest\/|\/machine\/|v86/.test(name))).toEqual([]);
  await terminal.attach();
  const ofMachine = await policyOf((await machine).url());
  expect(ofMachine).toContain("'wasm-unsafe-eval'");
  expect(ofMachine).toContain("worker-src blob:");
  expect(ofMachine).toContain("connect-src 'self'");
  const ofPage = await policyOf("/");
  expect(ofPage).toContain("script-src 'self';");
  expect(ofPage).toContain("worker-src 'self';");
  expect(ofPage).not.toMatch(/unsafe-eval|blob:[^;]*worker|worker-src[^;]*blob:/);

  // The welcome disk has zones of 1 MiB, the first two conventional.
  await terminal.must("dd if=/bin/busybox of=/dev/vda bs=64k count=2 seek=32 oflag=direct conv=fsync");
  await terminal.type("dd if=/bin/busybox of=/dev/vda bs=4k count=192 seek=768 oflag=direct");
  await app.expectCondition(3, "OPEN");
  await page.getByRole("button", { name: "Power cut" }).click();
  await expect(page.getByRole("tabpanel")).toContainText("The power was cut");
  await app.expectCondition(2, "CLOSED");
  await expect(app.row(2)).toContainText("2,176 KiB");
  await app.type("write 2176k 4k");
  await app.expectCondition(2, "IMPLICIT_OPEN");
});

test("once fetched, Linux starts without a network", async ({ page }) => {
  test.setTimeout(300_000);
  const site = new Site("dist-e2e");
  const address = await site.start();
  await page.goto(`${address}/`);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.goto(`${address}/`);
  const image = new Zonescope(page).image;
  await expect(image).toHaveText("welcome.qcow2");
  await new Terminal(page).attach();
  await site.stop();
  await expect(page.request.get(`${address}/`)).rejects.toThrow();
  await page.reload();
  await expect(image).toHaveText("welcome.qcow2");
  const terminal = new Terminal(page);
  await terminal.attach();
  expect(await terminal.must("cat /sys/block/vda/queue/zoned")).toBe("host-managed");
});

test("a session that a link offers makes its own disk at a click, and types its lines", async ({ page }) => {
  test.setTimeout(300_000);
  await page.goto("/#guest=order");
  await expect(page.getByRole("combobox", { name: "Or a session" })).toHaveValue("order");
  const app = new Zonescope(page);
  await expect(app.image).toHaveText("welcome.qcow2");
  await page.getByRole("button", { name: "Step through" }).click();
  await expect(app.image).toHaveText("order.qcow2");
  const session = page.getByRole("group", { name: /^Session: / });
  await expect(session).toContainText("1 of 11", { timeout: 120_000 });
  await session.getByRole("button", { name: "Type it" }).click();
  await expect(session).toContainText("2 of 11", { timeout: 60_000 });
  await app.expectCondition(1, "IMPLICIT_OPEN");
  // The third line is the one out of order.
  await session.getByRole("button", { name: "Play" }).click();
  await expect(app.events).toContainText("Refused write at zone 2: not-at-write-pointer", { timeout: 120_000 });
  await session.getByRole("button", { name: "End session" }).click();
  await expect(session).toHaveCount(0);

  // What Linux did is played again into another image.
  await new Terminal(page).detach();
  await page.getByRole("button", { name: "One event back" }).click();
  await page.getByRole("button", { name: "Fork from here" }).click();
  await expect(app.image).toHaveText("order-fork.qcow2");
  await app.expectCondition(1, "IMPLICIT_OPEN");
  await app.row(2).click();
  await expect(app.zone).toContainText("refused: not-at-write-pointer");
});

test("a lesson plays its session on the lesson's disk, and the lines do its steps, the refused one too", async ({ page }) => {
  test.setTimeout(300_000);
  await page.goto("/#lesson=linux-sees-zones");
  const app = new Zonescope(page);
  const lesson = page.getByRole("article", { name: "Linux sees zones" });
  await lesson.getByRole("button", { name: "Start lesson" }).click();
  await expect(app.image).toHaveText("lesson-linux-sees-zones.qcow2");
  await lesson.getByRole("button", { name: "Play the session" }).click();
  const session = page.getByRole("group", { name: /^Session: / });
  await expect(session).toContainText("That was the last line", { timeout: 200_000 });
  await expect(app.image).toHaveText("lesson-linux-sees-zones.qcow2");
  await expect(app.events).toContainText("too-many-open");
  await expect(lesson.getByRole("status").filter({ hasText: "All steps are done" })).toHaveCount(1);
});
