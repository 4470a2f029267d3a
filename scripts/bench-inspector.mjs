/**
 * The figures of the inspector: large images dropped on the built page in Chromium, as real sparse files. How soon a dropped image is
 * seen and in how many reads, and what a full check costs. Figures, no test.
 */
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync, readSync, readdirSync, writeSync } from "node:fs";
import { join } from "node:path";

/** @typedef {import("../src/testing/bench/figure.ts").Figure} Figure */
/** @typedef {import("@playwright/test").Page} Page */

const PLACE = "Chromium, the inspector";
const REPEATS = 3;
const ZONES = 400;
const CLUSTERS_IN_ZONE = 25;
const GIB = 2 ** 30;

/** @param {readonly number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/**
 * @param {Pick<Figure, "id" | "what" | "unit" | "wanted">} label
 * @param {readonly number[]} values
 * @returns {Figure}
 */
const alone = (label, values) => ({ ...label, place: PLACE, value: median(values), against: null, base: null, ratio: null, spread: null });

/**
 * A zoned image of 100 GB with 10,000 clusters of zeros in it, which are then holes of its file.
 * @param {string} folder @param {string} cli the built command line
 */
function makeZoned(folder, cli) {
  const [full, sparse] = [join(folder, "full.qcow2"), join(folder, "zoned-100G.qcow2")];
  const run = (/** @type {readonly string[]} */ args) => {
    const { status, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });
    if (status !== 0) throw new Error(`zonescope ${args[0]}: ${stderr}`);
  };
  run(["qemu-img", "create", "-q", "-f", "qcow2", full, "-o", `size=${ZONES / 4}G,zone_size=256M,zone_model=1`]);
  run(["qemu-io", ...Array.from({ length: ZONES }, (_, zone) => ["-c", `write -q -P 0 ${zone * 256}M ${CLUSTERS_IN_ZONE * 64}k`]).flat(), full]);
  const [from, to] = [openSync(full, "r"), openSync(sparse, "wx")];
  const { size } = fstatSync(from);
  const block = Buffer.alloc(2 ** 20);
  ftruncateSync(to, size);
  for (let at = 0; at < size; at += block.length) {
    const count = readSync(from, block, 0, block.length, at);
    for (let part = 0; part < count; part += 65536) {
      const bytes = block.subarray(part, Math.min(count, part + 65536));
      if (bytes.some((byte) => byte !== 0)) writeSync(to, bytes, 0, bytes.length, at + part);
    }
  }
  closeSync(from);
  closeSync(to);
  return sparse;
}

/** Counts what the engine's worker reads of dropped files, until the check comes that begins by itself. @param {Page} page */
async function countReads(page) {
  const [worker] = page.workers();
  if (worker === undefined) throw new Error("the page has no worker");
  await worker.evaluate(() => {
    const counted = /** @type {{ reads?: number, checking?: boolean }} */ (globalThis);
    if (counted.reads === undefined) {
      self.addEventListener("message", ({ data }) => (counted.checking ||= data.name === "check"));
      const read = FileReaderSync.prototype.readAsArrayBuffer;
      FileReaderSync.prototype.readAsArrayBuffer = function (blob) {
        if (counted.checking !== true) counted.reads = (counted.reads ?? 0) + 1;
        return read.call(this, blob);
      };
    }
    counted.reads = 0;
  });
  return () => worker.evaluate(() => /** @type {{ reads?: number }} */ (globalThis).reads ?? 0);
}

/** An image of the library is attached, whichever it was last. @param {Page} page */
const imageIsThere = (page) => page.getByRole("combobox", { name: "Image" }).filter({ hasText: ".qcow2" }).waitFor();

/**
 * Milliseconds from the drop until every field of the header and every zone are there, and the reads until then.
 * @param {Page} page @param {string} url @param {string} file
 */
async function firstSight(page, url, file) {
  await page.goto(url);
  await imageIsThere(page);
  const reads = await countReads(page);
  const seen = page.evaluate(
    (zones) =>
      new Promise((resolve) => {
        document.getElementById("open-file")?.addEventListener("change", () => {
          const start = performance.now();
          const look = () => {
            const fields = document.querySelectorAll("[role=tabpanel] table.fields tbody tr").length;
            const rows = document.querySelector("[role=table][aria-label=Zones]")?.getAttribute("aria-rowcount");
            if (fields > 30 && rows === String(zones + 1)) requestAnimationFrame(() => resolve(performance.now() - start));
            else requestAnimationFrame(look);
          };
          look();
        }, { capture: true, once: true });
      }),
    ZONES,
  );
  await page.locator("#open-file").setInputFiles(file);
  const ms = /** @type {number} */ (await seen);
  return { ms, reads: await reads() };
}

/** The renderers of the browser that runs on a profile: processes below it, found by their parents. @param {string} profile */
function renderers(profile) {
  /** @type {Map<string, { parent: string, line: string }>} */
  const all = new Map();
  for (const id of readdirSync("/proc")) {
    if (!/^\d+$/.test(id)) continue;
    try {
      const status = readFileSync(`/proc/${id}/stat`, "utf8");
      all.set(id, { parent: status.slice(status.lastIndexOf(")") + 2).split(" ")[1] ?? "", line: readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ") });
    } catch {
      // It ended meanwhile.
    }
  }
  const isOurs = (/** @type {string} */ id) => {
    for (let at = all.get(id); at !== undefined; at = all.get(at.parent)) if (at.line.includes(`--user-data-dir=${profile}`)) return true;
    return false;
  };
  return [...all].filter(([id, { line }]) => line.includes("--type=renderer") && isOurs(id)).map(([id]) => id);
}

/** Memory that is a process's own, of the largest of them. @param {readonly string[]} processes */
function heldBytes(processes) {
  let most = 0;
  for (const id of processes) {
    try {
      most = Math.max(most, Number(/RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0) * 1024);
    } catch {
      // It ended meanwhile.
    }
  }
  return most;
}

/**
 * A full check of the image, begun by the drop itself: how long it takes, the longest the page stood still meanwhile, what the page's process
 * holds at the most; then how soon another one stops when it is cancelled.
 * @param {Page} page @param {string} url @param {string} file @param {string} profile
 */
async function fullCheck(page, url, file, profile) {
  await page.goto(url);
  await imageIsThere(page);
  const processes = renderers(profile);
  if (processes.length === 0) throw new Error("the page's process was not found");
  let held = 0;
  const sampling = setInterval(() => (held = Math.max(held, heldBytes(processes))), 10);
  const running = page.evaluate(
    () =>
      new Promise((resolve) => {
        let [begun, last, longest] = [0, performance.now(), 0];
        const note = () => document.querySelector(".check-note")?.textContent ?? "";
        const look = () => {
          const now = performance.now();
          if (begun > 0) longest = Math.max(longest, now - last);
          last = now;
          if (begun === 0 && note().startsWith("Checking")) begun = now;
          if (begun > 0 && !note().startsWith("Checking")) resolve({ ms: now - begun, longest, verdict: note() });
          else setTimeout(look, 0);
        };
        look();
      }),
  );
  await page.locator("#open-file").setInputFiles(file);
  const told = /** @type {{ ms: number, longest: number, verdict: string }} */ (await running);
  clearInterval(sampling);
  if (told.verdict !== "No errors found") throw new Error(`the check found ${told.verdict}`);
  await page.getByRole("tab", { name: "Check", exact: true }).click();
  // The tab comes when it is shown first.
  await page.getByRole("button", { name: "Check again", exact: true }).waitFor();
  const cancelMs = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const button = (/** @type {string} */ text) => [...document.querySelectorAll("button")].find((one) => one.textContent === text);
        button("Check again")?.click();
        let clicked = 0;
        const look = () => {
          const cancel = button("Cancel");
          if (clicked === 0 && cancel !== undefined && /[1-9]\d*%/.test(document.querySelector(".check-note")?.textContent ?? "")) {
            clicked = performance.now();
            cancel.click();
          } else if (clicked > 0 && cancel === undefined) return resolve(performance.now() - clicked);
          setTimeout(look, 0);
        };
        look();
      }),
  );
  return { ...told, held, cancelMs: /** @type {number} */ (cancelMs) };
}

/**
 * @param {{ page: Page, url: string, folder: string, cli: string, profile: string, makeSparseFile: (path: string, image: { sizeBytes: number, dataClusters: number }) => number }} place
 * @param {(what: string) => void} say
 * @returns {Promise<Figure[]>}
 */
export async function inspectorFigures({ page, url, folder, cli, profile, makeSparseFile }, say) {
  say(`${PLACE}: making large images`);
  const zoned = makeZoned(folder, cli);
  const large = join(folder, "plain-1T.qcow2");
  makeSparseFile(large, { sizeBytes: 1024 * GIB, dataClusters: 65536 });
  await page.setViewportSize({ width: 1440, height: 900 });
  const sights = [];
  const checks = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    say(`${PLACE}: first sight and a full check, ${repeat + 1} of ${REPEATS}`);
    sights.push(await firstSight(page, url, zoned));
    checks.push(await fullCheck(page, url, large, profile));
  }
  return [
    alone({ id: "inspector/first-sight", what: "100 GB, 10,000 clusters: drop to Header and zone map", unit: "ms", wanted: "at most 1000" }, sights.map(({ ms }) => ms)),
    alone({ id: "inspector/first-reads", what: "the same: reads of the file for it", unit: "reads", wanted: "below 64" }, sights.map(({ reads }) => reads)),
    alone({ id: "inspector/check", what: "full check of 1 TiB with 4 GiB allocated", unit: "ms", wanted: null }, checks.map(({ ms }) => ms)),
    alone({ id: "inspector/check-gap", what: "the same: the longest that the page stood still", unit: "ms", wanted: "at most 100" }, checks.map(({ longest }) => longest)),
    alone({ id: "inspector/check-cancel", what: "the same: a click on Cancel to its end", unit: "ms", wanted: "at most 100" }, checks.map(({ cancelMs }) => cancelMs)),
    alone({ id: "inspector/check-memory", what: "the same: memory of the page's process at the most", unit: "MiB", wanted: "below 300" }, checks.map(({ held }) => held / 2 ** 20)),
  ];
}
