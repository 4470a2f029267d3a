/** Long work in slices: progress is told and a cancel is heard while the work goes on, and what waits behind it waits. */
import { describe, expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { progressShown } from "../../../src/command/progress.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { Job, part, runToEnd } from "../../../src/engine/jobs.ts";
import type { Work } from "../../../src/engine/jobs.ts";
import type { Notice } from "../../../src/protocol/index.ts";
import { MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A clock on which each look takes some milliseconds. */
function tickingClock(stepMs: number): () => number {
  let now = 0;
  return () => (now += stepMs);
}

function* steps(count: number, ended: string[] = []): Work<string> {
  try {
    for (let index = 0; index < count; index++) yield index / count;
    return "done";
  } finally {
    ended.push("finally");
  }
}

describe("a job", () => {
  test("pauses where a slice is over and tells how far it is", async () => {
    const told: number[] = [];
    let pauses = 0;
    const job = new Job(1, { now: tickingClock(5), pause: async () => void pauses++ }, (fraction) => told.push(fraction));
    expect(await job.run(steps(100))).toEqual({ ok: true, value: "done" });
    // A slice of 12 ms is over at the third look at a clock of 5 ms.
    expect(pauses).toBe(33);
    expect(told.length).toBe(pauses);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBeGreaterThan(0.9);
  });

  test("shows the same lines of progress on a slow machine and on a fast one, also where work turns out to be more", async () => {
    function* walks(): Work<null> {
      for (let index = 0; index <= 64; index++) yield (1 + index / 64) / 3;
      for (let index = 0; index <= 64; index++) yield (2 + index / 64) / 4;
      return null;
    }
    const shownWith = async (stepMs: number): Promise<string> => {
      const progress = progressShown(true);
      let shown = progress.begin();
      const job = new Job(1, { now: tickingClock(stepMs), pause: async () => undefined }, (fraction) => (shown += progress.shown(fraction)), true);
      await job.run(walks());
      return shown;
    };
    const fast = await shownWith(0);
    expect(fast).toContain("(66.67/100%)\r    (50.00/100%)");
    for (const stepMs of [1, 2, 3, 5, 7, 20]) expect(await shownWith(stepMs), `${stepMs} ms a look`).toBe(fast);
  });

  test("that is soon done neither pauses nor tells", async () => {
    const job = new Job(1, { now: () => 0, pause: () => Promise.reject(new Error("paused")) }, () => expect.unreachable());
    expect(await job.run(steps(1000))).toEqual({ ok: true, value: "done" });
  });

  test("stops at the pause in which it is cancelled, and its finally blocks run", async () => {
    const ended: string[] = [];
    const job: Job = new Job(1, { now: tickingClock(20), pause: nextTurn }, (fraction) => {
      if (fraction >= 0.5) job.cancel();
    });
    expect(await job.run(part(steps(10, ended), 0, 1))).toEqual({ ok: false, error: { kind: "cancelled" } });
    expect(ended).toEqual(["finally"]);
  });

  test("hands on what its work throws", async () => {
    const job = new Job(1, { now: () => 0, pause: nextTurn }, () => undefined);
    function* failing(): Work<null> {
      yield 0;
      throw new Error("no");
    }
    await expect(job.run(failing())).rejects.toThrow("no");
  });
});

test("a part's fractions lie between those it is given", () => {
  const told: number[] = [];
  const work = part(steps(4), 0.5, 0.7);
  for (let step = work.next(); step.done !== true; step = work.next()) told.push(step.value);
  expect(told.map((fraction) => Math.round(fraction * 1000))).toEqual([500, 550, 600, 650]);
  expect(runToEnd(part(steps(4), 0, 1))).toBe("done");
});

describe("the engine", () => {
  /** An engine whose clock runs, over an image of which a check takes many slices. */
  async function withImage(): Promise<{ engine: Engine; notices: Notice[]; handle: number }> {
    const files = new MemoryFiles();
    const fixture = engineFixture(files);
    await fixture.ok("create", { file: "a", options: createOptions({ sizeBytes: 64 * MIB, clusterSize: 512, zoned: null }) });
    const filled = await fixture.ok("open", { file: "a", readOnly: false, format: null });
    await fixture.ok("write", { handle: filled.handle, offset: MIB, length: 16 * MIB, pattern: 0x77, data: null });
    await fixture.ok("close", { handle: filled.handle });
    const notices: Notice[] = [];
    const engine = new Engine({ files, notify: (notice) => notices.push(notice), now: tickingClock(7), pause: nextTurn });
    const opened = await engine.perform("open", { file: "a", readOnly: false, format: null });
    if (!opened.ok) throw new Error("the image does not open");
    return { engine, notices, handle: opened.value.handle };
  }

  test("tells a check's progress by the call's id", async () => {
    const { engine, notices, handle } = await withImage();
    expect(await engine.performAs("check", { handle }, 5)).toMatchObject({ ok: true, value: { corruptions: 0 } });
    expect(notices.length).toBeGreaterThan(3);
    for (const notice of notices) expect(notice).toMatchObject({ notice: "progress", id: 5 });
  });

  test.each(["check", "repair"] as const)("cancels a %s that is under way; the image works on", async (name) => {
    const { engine, handle } = await withImage();
    const order: string[] = [];
    const long = engine.performAs(name, { handle, mode: "all" }, 5, () => engine.cancel(5)).then((outcome) => (order.push(name), outcome));
    const behind = engine.performAs("write", { handle, offset: 0, length: 512, pattern: 1, data: null }, 6).then((outcome) => (order.push("write"), outcome));
    expect(await long).toEqual({ ok: false, error: { kind: "cancelled" } });
    expect(await behind).toMatchObject({ ok: true });
    expect(order).toEqual([name, "write"]);
    expect(await engine.perform("read", { handle, offset: 0, length: 512, pattern: 1, wantData: false })).toMatchObject({ ok: true, value: { mismatchOffset: null } });
    expect(await engine.perform(name, { handle, mode: "all" })).toMatchObject({ ok: true });
  });

  test("does not begin a call that was cancelled while it waited", async () => {
    const { engine, handle } = await withImage();
    const long = engine.performAs("check", { handle }, 5);
    const waiting = engine.performAs("write", { handle, offset: 0, length: 512, pattern: 1, data: null }, 6);
    engine.cancel(6);
    expect(await long).toMatchObject({ ok: true });
    expect(await waiting).toEqual({ ok: false, error: { kind: "cancelled" } });
    expect(await engine.perform("read", { handle, offset: 0, length: 512, pattern: 0, wantData: false })).toMatchObject({ ok: true, value: { mismatchOffset: null } });
  });

  test("a cancelled copy leaves no file, and a cancel of no call's id stops nothing", async () => {
    const { engine, notices } = await withImage();
    engine.cancel(0);
    const copying = engine.performAs("copy", { from: "a", to: "b" }, 7);
    engine.cancel(7);
    expect(await copying).toEqual({ ok: false, error: { kind: "cancelled" } });
    const listed = await engine.perform("listFiles", {});
    expect(listed.ok && listed.value.files.map(({ name }) => name)).toEqual(["a"]);
    expect(await engine.performAs("copy", { from: "a", to: "c" }, 0, () => engine.cancel(0))).toMatchObject({ ok: true });
    expect(notices).toEqual([]);
  });

  test("stops everything when it is told to", async () => {
    const { engine, handle } = await withImage();
    const check = engine.performAs("check", { handle }, 0, () => engine.cancelAll());
    expect(await check).toEqual({ ok: false, error: { kind: "cancelled" } });
    expect(await engine.shutDown()).toBeNull();
  });
});
