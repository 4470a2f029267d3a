/** Time in both directions: any moment of the log is the zones as they were, and a fork is the image as it was. */
import { beforeEach, expect, test } from "vitest";
import { Condition } from "../../../src/base/conditions.ts";
import { Random } from "../../../src/base/random.ts";
import type { App } from "../../../src/state/app.ts";
import { EventMatches } from "../../../src/state/event-filter.ts";
import type { LogEvent } from "../../../src/state/history.ts";
import { Ring } from "../../../src/state/ring.ts";
import { blkzoneScript, ioScript, jsonLines } from "../../../src/state/scripts.ts";
import { tableRows, WHOLE_TABLE } from "../../../src/state/table-view.ts";
import { formatterOf } from "../../../src/state/units.ts";
import { frames, started, stubWindow } from "./app-fixture.ts";

beforeEach(stubWindow);

/** Conditions and pointers of the zones that are shown. */
function shown(app: App): unknown {
  const { past, attached } = app.store.getState();
  const zones = past ?? attached!.zones!;
  const each = (counter: "writes" | "resets"): number[] => Array.from({ length: zones.count }, (_, zone) => zones.counted(counter, zone));
  return { condition: [...zones.condition], pointer: [...zones.writePointer], counts: [...zones.counts], writes: each("writes").slice(2), resets: each("resets") };
}

async function work(app: App, lines: number, seed: number): Promise<Map<number, unknown>> {
  const random = new Random(seed);
  const moments = new Map<number, unknown>();
  for (let index = 0; index < lines; index++) {
    const zone = 2 + random.below(10);
    const line = [`zap ${zone}M 4k`, `zap ${zone}M 64k`, `zo ${zone}M 1M`, `zc ${zone}M 1M`, `zf ${zone}M 1M`, `zrs ${zone}M 1M`, `write ${zone}M 4k`][random.below(7)]!;
    await app.console.run(line);
    await frames();
    moments.set(app.events.total, shown(app));
  }
  return moments;
}

test("every moment between commands is shown as it was, in any order", async () => {
  const app = await started();
  const moments = await work(app, 60, 4);
  const positions = [...moments.keys()];
  expect(positions.length).toBeGreaterThan(20);
  const random = new Random(9);
  for (let index = 0; index < 200; index++) {
    const position = positions[random.below(positions.length)]!;
    app.time.seek(position);
    expect(app.store.getState().moment).toBe(position === app.events.total ? null : position);
    expect(shown(app)).toEqual(moments.get(position));
  }
  app.time.seek(app.events.forgotten);
  expect(app.store.getState().past?.countOf(Condition.EMPTY)).toBe(10);
  app.time.seek(null);
  expect(shown(app)).toEqual(moments.get(app.events.total) ?? shown(app));
}, 20_000);

test("a reopening and a command with more events than are handed over are crossed too", async () => {
  const app = await started();
  await app.console.run("qemu-img create -f qcow2 many.qcow2 -o size=40000M,zone_size=1M,zone_model=1");
  const { attached } = app.store.getState();
  expect(attached?.zones?.count).toBe(40_000);
  const before = shown(app);
  await app.console.run("zf 0 40000M");
  await frames();
  const after = shown(app);
  expect(app.store.getState().attached?.zones?.countOf(Condition.FULL)).toBe(40_000);
  const end = app.events.total;
  await app.console.run("qemu-io -c 'zrs 0 20000M' many.qcow2");
  await frames();
  expect(app.store.getState().attached?.zones?.countOf(Condition.EMPTY)).toBe(20_000);
  app.time.seek(end);
  expect(app.store.getState().past?.countOf(Condition.FULL)).toBe(40_000);
  expect((shown(app) as { pointer: number[] }).pointer).toEqual((after as { pointer: number[] }).pointer);
  app.time.seek(0);
  expect((shown(app) as { condition: number[] }).condition).toEqual((before as { condition: number[] }).condition);
}, 30_000);

test("a fork is the image as it was at that moment, bytes too, and the first stays as it is", async () => {
  const app = await started();
  await app.console.run("write -P 0x11 2M 8k");
  await app.console.run("write -P 0x22 0 4k");
  await app.console.run("zo 3M 1M");
  await frames();
  const then = app.events.total;
  const wanted = shown(app);
  await app.console.run("write -P 0x33 2056K 4k");
  await app.console.run("write -P 0x44 0 4k");
  await app.console.run("zrs 2M 1M");
  await frames();
  expect(app.time.canFork()).toBe(true);
  app.time.seek(then);
  await app.time.fork();
  await frames();
  const { attached, moment } = app.store.getState();
  expect(attached?.file).toBe("welcome-fork.qcow2");
  expect(moment).toBeNull();
  expect(shown(app)).toEqual(wanted);
  for (const [line, good] of [["read -P 0x11 2M 8k", true], ["read -P 0x22 0 4k", true], ["read -P 0x44 0 4k", false]] as const) {
    expect((await app.console.run(line)).out.includes("Pattern verification failed"), line).toBe(!good);
  }
  // The fork has a log of its own that reaches back to its creation.
  expect(app.time.canFork()).toBe(true);
  await app.device.attach("welcome.qcow2");
  expect(app.store.getState().attached?.zones?.conditionOf(2)).toBe(Condition.EMPTY);
  expect(app.time.canFork()).toBe(false);
});

test("scripts and JSON Lines say what was done", async () => {
  const app = await started();
  await app.console.run("zap 2M 4k 8k");
  await app.console.run("zo 3M 1M");
  await app.console.run("write -z 4M 4k");
  await frames();
  const entries = app.tape.until(app.events.total);
  expect(ioScript(entries, "welcome.qcow2")).toContain("run <<EOF\nzap 2M 4K 8K\nzo 3M 1M\nwrite -z 4M 4K\nEOF\n");
  expect(blkzoneScript(entries)).toContain('blkzone open --offset 6144 --length 2048 "$device"');
  const events: LogEvent[] = [];
  for (let index = 0; index < app.events.length; index++) events.push(app.events.at(index)!);
  const lines = jsonLines(events).trim().split("\n").map((line) => JSON.parse(line) as { type: string; zone?: number });
  expect(lines).toHaveLength(app.events.length);
  expect(lines.some(({ type, zone }) => type === "transition" && zone === 3)).toBe(true);
  expect(app.tape.about(2 * 2 ** 20, 3 * 2 ** 20, app.events.total, 5).map(({ call }) => call.name)).toEqual(["append"]);
});

test("a filter keeps up with a log that forgets", () => {
  const ring = new Ring<LogEvent>(1_000);
  const matches = new EventMatches(ring);
  const push = (seq: number): void => ring.push(seq % 10 === 0 ? { seq, timeMs: seq, type: "flush" } : { seq, timeMs: seq, type: "transition", zone: seq % 7, from: 1, to: 2, operation: "write" });
  const filter = { kinds: ["flush"], zone: null, words: "" } as const;
  matches.setFilter(filter);
  for (let seq = 1; seq <= 4_321; seq++) {
    push(seq);
    if (seq % 97 === 0) matches.count();
  }
  expect(matches.count()).toBe(100);
  expect(ring.at(matches.positionAt(0) - ring.forgotten)?.seq).toBe(3_330);
  expect(ring.at(matches.positionAt(99) - ring.forgotten)?.seq).toBe(4_320);
  matches.setFilter({ kinds: [], zone: 3, words: "" });
  expect(matches.count()).toBe([...Array(1_000).keys()].filter((index) => (index + 3_322) % 10 !== 0 && (index + 3_322) % 7 === 3).length);
  expect(matches.lastBefore(ring.total)).toBe(matches.count() - 1);
});

test("the table filters and sorts, and finds the row of a zone", async () => {
  const app = await started();
  await app.console.run("zf 5M 2M");
  await app.console.run("zrs 6M 1M");
  await frames();
  const zones = app.store.getState().attached!.zones!;
  const list = (view: Partial<typeof WHOLE_TABLE>): number[] => {
    const rows = tableRows(zones, { ...WHOLE_TABLE, ...view });
    const listed = Array.from({ length: rows.count }, (_, row) => rows.zoneAt(row));
    expect(listed.map((zone) => rows.rowOf(zone))).toEqual(listed.map((_, row) => row));
    return listed;
  };
  expect(list({ conditions: [Condition.FULL] })).toEqual([5]);
  expect(list({ conditions: [Condition.NOT_WP, Condition.FULL], descending: true })).toEqual([5, 1, 0]);
  expect(list({ sort: "resets", descending: true })[0]).toBe(6);
  expect(list({ sort: "capacity" }).slice(-2)).toEqual([0, 1]);
  expect(list({ sort: "condition" })).toEqual([0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 5]);
  expect(tableRows(zones, { ...WHOLE_TABLE, conditions: [Condition.FULL] }).rowOf(3)).toBe(-1);
});

test("numbers of bytes are exact in every unit", () => {
  const value = 65_536 + 512;
  expect(["exact", "bytes", "kib", "sectors", "lba"].map((choice) => formatterOf(choice as "exact")(value))).toEqual(["66,048 B", "66,048 B", "64.5 KiB", "129 s", "0x81"]);
  expect(formatterOf("lba")(100)).toBe("100 B");
});
