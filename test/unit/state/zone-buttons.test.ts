/** The zone panel's Write, Append and Read at the edges of a zone: they act on the zone that is selected, or are refused by it. */
import { beforeEach, expect, test } from "vitest";
import { Condition } from "../../../src/base/conditions.ts";
import type { App } from "../../../src/state/app.ts";
import { isInZone } from "../../../src/state/zones.ts";
import { frames, started, stubWindow } from "./app-fixture.ts";

beforeEach(stubWindow);

const MIB = 2 ** 20;

type Operation = "append" | "write" | "read";
async function press(app: App, operation: Operation, zone: number, lengthBytes = 4096) {
  await app.zones.perform({ operation, zone, offset: null, lengthBytes, pattern: 0xcd });
  await frames();
  return app.store.getState().zoneResult!;
}

/** An image with these options, attached. */
async function withImage(options: string): Promise<App> {
  const app = await started();
  await app.console.run(`qemu-img create -f qcow2 edges.qcow2 -o zone_model=1,${options}`);
  expect(app.store.getState().attached?.file).toBe("edges.qcow2");
  return app;
}

const conditions = (app: App): number[] => [...app.store.getState().attached!.zones!.condition];

test.each(["zone_capacity=1M", "zone_capacity=768K"])("a write or append without an offset to a finished zone is refused as full, and no other zone is touched: %s", async (capacity) => {
  const app = await withImage(`size=4M,zone_size=1M,${capacity}`);
  for (const zone of [1, 3]) {
    await app.console.run(`zf ${zone}M 1M`);
    await frames();
    const before = conditions(app);
    for (const operation of ["write", "append"] as const) {
      const result = await press(app, operation, zone);
      expect(result).toMatchObject({ zone, ok: false, refusal: { title: "The zone is full" } });
      expect(result.refusal?.why).toContain(`Zone ${zone} is FULL`);
    }
    expect(conditions(app)).toEqual(before);
  }
});

test.each(["zone_capacity=1M", "zone_capacity=768K"])("a zone that writes have filled refuses the next one the same: %s", async (capacity) => {
  const app = await withImage(`size=4M,zone_size=1M,${capacity}`);
  const bytes = app.store.getState().attached!.zones!.capacity(1);
  expect(await press(app, "write", 1, bytes)).toMatchObject({ ok: true });
  expect(conditions(app)).toEqual([Condition.EMPTY, Condition.FULL, Condition.EMPTY, Condition.EMPTY]);
  for (const operation of ["write", "append"] as const) expect(await press(app, operation, 1)).toMatchObject({ ok: false, refusal: { title: "The zone is full" } });
  expect(conditions(app)).toEqual([Condition.EMPTY, Condition.FULL, Condition.EMPTY, Condition.EMPTY]);
});

test("what would reach beyond the capacity is refused whole, and so is what a short last zone has no room for", async () => {
  const app = await withImage("size=3328K,zone_size=1M,zone_capacity=768K");
  expect(await press(app, "write", 0, 768 * 1024 + 512)).toMatchObject({ ok: false, refusal: { title: "Beyond the zone's capacity" } });
  expect(await press(app, "write", 3, 256 * 1024 + 512)).toMatchObject({ ok: false });
  expect(await press(app, "read", 3, 256 * 1024 + 512)).toMatchObject({ ok: false });
  expect(await press(app, "read", 3, 256 * 1024)).toMatchObject({ ok: true, line: "read 3M 256K" });
  expect(conditions(app)).toEqual([Condition.EMPTY, Condition.EMPTY, Condition.EMPTY, Condition.EMPTY]);
  expect(await press(app, "write", 3, 256 * 1024)).toMatchObject({ ok: true, line: "write -P 0xcd 3M 256K" });
  expect(conditions(app)[3]).toBe(Condition.FULL);
  expect(await press(app, "write", 3)).toMatchObject({ ok: false, refusal: { title: "The zone is full" } });
});

test("a conventional zone is written and read at its start, and takes no append", async () => {
  const app = await withImage("size=4M,zone_size=1M,nr_conv_zones=2");
  expect(await press(app, "write", 1)).toMatchObject({ ok: true, line: "write -P 0xcd 1M 4K" });
  expect(await press(app, "read", 1)).toMatchObject({ ok: true, line: "read 1M 4K" });
  expect(await press(app, "append", 1)).toMatchObject({ ok: false });
});

test("which offsets are a zone's own", async () => {
  const app = await withImage("size=3328K,zone_size=1M,zone_capacity=768K");
  const zones = app.store.getState().attached!.zones!;
  expect([MIB - 1, MIB, 2 * MIB - 1, 2 * MIB].map((offset) => isInZone(zones, 1, offset))).toEqual([false, true, true, false]);
  expect([3 * MIB, 3328 * 1024 - 1, 3328 * 1024].map((offset) => isInZone(zones, 3, offset))).toEqual([true, true, false]);
});
