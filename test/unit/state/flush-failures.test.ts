/** A strip about a flush that failed goes when a later one came off, whoever asked for it, and stays while none has. */
import { beforeEach, expect, test } from "vitest";
import { ok } from "../../../src/base/result.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import type { ByteStore } from "../../../src/bytes/byte-store.ts";
import type { OpenMode } from "../../../src/bytes/file-space.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import type { App } from "../../../src/state/app.ts";
import { FaultyStore } from "../../../src/testing/faulty-store.ts";
import { frames, started, stubWindow } from "./app-fixture.ts";

beforeEach(stubWindow);

/** Files that take no more room while they are told to. */
class FullFiles extends MemoryFiles {
  readonly stores: FaultyStore[] = [];

  override async open(name: string, mode: OpenMode) {
    const opened = await super.open(name, mode);
    if (!opened.ok) return opened;
    const store = new FaultyStore(opened.value);
    this.stores.push(store);
    return ok<ByteStore>(store);
  }

  setFull(full: boolean): void {
    for (const store of this.stores) store.quotaBytes = full ? 0 : Number.POSITIVE_INFINITY;
  }
}

const failed = (app: App): number => app.store.getState().banners.filter(({ kind }) => kind === "flush-failed").length;

/** An image of one kind with something written and a flush of it that failed for want of room. */
async function unflushed(create: string): Promise<{ app: App; engine: Engine; files: FullFiles }> {
  const files = new FullFiles();
  let engine: Engine | undefined;
  const app = await started(files, (made) => (engine = made));
  expect((await app.console.run(create)).status).toBe(0);
  expect((await app.console.run("write 0 64k")).status).toBe(0);
  files.setFull(true);
  await engine!.flushIdle();
  await frames();
  expect(failed(app)).toBe(1);
  return { app, engine: engine!, files };
}

const KINDS = [
  ["a zoned image", "qemu-img create -f qcow2 -o zone_model=1,zone_size=1M a.qcow2 8M"],
  ["an image without zones", "qemu-img create -f qcow2 a.qcow2 8M"],
] as const;

test.each(KINDS)("of %s: it stays while there is no room, and goes with the next call that comes off", async (_, create) => {
  const { app, files } = await unflushed(create);
  expect((await app.console.run("read 0 4k")).status).toBe(0);
  await frames();
  expect(failed(app)).toBe(1);
  files.setFull(false);
  expect((await app.console.run("read 0 4k")).status).toBe(0);
  await frames();
  expect(failed(app)).toBe(0);
  expect((await app.console.run("read 0 64k")).status).toBe(0);
});

test("of a zoned image: it goes when the device tells of a flush that the page did not ask for", async () => {
  const { app, engine, files } = await unflushed(KINDS[0][1]);
  files.setFull(false);
  await engine.flushIdle();
  await frames();
  expect(failed(app)).toBe(0);
});

test.each(["flush", "close"] as const)("it goes with a %s that the person asked for", async (way) => {
  const { app, files } = await unflushed(KINDS[1][1]);
  files.setFull(false);
  if (way === "flush") await app.console.run("flush");
  else await app.device.attach("welcome.qcow2");
  await frames();
  expect(failed(app)).toBe(0);
});

test("one that failed as the image was closed stays: there is nothing to flush any more", async () => {
  const { app, engine } = await unflushed(KINDS[1][1]);
  await engine.letGo("a.qcow2", Infinity);
  await frames();
  await app.console.run("qemu-img info welcome.qcow2");
  await frames();
  expect(failed(app)).toBe(1);
});
