/** The tab "Workload": a job that is started, paused, stepped and stopped while the page is used, and what its plots say. */
import { seriousOn } from "./axe.ts";
import { expect, test } from "./fixtures.ts";
import { Zonescope } from "./page.ts";

test("appends at a pace: the map moves, a line comes between, and pause, step and stop do what they say", async ({ page }) => {
  const app = await Zonescope.open(page);
  await page.getByRole("tab", { name: "Workload" }).click();
  const tab = page.getByRole("group", { name: "Workload", exact: true });
  await tab.getByRole("radio", { name: "100/s" }).click();
  await tab.getByRole("button", { name: "Start" }).click();
  await app.expectCondition(2, "IMPLICIT_OPEN");
  await expect(tab.getByRole("figure", { name: "Throughput" })).toContainText(/[0-9.]+ MiB\/s on average/);
  await expect(tab.getByRole("img", { name: /Open and active zones: 3 of 3 open, 3 of 5 active/ })).toBeVisible();
  // A command of the person's comes between two turns.
  await app.type("zf 9M 1M");
  await app.expectCondition(9, "FULL");
  await tab.getByRole("button", { name: "Pause" }).click();
  const standing = tab.getByRole("status");
  await expect(standing).toContainText("Paused");
  expect(await seriousOn(page)).toEqual([]);
  const count = async (): Promise<number> => Number(/: ([\d,]+) requests/.exec(await standing.innerText())![1]!.replaceAll(",", ""));
  const before = await count();
  expect(before).toBeGreaterThan(0);
  await tab.getByRole("button", { name: "Step" }).click();
  await expect.poll(count).toBe(before + 1);
  await tab.getByRole("button", { name: "Stop" }).click();
  await expect(standing).toContainText("Ended");
  await expect(tab.getByRole("table", { name: "Requests by kind" }).getByRole("row", { name: /append/ })).toContainText(String(before + 1));
});

test("a log-structured store flat out: its zones are cleaned, and its write amplification is above 1", async ({ page }) => {
  await Zonescope.open(page);
  await page.getByRole("tab", { name: "Workload" }).click();
  const tab = page.getByRole("group", { name: "Workload", exact: true });
  await tab.getByLabel("Preset").selectOption("Store, greedy cleaner");
  await tab.getByLabel("More words").fill("io_size=20M verify=pattern");
  await tab.getByRole("radio", { name: "Flat out" }).click();
  await tab.getByRole("button", { name: "Start" }).click();
  await expect(tab.getByRole("status")).toContainText("Ended", { timeout: 60_000 });
  await expect(tab.getByRole("status")).toContainText(/blocks compared, none wrong/);
  const says = await tab.getByRole("figure", { name: "Write amplification", exact: true }).innerText();
  expect(Number(/([\d.]+) since it was full/.exec(says)![1])).toBeGreaterThan(1);
  await expect(tab.getByRole("figure", { name: "Write amplification against free space" })).toContainText(/with \d+% free/);
});

test("the pointers of many zones are a field, a row for a band of them", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("qemu-img create -f qcow2 -o size=1000M,zone_size=1M,zone_model=1 many.qcow2");
  await expect(app.image).toHaveText("many.qcow2");
  await page.getByRole("tab", { name: "Workload" }).click();
  const tab = page.getByRole("group", { name: "Workload", exact: true });
  await tab.getByLabel("Preset").selectOption("Zone after zone");
  await tab.getByLabel("bs").fill("256k");
  await tab.getByLabel("More words").fill("io_size=40M");
  await tab.getByRole("radio", { name: "Flat out" }).click();
  await tab.getByRole("button", { name: "Start" }).click();
  await expect(tab.getByRole("status")).toContainText("Ended", { timeout: 60_000 });
  await expect(tab.getByRole("img", { name: "Write pointers: a row for 16 zones, stronger as they fill; 40 of 1,000 written to, 40 full" })).toBeVisible();
  // At the last moment the first two rows, which are of 32 full zones, are the strongest there are, the third is half so, and the rest are empty.
  const column = (): Promise<number[]> =>
    tab.getByRole("figure", { name: "Write pointers" }).locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
      const data = canvas.getContext("2d")!.getImageData(canvas.width - 1, 0, 1, canvas.height).data;
      return Array.from({ length: canvas.height }, (_, row) => data[4 * row + 3]!);
    });
  // It is painted behind the words.
  await expect.poll(column).toEqual([255, 255, 128, ...Array<number>(60).fill(0)]);
});

test("a word that is not known is refused by its name, in the tab and at the prompt", async ({ page }) => {
  const app = await Zonescope.open(page);
  await page.getByRole("tab", { name: "Workload" }).click();
  const tab = page.getByRole("group", { name: "Workload", exact: true });
  await tab.getByLabel("More words").fill("ioengine=libaio");
  await tab.getByRole("button", { name: "Start" }).click();
  await expect(tab.getByRole("alert")).toContainText("there is no word 'ioengine' here");
  await app.type("workload rw=write bs=64k zones=1 offset=3z");
  await expect(app.output).toContainText("write: IOPS=");
  await app.expectCondition(3, "FULL");
});

test("on a disk without zones an append is not offered, and the words are about what it has", async ({ page }) => {
  const app = await Zonescope.open(page);
  await app.type("qemu-img create -f qcow2 plain.qcow2 64M");
  await expect(app.image).toHaveText("plain.qcow2");
  await page.getByRole("tab", { name: "Workload", exact: true }).click();
  const workload = page.getByRole("group", { name: "Workload" });
  const start = workload.getByRole("button", { name: "Start", exact: true });
  await expect(start).toBeDisabled();
  await expect(workload).toContainText("This disk has no zones, which append needs: choose write, randwrite, read or randread.");
  await expect(workload).not.toContainText("map, table and events follow");
  const kind = workload.getByRole("combobox", { name: /^rw/ });
  await kind.selectOption("logstore");
  await expect(workload).toContainText("which logstore needs");
  await kind.selectOption("randwrite");
  await expect(start).toBeEnabled();
  await start.click();
  await expect(workload).toContainText("Running");
  await workload.getByRole("button", { name: "Stop", exact: true }).click();
  await expect(start).toBeEnabled();
});
