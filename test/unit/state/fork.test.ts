/** A fork is the image as it was at the moment, whatever happened: zones, pointers, the order of closing, bytes. */
import { beforeEach, expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import type { App } from "../../../src/state/app.ts";
import { stubWindow } from "./app-fixture.ts";
import { CREATE, doSomething, newHistory, ZONE, ZONES } from "./histories.ts";

beforeEach(stubWindow);

const zonesOf = (app: App): unknown => {
  const zones = app.store.getState().attached!.zones!;
  return { condition: [...zones.condition], pointer: [...zones.writePointer] };
};
const orderOf = (app: App): unknown => app.store.getState().resources;

/** All bytes of the disk as the console reads them, by zone. */
async function bytesOf(app: App): Promise<string[]> {
  const read: string[] = [];
  for (let zone = 0; zone < ZONES; zone++) read.push((await app.console.run(`read -v ${zone * 64}K ${Math.min(ZONE, 736 * 1024 - zone * ZONE)}`)).out.split("\nread ")[0]!);
  return read;
}

test.each([1, 2, 3, 4, 5])("after a random history, seed %i, the past and a fork are each moment again", async (seed) => {
  const random = new Random(seed);
  const history = await newHistory();
  const { app } = history;
  const moments: { at: number; zones: unknown; order: unknown; bytes: string[] | null }[] = [];
  for (let deed = 0; deed < 40; deed++) {
    await doSomething(history, random);
    // Reading makes no event, and is not played again.
    moments.push({ at: app.events.total, zones: zonesOf(app), order: orderOf(app), bytes: deed % 13 === 7 ? await bytesOf(app) : null });
  }
  // Several calls may come to one position of the log when they made no event; the last of them is what it is.
  const last = new Map(moments.map((moment) => [moment.at, moment]));
  for (const moment of last.values()) {
    app.time.seek(moment.at);
    const { moment: shown, pastResources, resources } = app.store.getState();
    expect(shown === null ? resources : pastResources, `resources at ${moment.at}`).toEqual(moment.order);
  }
  const kept = [...last.values()].filter(({ bytes }) => bytes !== null);
  const wanted = kept[random.below(kept.length)]!;
  app.time.seek(null);
  app.time.seek(wanted.at);
  expect(app.time.canFork(), app.time.aboutFork()).toBe(true);
  await app.time.fork();
  expect(app.store.getState().attached?.file).toBe("h-fork.qcow2");
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(zonesOf(app)).toEqual(wanted.zones);
  expect(orderOf(app)).toEqual(wanted.order);
  expect(await bytesOf(app)).toEqual(wanted.bytes);
}, 60_000);

test("in the midst of a call the order is of that moment too", async () => {
  const { app } = await newHistory();
  for (const zone of [2, 3, 4]) await app.console.run(`zap ${zone * 64}K 4k`);
  await app.console.run("zap 320K 4k");
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(app.store.getState().resources?.implicitOrder).toEqual([3, 4, 5]);
  const orders: unknown[] = [];
  for (let position = app.events.total - 1; position >= app.events.forgotten; position--) {
    app.time.seek(position);
    const { pastResources, past } = app.store.getState();
    expect(pastResources?.implicitOrder).toHaveLength(past!.countOf(2));
    orders.push(pastResources?.implicitOrder);
  }
  const told = orders.map((order) => JSON.stringify(order)).filter((order, index, all) => order !== all[index - 1]);
  expect(told).toEqual(["[3,4,5]", "[3,4]", "[2,3,4]", "[2,3]", "[2]", "[]"]);
});

test("what a fork cannot be made of is said", async () => {
  const { app } = await newHistory();
  await app.console.run(`${CREATE} other.qcow2`);
  await app.device.attach("h.qcow2");
  expect(app.time.canFork()).toBe(false);
  expect(app.time.aboutFork()).toContain("does not reach back");
  await app.console.run(`${CREATE} third.qcow2`);
  await app.console.run("qemu-img convert -n -f qcow2 -O qcow2 h.qcow2 third.qcow2");
  expect(app.time.canFork()).toBe(false);
  expect(app.time.aboutFork()).toContain("convert");
});
