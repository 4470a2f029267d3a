/** What a guest asked of the disk is on the tape: among the commands of a zone, in the files, in a fork, and after a power cut as much as is left. */
import { beforeEach, describe, expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { MOST_TOLD_BYTES } from "../../../src/protocol/index.ts";
import type { App } from "../../../src/state/app.ts";
import type { Core } from "../../../src/state/core.ts";
import { blkzoneScript, entryLine, ioScript } from "../../../src/state/scripts.ts";
import { frames, stubWindow } from "./app-fixture.ts";
import { APPEND, CLOSE, FINISH, FLUSH, IN, OPEN, OUT, RESET, RESET_ALL, guestPage } from "./guest-fixture.ts";
import type { GuestPage } from "./guest-fixture.ts";

beforeEach(stubWindow);

const KIB = 1024;
const ZONE = 64 * KIB;
const ZONES = 12;
const CREATE = "qemu-img create -q -f qcow2 -o size=736K,zone_size=64K,zone_capacity=48K,nr_conv_zones=2,max_open_zones=3,max_active_zones=5,max_append_sectors=64,zone_model=1 g.qcow2";

const zonesOf = (app: App): unknown => {
  const { attached, resources } = app.store.getState();
  return { condition: [...attached!.zones!.condition], pointer: [...attached!.zones!.writePointer], order: resources!.implicitOrder };
};

async function bytesOf(app: App): Promise<string[]> {
  const read: string[] = [];
  for (let zone = 0; zone < ZONES; zone++) read.push((await app.console.run(`read -v ${zone * 64}K ${Math.min(ZONE, 736 * KIB - zone * ZONE)}`)).out.split("\nread ")[0]!);
  return read;
}

const saidBy = (app: App): string => app.store.getState().console.flatMap(({ lines }) => lines.map(({ text }) => text)).join("\n");

/** Until everything that was told is shown: in a storm words follow 0.4 seconds later. */
async function settled(core: Core): Promise<void> {
  do await frames();
  while (core.notices.length > 0 || core.wordsPending);
}

function bytes(random: Random, length: number): Uint8Array {
  const data = new Uint8Array(length).fill(random.below(256));
  if (random.chance(0.7)) data[random.below(length)]! ^= 1 + random.below(255);
  return data;
}

/** One request of some kind, often one that is refused. */
async function askSomething({ ask, app }: GuestPage, random: Random): Promise<number> {
  const zone = random.below(ZONES);
  const start = zone * ZONE;
  const pointer = app.store.getState().attached!.zones!.writePointer[zone]!;
  switch (random.below(9)) {
    case 0:
      return await ask(APPEND, start, bytes(random, 512 * (1 + random.below(16))));
    case 1:
      return await ask(OUT, random.below(2) * ZONE + 512 * random.below(64), bytes(random, 4 * KIB));
    case 2:
      return await ask(OPEN, start);
    case 3:
      return await ask(random.chance(0.5) ? CLOSE : FINISH, start);
    case 4:
      return await ask(random.chance(0.8) ? RESET : RESET_ALL, start);
    case 5:
      return await ask(FLUSH, 0);
    case 6:
      return await ask(IN, start);
    default:
      return await ask(OUT, random.chance(0.8) ? pointer : start + 8 * KIB, bytes(random, 512 * (1 + random.below(32))));
  }
}

async function expectFork({ app, core }: GuestPage, wanted: { readonly zones: unknown; readonly bytes: readonly string[] }): Promise<void> {
  expect(app.time.canFork(), app.time.aboutFork()).toBe(true);
  await app.time.fork();
  await settled(core);
  expect(zonesOf(app)).toEqual(wanted.zones);
  expect(await bytesOf(app)).toEqual(wanted.bytes);
}

test.each([1, 2, 3])("after random requests of a guest, seed %i, a fork of a moment has its zones, bytes and order of closing", async (seed) => {
  const page = await guestPage(CREATE);
  const { app, core } = page;
  const random = new Random(seed);
  const statuses = new Set<number>();
  const halfway = 30 + random.below(30);
  let then: { at: number; zones: unknown; bytes: string[] } | null = null;
  for (let step = 0; step < 90; step++) {
    statuses.add(await askSomething(page, random));
    await frames();
    if (step !== halfway) continue;
    await settled(core);
    then = { at: app.events.total, zones: zonesOf(app), bytes: await bytesOf(app) };
    // What makes no event belongs to the moment before it: this one is to stay as it was seen.
    await page.ask(FLUSH, 0);
  }
  page.giveBack();
  await settled(core);
  // Some were refused, for more than one reason.
  expect(statuses.size).toBeGreaterThan(2);
  const { handle } = app.store.getState().attached!;
  app.time.seek(then!.at);
  expect(app.store.getState().moment).toBe(then!.at);
  await expectFork(page, then!);
  expect(app.store.getState().attached!.handle).not.toBe(handle);
  expect(saidBy(app)).toContain("played again into g-fork.qcow2");
  expect(saidBy(app)).not.toContain("stands in their place");
}, 60_000);

test("commands of a zone say what a guest asked, that it was one, and what it was told", async () => {
  const { app, ask, giveBack } = await guestPage(CREATE);
  expect(await ask(OPEN, 3 * ZONE)).toBe(0);
  expect(await ask(OUT, 3 * ZONE, new Uint8Array(4 * KIB).fill(7))).toBe(0);
  expect(await ask(OUT, 3 * ZONE + 32 * KIB, Uint8Array.from({ length: 512 }, (_, at) => at & 255))).toBe(4);
  expect(await ask(APPEND, 3 * ZONE, Uint8Array.from({ length: 512 }, (_, at) => at & 255))).toBe(0);
  expect(await ask(FLUSH, 0)).toBe(0);
  expect(await ask(FINISH, 3 * ZONE)).toBe(0);
  expect(await ask(RESET_ALL, 0)).toBe(0);
  await frames();
  const entries = app.tape.about(3 * ZONE, 4 * ZONE, app.events.total, 10);
  expect(entries.map(entryLine)).toEqual(["zrs 0 736K", "zf 192K 64K", "zap 192K 512  # various bytes", "write 224K 512  # various bytes", "write -P 0x7 192K 4K", "zo 192K 64K"]);
  expect(entries.every(({ byGuest }) => byGuest)).toBe(true);
  expect(entries.map(({ failure }) => failure?.kind === "zone" && failure.code)).toEqual([false, false, false, "not-at-write-pointer", false, false]);
  giveBack();
  // The page's own commands go on behind them.
  await app.console.run("zap 192K 4k");
  const all = app.tape.until(Infinity);
  expect(all.at(-1)).toMatchObject({ byGuest: false, failure: null });
  const script = ioScript(all, "g.qcow2");
  expect(script).toContain("run <<EOF\nzo 192K 64K\nwrite -P 0x7 192K 4K\nwrite -s $bytes/1 224K 512\nwrite -s $bytes/2 196K 512\nflush\nzf 192K 64K\nzrs 0 736K\nzap 192K 4K\nEOF\n");
  expect(blkzoneScript(all)).toContain('# flush\nblkzone finish --offset 384 --length 128 "$device"\nblkzone reset --offset 0 --length 1472 "$device"\n');
});

test("what the page is refused while the guest has the disk is no command of it", async () => {
  const { app, core, ask, giveBack } = await guestPage(CREATE);
  const { handle } = app.store.getState().attached!;
  expect(await core.perform("write", { handle, offset: 2 * ZONE, length: 4096, pattern: 1, data: null })).toMatchObject({ ok: false, error: { code: "lent" } });
  expect(await ask(OUT, 2 * ZONE, new Uint8Array(512))).toBe(0);
  expect(app.tape.until(Infinity)).toHaveLength(1);
  giveBack();
});

test("while Linux has the disk nothing is forked, and the tape stays", async () => {
  const { app, core, ask, giveBack } = await guestPage(CREATE);
  core.set({ guest: { ...core.store.getState().guest, phase: "up" } });
  expect(await ask(OUT, 2 * ZONE, new Uint8Array(512))).toBe(0);
  expect(app.time.canFork()).toBe(false);
  expect(app.time.aboutFork()).toContain("detach Linux first");
  await app.time.fork();
  expect(app.store.getState().library.files.map(({ name }) => name)).not.toContain("g-fork.qcow2");
  core.set({ guest: { ...core.store.getState().guest, phase: "off" } });
  giveBack();
  expect(app.time.canFork()).toBe(true);
  expect(app.tape.until(Infinity)).toHaveLength(1);
});

describe("after a power cut", () => {
  test("a fork has what was left, and of a moment before it what was there then", async () => {
    // Two zones share a cluster.
    const page = await guestPage(CREATE.replace("size=736K", "cluster_size=128K,size=736K"));
    const { app, core, ask } = page;
    await ask(OUT, 2 * ZONE, new Uint8Array(8 * KIB).fill(1));
    await ask(OUT, 3 * ZONE, new Uint8Array(4 * KIB).fill(2));
    await ask(FLUSH, 0);
    await ask(OUT, 2 * ZONE + 8 * KIB, new Uint8Array(4 * KIB).fill(3));
    await ask(RESET, 3 * ZONE);
    // A zone that was reset is written behind a flush, which makes the write before it durable, but not this one.
    await ask(OUT, 3 * ZONE, new Uint8Array(4 * KIB).fill(4));
    await ask(OUT, 4 * ZONE, new Uint8Array(4 * KIB).fill(5));
    await settled(core);
    const before = { at: app.events.total, zones: zonesOf(app), bytes: await bytesOf(app) };
    await page.cut();
    await settled(core);
    const { writePointer } = app.store.getState().attached!.zones!;
    expect([2, 3, 4].map((zone) => writePointer[zone]! - zone * ZONE)).toEqual([12 * KIB, 0, 0]);
    page.lend();
    expect(await ask(OUT, 4 * ZONE, new Uint8Array(4 * KIB).fill(6))).toBe(0);
    page.giveBack();
    await settled(core);
    const now = { zones: zonesOf(app), bytes: await bytesOf(app) };
    expect(app.time.aboutFork()).toContain("2 commands that a power cut undid are left out");
    expect(app.tape.until(before.at)).toHaveLength(7);
    await expectFork(page, now);
    // It is a disk that never met one.
    expect(app.time.aboutFork()).not.toContain("power cut");
  });

  test("a moment before it can still be forked", async () => {
    const page = await guestPage(CREATE);
    const { app, core, ask } = page;
    await ask(OUT, 2 * ZONE, new Uint8Array(8 * KIB).fill(1));
    await settled(core);
    const before = { at: app.events.total, zones: zonesOf(app), bytes: await bytesOf(app) };
    await page.cut();
    await settled(core);
    expect(app.store.getState().attached!.zones!.writePointer[2]).toBe(2 * ZONE);
    app.time.seek(before.at);
    expect(app.time.aboutFork()).not.toContain("power cut");
    expect(app.share.script("history")!.lines.at(-1)).toBe("write -P 0x1 128K 8K");
    await expectFork(page, before);
  });
});

test("beyond the budget a fork has the zones and says of how many bytes it does not", async () => {
  const zone = 8 * 2 ** 20;
  const { app, core, ask, giveBack } = await guestPage(`qemu-img create -q -f qcow2 -o size=96M,zone_size=8M,zone_model=1,max_append_sectors=64 g.qcow2`);
  const data = Uint8Array.from({ length: zone }, (_, at) => (at * 31) & 255);
  const fit = MOST_TOLD_BYTES / zone;
  for (let index = 0; index <= fit; index++) expect(await ask(OUT, index * zone, data.slice())).toBe(0);
  expect(await ask(OUT, (fit + 1) * zone, new Uint8Array(zone).fill(9))).toBe(0);
  giveBack();
  await settled(core);
  const wanted = zonesOf(app);
  expect(app.time.canFork()).toBe(true);
  expect(app.time.aboutFork()).toContain("Its zones will be the same, but not all of its bytes: 8 MiB were too many to keep, and 0xcd stands in their place");
  expect(app.share.script("history")!.notes).toEqual([`${fit + 1} commands wrote bytes that a link cannot carry: it writes 0xcd there.`]);
  app.crash.choose({ subject: "last", lastCount: 1 });
  await app.crash.record();
  expect(core.store.getState().crash).toMatchObject({ failure: null, run: { differences: ["Its zones will be the same, but not all of its bytes: 8 MiB were too many to keep, and 0xcd stands in their place"] } });
  await app.time.fork();
  await settled(core);
  expect(zonesOf(app)).toEqual(wanted);
  expect(saidBy(app)).toContain("8 MiB were too many to keep");
  for (const [line, good] of [[`read -P 0x1f ${zone + 1} 1`, true], [`read -P 0xcd ${fit * zone} 8M`, true], [`read -P 9 ${(fit + 1) * zone} 8M`, true], [`read -P 0xcd ${(fit - 1) * zone} 8M`, false]] as const) {
    expect((await app.console.run(line)).out.includes("Pattern verification failed"), line).toBe(!good);
  }
}, 60_000);
