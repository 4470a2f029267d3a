/** The player of a link: what it runs, when, and how it is stopped. */
import { beforeEach, expect, test, vi } from "vitest";
import { LINK_DISK_LINE, LINK_DISK_NAME, PLAIN_LINK } from "../../../src/share/index.ts";
import type { Link } from "../../../src/share/index.ts";
import { openLinkHouse } from "../../../src/state/link-house.ts";
import type { LinkHouse } from "../../../src/state/link-house.ts";
import { formatterOf } from "../../../src/state/units.ts";
import { frames, linkEngine, stubWindow } from "./app-fixture.ts";
import type { FakeLinkEngine } from "./app-fixture.ts";

beforeEach(stubWindow);

const size = formatterOf("exact");

interface Opened extends LinkHouse {
  readonly engine: FakeLinkEngine;
  /** Lines that were run, prompts and all. */
  ran(): string[];
  state(): ReturnType<LinkHouse["playback"]["store"]["getState"]>;
  readonly condition: (zone: number) => number | undefined;
}

async function opened(lines: readonly string[], more: Partial<Link> = {}): Promise<Opened> {
  const engine = linkEngine();
  const house = openLinkHouse(engine, { ...PLAIN_LINK, lines, ...more });
  await house.playback.start();
  return {
    ...house,
    engine,
    ran: () => house.app.store.getState().console.flatMap((block) => block.lines.filter((line) => line.stream === "in").map((line) => line.text)),
    state: () => house.playback.store.getState(),
    condition: (zone) => house.app.store.getState().attached?.zones?.conditionOf(zone),
  };
}

const until = (what: () => boolean): Promise<void> => vi.waitFor(() => expect(what()).toBe(true), { timeout: 5000, interval: 5 });

test("a link without a disk of its own has the one that never changes, and waits when it is told to", async () => {
  const link = await opened(["# nothing yet", "", "zap 2M 4k"], { autoplay: false });
  await frames();
  expect(link.ran()).toEqual([LINK_DISK_LINE]);
  expect(link.app.store.getState().attached).toMatchObject({ file: LINK_DISK_NAME, facts: { image: { virtualSize: 12 * 2 ** 20 } } });
  expect(link.state()).toMatchObject({ mode: "paused", done: 0, running: null });
  expect(link.playback.commandCount).toBe(1);
});

test("a link that makes a disk gets no other", async () => {
  const link = await opened(["zonescope qemu-img create -f qcow2 'my disk.qcow2' -o size=4M,zone_size=1M,zone_model=1", "zf 1M 1M"], { autoplay: false });
  expect(link.app.store.getState().attached).toBeNull();
  link.playback.seek(2);
  await until(() => link.state().done === 2 && link.state().mode === "paused");
  expect(link.app.store.getState().attached?.file).toBe("my disk.qcow2");
  await frames();
  expect(link.condition(1)).toBe(14);
});

test("it plays by itself at a pace that can be followed, to the step that it names, and on from there", async () => {
  const link = await opened(["zap 2M 4k", "zap 3M 4k", "zf 4M 1M"], { step: 2 });
  const began = performance.now();
  expect(link.state().mode).toBe("playing");
  link.playback.setSpeed(4);
  await until(() => link.state().mode === "paused");
  // Two pauses, the first cut short by the change of speed.
  expect(performance.now() - began).toBeGreaterThan(200);
  expect(link.state().done).toBe(2);
  await frames();
  expect(link.condition(4)).toBe(1);
  link.playback.setSpeed(Infinity);
  link.playback.play();
  await until(() => link.state().mode === "paused");
  expect(link.state().done).toBe(3);
  await frames();
  expect(link.condition(4)).toBe(14);
});

test("step 0 shows the disk as it begins, and plays on a click", async () => {
  const link = await opened(["zf 4M 1M"], { step: 0 });
  await frames();
  expect(link.state()).toMatchObject({ mode: "paused", done: 0 });
  link.playback.setSpeed(Infinity);
  link.playback.play();
  await until(() => link.state().done === 1);
});

test("a line that fails does not stop it, and each line's result stands beside it", async () => {
  const link = await opened(["write 3M 4k", "# again, which is refused", "write 3M 4k", "no-such-command", "read 3M 4k", "flush", "zc 3M 1M"], { autoplay: false });
  link.playback.setSpeed(Infinity);
  link.playback.play();
  await until(() => link.state().done === 6 && link.state().mode === "paused");
  const { results } = link.state();
  const told = [...results].map(([row, { how, text }]) => [row, how, text(size)]);
  expect(told).toEqual([
    [0, "ok", "Zone 3: EMPTY → IMPLICIT_OPEN (write)"],
    [2, "failed", "write failed: Invalid argument"],
    [3, "failed", 'command "no-such-command" not found; "help" lists all there are'],
    [4, "ok", "read 4096/4096 bytes at offset 3145728"],
    [5, "ok", "done"],
    [6, "ok", "Zone 3: IMPLICIT_OPEN → CLOSED (close)"],
  ]);
});

test("back is by playing from the start; forward goes on from where it is", async () => {
  const link = await opened(["zf 2M 1M", "zf 3M 1M", "zf 4M 1M", "set explain off"], { autoplay: false });
  link.playback.seek(4);
  await until(() => link.state().done === 4 && link.state().mode === "paused");
  expect(link.engine.count()).toBe(1);
  link.playback.seek(1);
  await until(() => link.state().done === 1 && link.state().mode === "paused");
  expect(link.engine.count()).toBe(2);
  await frames();
  expect([2, 3, 4].map(link.condition)).toEqual([14, 1, 1]);
  expect(link.state().results.size).toBe(1);
  // The console is as new, and so is the way it talks.
  expect(link.ran()).toEqual([LINK_DISK_LINE, "zf 2M 1M"]);
  await link.app.console.run("set");
  await frames();
  expect(JSON.stringify(link.app.store.getState().console)).toContain("explain on");
});

test("restart empties the disk whatever is on it; at the end Play begins again", async () => {
  const link = await opened(["zf 2M 1M"], { autoplay: false });
  await link.app.console.run("qemu-img create -f qcow2 other.qcow2 1M");
  expect(link.app.store.getState().library.files).toHaveLength(2);
  link.playback.restart();
  await until(() => link.app.store.getState().library.files.length === 1 && link.state().mode === "paused");
  expect(link.app.store.getState().attached?.file).toBe(LINK_DISK_NAME);
  link.playback.setSpeed(Infinity);
  link.playback.play();
  await until(() => link.state().done === 1 && link.state().mode === "paused");
  link.playback.play();
  await until(() => link.engine.count() === 3 && link.state().done === 1 && link.state().mode === "paused");
  await frames();
  expect(link.condition(2)).toBe(14);
});

test("whoever types in between goes first: playing pauses, and going to a line begins anew", async () => {
  const link = await opened(["zap 2M 4k", "zap 2M 4k", "zap 2M 4k"]);
  await link.app.console.run("zf 9M 1M");
  expect(link.state()).toMatchObject({ mode: "paused", diverged: true });
  await until(() => link.condition(9) === 14);
  link.playback.step();
  await until(() => link.state().done === 1);
  await frames();
  expect(link.condition(9)).toBe(14);
  link.playback.seek(2);
  await until(() => link.state().done === 2 && link.state().mode === "paused");
  expect(link.condition(9)).toBe(1);
});

test("a line that sleeps for days can be stopped, and what comes behind it in the same line does not happen", async () => {
  const link = await opened([`qemu-io -c 'sleep 99999999999' -c 'sleep 99999999999' -c 'zf 2M 1M' ${LINK_DISK_NAME}`, "zf 3M 1M"]);
  link.playback.setSpeed(2);
  await until(() => link.state().running === 0 && link.app.store.getState().progress?.label === "Sleeping");
  await link.playback.stop();
  await until(() => link.state().running === null && link.app.store.getState().busy === null);
  expect(link.engine.count()).toBe(1);
  expect(link.state()).toMatchObject({ mode: "paused", done: 1 });
  await frames();
  expect(link.state().results.get(0)).toMatchObject({ how: "stopped" });
  expect(link.condition(2)).toBe(1);
  link.playback.step();
  await until(() => link.state().done === 2);
  await until(() => link.condition(3) === 14);
});

test("an engine that hears nothing is ended, and the disk made again up to the line before", async () => {
  const link = await opened(["zf 2M 1M", "flush", "zf 4M 1M"], { autoplay: false });
  link.playback.seek(1);
  await until(() => link.state().done === 1 && link.state().mode === "paused");
  link.engine.deaf.add("flush");
  link.playback.step();
  await until(() => link.state().running === 1);
  await link.playback.stop();
  expect(link.engine.count()).toBe(2);
  await until(() => link.state().done === 2 && link.state().mode === "paused");
  expect(link.state().results.get(1)).toMatchObject({ how: "stopped" });
  await until(() => link.condition(2) === 14);
  link.playback.step();
  await until(() => link.state().done === 3 && link.condition(4) === 14);
});

test("sleeps take their time in playing, and none in going somewhere", async () => {
  const link = await opened(["sleep 60000", "zf 2M 1M"], { autoplay: false });
  link.playback.seek(2);
  await until(() => link.state().done === 2);
});

test("ten thousand lines play at full speed and can be left in the middle", async () => {
  const link = await opened(Array<string>(10_000).fill("zap 2M 512"), { autoplay: false });
  link.playback.setSpeed(Infinity);
  link.playback.play();
  await until(() => link.state().done > 50);
  link.dispose();
  expect(link.engine.disposed()).toBe(true);
  // What was shown follows what ran by a frame.
  await frames();
  const { done } = link.state();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(link.state().done).toBe(done);
  expect(link.state().done).toBeLessThan(10_000);
});

test("what it remembers is not the person's: no last image is kept", async () => {
  await opened(["zf 2M 1M"], { autoplay: false });
  expect(window.localStorage.getItem("zonescope.last-image")).toBeNull();
});
