/**
 * The figures of the cockpit: what the page itself costs, measured over the built page in Chromium by the browser's own counters.
 * Each is a ratio in one run. Figures, no test.
 */

/** @typedef {import("../src/testing/bench/figure.ts").Figure} Figure */
/** @typedef {import("@playwright/test").Page} Page */

const PLACE = "Chromium, the page";
const STEPS = 48;
const REPEATS = 3;
/** An opening is a matter of a moment, and of what else the machine does in that moment. */
const OPENINGS = 9;

/** @param {readonly number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/**
 * @param {Pick<Figure, "id" | "what" | "unit" | "wanted" | "against">} label
 * @param {readonly { ours: number, base: number }[]} pairs
 * @returns {Figure}
 */
function figure(label, pairs) {
  const ratios = pairs.map(({ ours, base }) => ours / base);
  return {
    ...label,
    place: PLACE,
    value: median(pairs.map(({ ours }) => ours)),
    base: median(pairs.map(({ base }) => base)),
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
  };
}

/** @param {Page} page @param {string} line */
async function type(page, line) {
  const prompt = page.getByRole("textbox", { name: "Command" });
  await prompt.fill(line);
  await prompt.press("Enter");
}

/** A zoned image of so many zones, attached and drawn. @param {Page} page @param {number} zones */
async function attach(page, zones) {
  await type(page, `qemu-img create -f qcow2 bench-${zones}.qcow2 -o size=${zones}M,zone_size=1M,zone_model=1`);
  await page.getByRole("region", { name: "Zone map" }).getByText(`${zones.toLocaleString("en")} zones`).waitFor();
  await page.waitForTimeout(1500);
}

/**
 * Milliseconds of the main thread (scripts, layout, painting) for a frame in which the map is zoomed or panned.
 * @param {Page} page
 */
async function frameWork(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const map = page.getByRole("slider", { name: "Selected zone" });
  const box = await map.boundingBox();
  if (box === null) throw new Error("the map is not there");
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  const busy = async () => (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0;
  const before = await busy();
  for (let step = 0; step < STEPS; step++) {
    if (step % 2 === 0) await page.mouse.wheel(0, step < STEPS / 2 ? -160 : 160);
    else await page.mouse.wheel(120, 0);
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  }
  const spent = (await busy()) - before;
  await map.press("0");
  await session.detach();
  return (spent * 1000) / STEPS;
}

/** Milliseconds until the image is attached and its map drawn, against reading its metadata bytes as they are. @param {Page} page @param {number} zones */
async function opening(page, zones) {
  await type(page, `qemu-img create -f qcow2 bench-small.qcow2 -o size=12M,zone_size=1M,zone_model=1`);
  await page.getByRole("region", { name: "Zone map" }).getByText("12 zones").waitFor();
  await page.getByRole("combobox", { name: "Image" }).click();
  const option = page.getByRole("option", { name: `bench-${zones}.qcow2` });
  await option.waitFor();
  const ours = await page.evaluate(async (name) => {
    const wanted = [...document.querySelectorAll("[role=option]")].find((element) => element.textContent?.includes(name));
    if (!(wanted instanceof HTMLElement)) throw new Error("the image is not listed");
    const start = performance.now();
    wanted.focus();
    wanted.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    const table = () => document.querySelector("[role=table][aria-label=Zones]")?.getAttribute("aria-rowcount");
    const count = String(Number(/\d+/.exec(name)?.[0]) + 1);
    while (table() !== count) await new Promise(requestAnimationFrame);
    // The map is drawn in this very frame: a message that is posted in it comes when the frame has been laid out and painted.
    await new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = resolve;
      port2.postMessage(null);
    });
    return performance.now() - start;
  }, `bench-${zones}.qcow2`);
  await page.waitForTimeout(500);
  // Eight bytes a zone is what the format keeps of it.
  const base = await page.evaluate(async (bytes) => {
    const root = await navigator.storage.getDirectory();
    const file = await root.getFileHandle("bench-raw", { create: true });
    const writable = await file.createWritable();
    await writable.write(new Uint8Array(bytes));
    await writable.close();
    const start = performance.now();
    await (await file.getFile()).arrayBuffer();
    const spent = performance.now() - start;
    await root.removeEntry("bench-raw");
    return spent;
  }, zones * 8);
  return { ours, base };
}

const STORM_APPENDS_A_SECOND = 10_000;
const STORM_SECONDS = 3;

/**
 * The share of the main thread that a storm of appends takes. The calls are made inside the worker, and their answers stay there:
 * what the page has to do is follow the notices.
 * @param {Page} page
 */
async function storm(page) {
  const [worker] = page.workers();
  if (worker === undefined) throw new Error("the page has no worker");
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0;
  const before = await busy();
  const told = await worker.evaluate(
    async ({ perSecond, seconds }) => {
      const scope = /** @type {{ postMessage: (message: unknown, transfer?: unknown) => void, onmessage: (event: { data: unknown }) => void }} */ (/** @type {unknown} */ (self));
      const post = scope.postMessage.bind(self);
      const FIRST = 1e9;
      const count = perSecond * seconds;
      let answered = 0;
      let refused = 0;
      let handle = 0;
      scope.postMessage = (message, transfer) => {
        const { id, outcome } = /** @type {{ id?: number, outcome?: { ok: boolean } }} */ (message);
        if (id === undefined || id < FIRST) return post(message, transfer);
        answered++;
        if (outcome?.ok !== true) refused++;
      };
      // Which handle is the page's: the one that is open.
      while (handle < 1000) {
        const found = await new Promise((resolve) => {
          const next = scope.postMessage;
          scope.postMessage = (message, transfer) => {
            const { id, outcome } = /** @type {{ id?: number, outcome?: { ok: boolean } }} */ (message);
            if (id !== FIRST + count) return next(message, transfer);
            scope.postMessage = next;
            resolve(outcome?.ok === true);
          };
          scope.onmessage({ data: { id: FIRST + count, name: "report", request: { handle: ++handle, offset: 0, count: 1 } } });
        });
        if (found) break;
      }
      const start = performance.now();
      for (let sent = 0; answered < count; ) {
        const due = Math.min(count, Math.floor(((performance.now() - start) / 1000) * perSecond));
        for (; sent < due; sent++) {
          const offset = Math.floor((sent * 4096) / 2 ** 20) * 2 ** 20;
          scope.onmessage({ data: { id: FIRST + sent, name: "append", request: { handle, offset, lengths: [4096], pattern: 0xcd } } });
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      scope.postMessage = post;
      return { seconds: (performance.now() - start) / 1000, refused };
    },
    { perSecond: STORM_APPENDS_A_SECOND, seconds: STORM_SECONDS },
  );
  const spent = (await busy()) - before;
  await session.detach();
  if (told.refused > 0) throw new Error(`${told.refused} appends of the storm were refused`);
  return { ours: spent * 1000, base: told.seconds * 1000 };
}

/** Bytes of the page and its worker. @param {Page} page */
async function memory(page) {
  return page.evaluate(async () => {
    const measure = /** @type {{ measureUserAgentSpecificMemory?: () => Promise<{ bytes: number }> }} */ (performance).measureUserAgentSpecificMemory;
    return measure === undefined ? 0 : (await measure.call(performance)).bytes;
  });
}

/**
 * @param {Page} page
 * @param {string} url of the built page, served isolated
 * @param {(what: string) => void} say
 * @returns {Promise<Figure[]>}
 */
export async function cockpitFigures(page, url, say) {
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(url);
  await page.getByText("welcome.qcow2").first().waitFor();
  const few = 1_000;
  const many = 2 ** 20;
  /** @type {{ ours: number, base: number }[]} */
  const frames = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    say(`${PLACE}: pan and zoom, ${repeat + 1} of ${REPEATS}`);
    await attach(page, few);
    const base = await frameWork(page);
    await attach(page, many);
    frames.push({ ours: await frameWork(page), base });
  }
  const storms = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    say(`${PLACE}: a storm of appends, ${repeat + 1} of ${REPEATS}`);
    await attach(page, many);
    storms.push(await storm(page));
  }
  say(`${PLACE}: memory`);
  const bytes = await memory(page);
  say(`${PLACE}: opening`);
  const opened = [];
  for (let repeat = -1; repeat < OPENINGS; repeat++) {
    const pair = await opening(page, many);
    if (repeat >= 0) opened.push(pair);
  }
  return [
    figure({ id: "page/frame-work", what: "main thread for a frame of pan or zoom at 2^20 zones", unit: "ms", wanted: "at most 2", against: "the same at 1,000 zones" }, frames),
    figure({ id: "page/open", what: "opening 2^20 zones to the drawn map", unit: "ms", wanted: "at most 5", against: "reading 8 MiB of metadata from OPFS" }, opened),
    figure({ id: "page/storm", what: "main thread in a storm of 10,000 appends a second", unit: "ms", wanted: "below 0.25", against: "the time that it lasts" }, storms),
    { id: "page/memory", place: PLACE, what: "memory of page and worker at 2^20 zones", unit: "MiB", value: bytes / 2 ** 20, against: null, base: null, ratio: null, spread: null, wanted: "below 200 MiB" },
  ];
}
