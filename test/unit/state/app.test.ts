/** The page's actions over the real engine and a library in memory: what a person does, and what the page then knows. */
import { beforeEach, expect, test } from "vitest";
import { Condition } from "../../../src/base/conditions.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { formatBytes } from "../../../src/state/units.ts";
import type { ConsoleBlock } from "../../../src/state/console-log.ts";
import { frames, started, stubWindow } from "./app-fixture.ts";

beforeEach(stubWindow);

const text = (blocks: readonly ConsoleBlock[]): string => blocks.flatMap((block) => block.lines.map((line) => line.text)).join("\n");

test("the first visit finds a small zoned disk", async () => {
  const app = await started();
  const { attached, library, banners, selected } = app.store.getState();
  expect(attached?.file).toBe("welcome.qcow2");
  expect(attached?.zones?.count).toBe(12);
  expect(attached?.zones?.countOf(Condition.NOT_WP)).toBe(2);
  expect(selected).toBe(2);
  expect(library.files.map((file) => file.name)).toEqual(["welcome.qcow2"]);
  expect(banners.map((banner) => banner.kind)).toEqual(["memory"]);
});

test("a second visit attaches the image last used, and makes none", async () => {
  const files = new MemoryFiles();
  const first = await started(files);
  await first.console.run("qemu-img create -f qcow2 other.qcow2 1M");
  expect(first.store.getState().attached?.file).toBe("other.qcow2");
  const attachedBefore = first.store.getState().attached!;
  await first.library.rename("other.qcow2", "renamed.qcow2");
  expect(first.store.getState().attached?.file).toBe("renamed.qcow2");
  expect(attachedBefore.zones).toBeNull();
  await first.device.attach("welcome.qcow2");
  await first.library.remove("welcome.qcow2");
  expect(first.store.getState().attached?.file).toBe("renamed.qcow2");
});

test("what a dialog asked for answers that dialog: another one stays, and who has left is told beside it", async () => {
  const app = await started();
  await app.console.run("qemu-img create -f qcow2 other.qcow2 1M");
  app.page.openDialog({ kind: "rename", file: "other.qcow2" });
  const renamed = app.library.rename("other.qcow2", "third.qcow2");
  app.page.openDialog({ kind: "help" });
  await renamed;
  expect(app.store.getState()).toMatchObject({ dialog: { kind: "help" }, attached: { file: "third.qcow2" } });
  app.page.openDialog({ kind: "rename", file: "third.qcow2" });
  const refused = app.library.rename("third.qcow2", "welcome.qcow2");
  app.page.closeDialog();
  await refused;
  expect(app.store.getState().dialogFailure).toBeNull();
  expect(app.store.getState().banners.at(-1)).toMatchObject({ kind: "failure", about: "third.qcow2", text: { title: "The name is taken" } });
  app.page.openDialog({ kind: "delete", file: "third.qcow2" });
  await app.library.remove("third.qcow2");
  expect(app.store.getState()).toMatchObject({ dialog: null, attached: { file: "welcome.qcow2" } });
});

test("of several images that cannot be deleted each is named with its reason, and the others are gone", async () => {
  const files = new MemoryFiles();
  const app = await started(files);
  for (const name of ["a", "b", "c"]) await app.console.run(`qemu-img create -f qcow2 ${name}.qcow2 1M`);
  await app.device.attach("welcome.qcow2");
  const held = await Promise.all(["a.qcow2", "c.qcow2"].map((name) => files.open(name, "read")));
  expect(held.map(({ ok }) => ok)).toEqual([true, true]);
  app.page.openDialog({ kind: "storage" });
  await app.library.removeAll(["a.qcow2", "b.qcow2", "c.qcow2"]);
  const { dialog, dialogFailure, library, banners } = app.store.getState();
  expect(dialog).toEqual({ kind: "storage" });
  expect(banners.filter(({ kind }) => kind === "failure")).toEqual([]);
  expect(library.files.map(({ name }) => name)).toEqual(["a.qcow2", "c.qcow2", "welcome.qcow2"]);
  expect(dialogFailure?.title).toBe("2 images could not be deleted");
  expect(dialogFailure?.why).toBe("a.qcow2 is open elsewhere. c.qcow2 is open elsewhere.");
  expect(dialogFailure?.instead).toBe("Close it there, or take it over.");
});

test("a zone button is a console line, and the page follows within a frame", async () => {
  const app = await started();
  await app.zones.perform({ operation: "append", zone: 2, offset: null, lengthBytes: 4096, pattern: 0x11 });
  const { attached, zoneResult, resources } = app.store.getState();
  expect(attached?.zones?.conditionOf(2)).toBe(Condition.IMPLICIT_OPEN);
  expect(zoneResult).toMatchObject({ ok: true, line: "zap -p 2M 4K", });
  expect(zoneResult?.headline(formatBytes)).toBe("Appended 4 KiB at 2 MiB: EMPTY → IMPLICIT_OPEN");
  expect(resources?.implicitOrder).toEqual([2]);
  await frames();
  expect(text(app.store.getState().console)).toContain("zap -p 2M 4K");
  await app.zones.perform({ operation: "read", zone: 2, offset: null, lengthBytes: 512, pattern: 0 });
  expect(app.store.getState().zoneResult).toMatchObject({ ok: true, preview: { offset: 2 * 2 ** 20 } });
  expect(app.store.getState().zoneResult?.headline(formatBytes)).toBe("Read 512 B: all bytes 0x11");
  expect(Array.from({ length: app.events.length }, (_, index) => app.events.at(index)?.type)).toContain("transition");
});

test("a refusal is told with its rule and its names, and changes nothing", async () => {
  const app = await started();
  await app.zones.perform({ operation: "write", zone: 3, offset: 3 * 2 ** 20 + 8192, lengthBytes: 4096, pattern: 1 });
  const { zoneResult, attached } = app.store.getState();
  expect(zoneResult).toMatchObject({ ok: false, refusal: { title: "Not at the write pointer", names: { errno: "EINVAL", virtio: "ZONE_UNALIGNED_WP" } } });
  expect(attached?.zones?.conditionOf(3)).toBe(Condition.EMPTY);
});

test("a power cycle closes what was open and keeps what was written", async () => {
  const app = await started();
  await app.console.run("write 2M 8K");
  await app.console.run("zo 3M 1M");
  await app.device.powerCycle();
  const zones = app.store.getState().attached?.zones;
  expect([zones?.conditionOf(2), zones?.conditionOf(3)]).toEqual([Condition.CLOSED, Condition.EMPTY]);
  expect(zones?.used(2)).toBe(8192);
});

test("a line that names the attached image gives it back afterwards", async () => {
  const app = await started();
  await app.console.run("write 2M 8K");
  const outcome = await app.console.run("qemu-img info welcome.qcow2");
  expect(outcome.out).toContain("virtual size: 12 MiB");
  const { attached } = app.store.getState();
  expect(attached?.file).toBe("welcome.qcow2");
  expect(attached?.zones?.conditionOf(2)).toBe(Condition.CLOSED);
});

test("an image that cannot be made leaves everything as it was, and says why", async () => {
  const app = await started();
  app.page.openDialog({ kind: "new" });
  const image = { name: "x.qcow2", size: "12M", zoned: true, zoneSize: "3M", zoneCapacity: "1M", conventionalZones: "0", maxOpenZones: "0", maxActiveZones: "0", maxAppend: "64K" };
  await app.library.create(image);
  expect(app.store.getState().dialogFailure?.why).toContain("zone_size");
  expect(app.store.getState().attached?.file).toBe("welcome.qcow2");
  await app.library.create({ ...image, zoneSize: "2M" });
  expect(app.store.getState()).toMatchObject({ dialog: null, attached: { file: "x.qcow2" } });
});

test("what is asked for at once is done in turn", async () => {
  const app = await started();
  await Promise.all([app.console.run("write 2M 4K"), app.console.run("write 2052K 4K"), app.device.powerCycle(), app.console.run("write 2056K 4K")]);
  await frames();
  expect(app.store.getState().attached?.zones?.used(2)).toBe(12288);
  expect(app.store.getState().busy).toBeNull();
});

test("duplicates take a free name, and the original stays attached", async () => {
  const app = await started();
  await app.library.duplicate("welcome.qcow2");
  const { library, attached } = app.store.getState();
  expect(library.files.map((file) => file.name).sort()).toEqual(["welcome-2.qcow2", "welcome.qcow2"]);
  expect(attached?.file).toBe("welcome.qcow2");
});
