/** Zones that wear out while the page looks on: what can be done to them, what is told, and what a fork, a script and a link say. */
import { beforeEach, expect, test } from "vitest";
import { Condition } from "../../../src/base/conditions.ts";
import type { App } from "../../../src/state/app.ts";
import { textOf } from "../../../src/state/failure-text.ts";
import { ioScript } from "../../../src/state/scripts.ts";
import { frames, started, stubWindow } from "./app-fixture.ts";

beforeEach(stubWindow);

/** The first visit's disk with 8 KiB in zones 2 and 3, of which the one is read-only and the other offline. */
async function worn(): Promise<App> {
  const app = await started();
  for (const line of ["write -P 0x11 2M 8k", "write -P 0x22 3M 8k", "wear read-only 2M", "wear offline 3M"]) {
    const outcome = await app.console.run(line);
    expect(outcome.err).toBe("");
  }
  await frames();
  return app;
}

const condition = (app: App, zone: number): number => app.store.getState().attached!.zones!.conditionOf(zone);

test("a worn zone is neither open nor active, and keeps its pointer", async () => {
  const app = await worn();
  expect([condition(app, 2), condition(app, 3)]).toEqual([Condition.READ_ONLY, Condition.OFFLINE]);
  const { resources, attached } = app.store.getState();
  expect(resources).toMatchObject({ implicitOpen: 0, explicitOpen: 0, closed: 0 });
  expect(attached!.zones!.used(2)).toBe(8192);
  expect(attached!.zones!.countOf(Condition.OFFLINE)).toBe(1);
});

test("every command is refused with the condition's name; a read of the read-only one is not", async () => {
  const app = await worn();
  for (const zone of [2, 3]) {
    const steps = await app.zones.steps(zone);
    expect(steps?.map(({ refusal }) => refusal?.code)).toEqual(Array.from({ length: 5 }, () => "invalid-transition"));
    const write = steps!.find(({ operation }) => operation === "write")!.refusal!;
    expect(textOf(write).names?.nvme).toBe(zone === 2 ? "1BAh Zone Is Read Only" : "1BBh Zone Is Offline");
  }
  await app.console.run("read -P 0x11 2M 8k");
  await app.zones.perform({ operation: "read", zone: 2, offset: null, lengthBytes: 512, pattern: 0 });
  expect(app.store.getState().zoneResult).toMatchObject({ ok: true });
  await app.zones.perform({ operation: "read", zone: 3, offset: null, lengthBytes: 512, pattern: 0 });
  expect(app.store.getState().zoneResult).toMatchObject({ ok: false, refusal: { names: { nvme: "1BBh Zone Is Offline", scsi: "ZONE IS OFFLINE" } } });
  await app.zones.perform({ operation: "append", zone: 2, offset: null, lengthBytes: 512, pattern: 0 });
  expect(app.store.getState().zoneResult?.refusal?.why).toContain("Zone 2 is READ_ONLY");
});

test("offline is the end: not read-only again, and a read-only zone may still go offline", async () => {
  const app = await worn();
  expect((await app.console.run("wear read-only 3M")).err).toContain("stays as it is");
  expect((await app.console.run("wear offline 2M")).err).toBe("");
  expect((await app.console.run("wear offline 0")).err).toContain("stays as it is");
  await frames();
  expect([condition(app, 2), condition(app, 3), condition(app, 0)]).toEqual([Condition.OFFLINE, Condition.OFFLINE, Condition.NOT_WP]);
});

test("no image stores it: after a power cycle the pointer says what the zone is", async () => {
  const app = await worn();
  await app.device.powerCycle();
  expect([condition(app, 2), condition(app, 3)]).toEqual([Condition.CLOSED, Condition.CLOSED]);
  expect((await app.console.run("read -P 0x22 3M 8k")).out).toContain("read 8192/8192");
});

test("the past goes back over it, a fork repeats it, and a script says what qemu-io cannot do", async () => {
  const app = await worn();
  const events = Array.from({ length: app.events.length }, (_, index) => app.events.at(index)!);
  app.time.seek(events.findIndex((event) => event.type === "transition" && event.to === Condition.OFFLINE));
  expect(app.store.getState().past?.conditionOf(3)).toBe(Condition.IMPLICIT_OPEN);
  app.time.seek(null);
  expect(ioScript(app.tape.until(app.events.total), "x")).toContain("# wear offline 3M: a zone wore out");
  await app.time.fork();
  await frames();
  expect(app.store.getState().attached?.file).toBe("welcome-fork.qcow2");
  expect([condition(app, 2), condition(app, 3)]).toEqual([Condition.READ_ONLY, Condition.OFFLINE]);
});

test("a link of the zones as they are now leads to the same conditions", async () => {
  const app = await worn();
  const script = app.share.script("now");
  expect(script?.lines.filter((line) => line.startsWith("wear"))).toEqual(["wear read-only 2M", "wear offline 3M"]);
  const other = await started();
  for (const line of script!.lines) expect((await other.console.run(line)).err).toBe("");
  await frames();
  expect([condition(other, 2), condition(other, 3)]).toEqual([Condition.READ_ONLY, Condition.OFFLINE]);
});
