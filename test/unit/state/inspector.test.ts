/** The inspector's actions over the real engine: what is looked into, one selection both ways, a file that changes, and a repair of a copy. */
import { beforeEach, expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import { frames, started, stubWindow } from "./app-fixture.ts";

beforeEach(stubWindow);

async function looked() {
  const app = await started();
  await app.console.run("write -P 0x5a 2M 128k");
  await frames();
  app.inspector.show("Header");
  await app.inspector.lookInto("welcome.qcow2");
  return { app, now: () => app.store.getState().inspector };
}

test("a zone leads to its byte, and the byte back to the zone, which the map selects", async () => {
  const { app, now } = await looked();
  expect(now().inspection?.identity.container).toBe("qcow2");
  await app.inspector.goTo({ zone: 2 });
  const { hostOffset, guest, l2 } = now().place!;
  expect(guest?.offset).toBe(2 * 2 ** 20);
  expect(hostOffset).not.toBeNull();
  app.device.select(5);
  await app.inspector.goTo({ hostOffset: hostOffset! }, "Tables");
  expect([now().place?.zone?.zone, app.store.getState().selected, now().tab]).toEqual([2, 2, "Tables"]);
  await app.inspector.goTo({ hostOffset: l2!.entryOffset });
  expect([now().place?.guest?.offset, app.store.getState().selected]).toEqual([guest?.offset, 2]);
});

test("a place turns to its tab, unless another was turned to while it was asked for", async () => {
  const { app, now } = await looked();
  const turning = app.inspector.goTo({ hostOffset: 20 }, "Hex");
  app.inspector.show("Header");
  await turning;
  expect([now().tab, now().place?.hostOffset]).toEqual(["Header", 20]);
  await app.inspector.goTo({ hostOffset: 20 }, "Hex");
  expect(now().tab).toBe("Hex");
});

test("an answer about a zone does not take back a selection that came meanwhile", async () => {
  const app = await started();
  await app.inspector.lookInto("welcome.qcow2");
  app.device.select(3);
  const answered = app.inspector.followZone(3);
  app.device.select(4);
  await answered;
  expect(app.store.getState().selected).toBe(4);
  await app.inspector.followZone(4);
  expect(app.store.getState()).toMatchObject({ selected: 4, inspector: { place: { zone: { zone: 4 } } } });
});

test("a save that begins while the file is looked at anew is made: what it reads by is ended behind it", async () => {
  const order: string[] = [];
  const app = await started(new MemoryFiles(), (engine) => {
    const perform = engine.performAs.bind(engine) as (...call: unknown[]) => Promise<unknown>;
    engine.performAs = (async (...call: unknown[]) => {
      if (call[0] === "endInspection") order.push("ended");
      const outcome = await perform(...call);
      if (call[0] === "saveAs") order.push("made");
      return outcome;
    }) as typeof engine.performAs;
  });
  await app.inspector.lookInto("welcome.qcow2");
  await Promise.all([app.inspector.refresh(), app.save.make({ format: "raw" })]);
  expect(app.store.getState().inspector.save).toMatchObject({ running: false, failure: null, value: { bytes: 12 * 2 ** 20 } });
  expect(order).toEqual(["made", "ended"]);
});

/** An app whose engine's calls are noted when they are done; `held` keeps an answer back. */
async function noted(held: (name: unknown) => Promise<void> | undefined) {
  const done: string[] = [];
  const app = await started(new MemoryFiles(), (engine) => {
    const perform = engine.performAs.bind(engine) as (...call: unknown[]) => Promise<unknown>;
    engine.performAs = (async (...call: unknown[]) => {
      const outcome = await perform(...call);
      done.push(String(call[0]));
      await held(call[0]);
      return outcome;
    }) as typeof engine.performAs;
  });
  await app.console.run("qemu-img convert -O qcow2 welcome.qcow2 other.qcow2");
  await app.inspector.lookInto("welcome.qcow2");
  return { app, now: () => app.store.getState().inspector, timesDone: (name: string) => done.filter((other) => other === name).length };
}

/** A gate that stands shut until it is opened. */
function gate(): { passed: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

test("what comes of work over one file is not shown for another that is looked into meanwhile; a save keeps its name", async () => {
  const shut = gate();
  const { app, now } = await noted((name) => (name === "layout" || name === "saveAs" ? shut.passed : undefined));
  const [reading, saving] = [app.inspector.computeLayout(), app.save.make({ format: "raw" })];
  await app.inspector.lookInto("other.qcow2");
  expect(now()).toMatchObject({ file: "other.qcow2", layout: { running: false, value: null }, save: { running: true } });
  shut.open();
  await Promise.all([reading, saving]);
  expect(now()).toMatchObject({ layout: { running: false, value: null, failure: null }, save: { running: false, value: { name: "welcome.raw" } } });
});

test("why a save failed is not said beside another file: it goes with the look into its own, and is told by that one's name", async () => {
  const shut = gate();
  const { app, now } = await noted((name) => (name === "saveAs" ? shut.passed : undefined));
  const tooFar = { format: "range", view: "host", offset: 2 ** 30, lengthBytes: 512 } as const;
  const saving = app.save.make(tooFar);
  await app.inspector.lookInto("other.qcow2");
  shut.open();
  await saving;
  expect(now()).toMatchObject({ file: "other.qcow2", save: { running: false, failure: null } });
  expect(app.store.getState().banners).toContainEqual(expect.objectContaining({ kind: "failure", about: "welcome.qcow2" }));

  await app.save.make(tooFar);
  expect(now().save.failure).not.toBeNull();
  await app.inspector.lookInto("welcome.qcow2");
  expect(now()).toMatchObject({ file: "welcome.qcow2", save: { running: false, value: null, failure: null } });
});

test("a layout that was left for another file does not end the one that is begun on coming back", async () => {
  const gates = [gate(), gate()] as const;
  let begun = 0;
  const { app, now } = await noted((name) => (name === "layout" ? gates[begun++]?.passed : undefined));
  const left = app.inspector.computeLayout();
  await app.inspector.lookInto("other.qcow2");
  await app.inspector.lookInto("welcome.qcow2");
  const again = app.inspector.computeLayout();
  gates[0].open();
  await left;
  expect(now().layout).toMatchObject({ running: true, value: null });
  gates[1].open();
  await again;
  expect(now()).toMatchObject({ file: "welcome.qcow2", layout: { running: false, failure: null } });
  expect(now().layout.value).not.toBeNull();
});

test("a layout of a file that is read anew meanwhile is done once more, of what the file is now", async () => {
  const shut = gate();
  const { app, now, timesDone } = await noted((name) => (name === "layout" ? shut.passed : undefined));
  const reading = app.inspector.computeLayout();
  const id = now().inspection!.id;
  await app.inspector.refresh();
  expect(now().inspection!.id).not.toBe(id);
  shut.open();
  await reading;
  expect(timesDone("layout")).toBe(2);
  expect(now().layout).toMatchObject({ running: false, failure: null });
  expect(now().layout.value).not.toBeNull();
});

test("a file that changes while it is looked into is looked into once more, and no oftener", async () => {
  const { app, timesDone } = await noted(() => undefined);
  const before = timesDone("inspect");
  await Promise.all([app.inspector.refresh(), app.inspector.refresh(), app.inspector.refresh()]);
  expect(timesDone("inspect") - before).toBe(2);
});

test("looking into an image that owes no flush tells of none: looking is no event", async () => {
  const { app } = await looked();
  await frames();
  const before = app.events.total;
  await app.inspector.refresh();
  await app.inspector.goTo({ zone: 2 });
  await app.inspector.computeLayout();
  await frames();
  expect(app.events.total).toBe(before);
  await app.console.run("write -P 0x5b 3M 4k");
  await app.inspector.goTo({ zone: 3 });
  expect(app.store.getState().inspector.place?.hostOffset).not.toBeNull();
});

test("another image that is attached is the one that is looked into; nothing of the old one stays", async () => {
  const { app, now } = await looked();
  await app.inspector.computeLayout();
  expect(now().layout.value?.counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(4);
  await app.console.run("qemu-img create -f qcow2 other.qcow2 1M");
  await app.device.attach("other.qcow2");
  expect([now().file, now().inspection, now().layout.value, now().place]).toEqual(["other.qcow2", null, null, null]);
});

test("a check is of the file, and a repaired copy stands beside it", async () => {
  const { app, now } = await looked();
  await app.inspectorWork.check();
  expect([now().check.value?.corruptions, now().check.value?.zoned?.hiddenBytes]).toEqual([0, 0]);
  await app.inspectorWork.repairCopy();
  expect(now().repair.failure).toBeNull();
  expect(now().repair.value?.copy).toBe("welcome-repaired.qcow2");
  const { library, attached } = app.store.getState();
  expect(library.files.map(({ name }) => name).sort()).toEqual(["welcome-repaired.qcow2", "welcome.qcow2"]);
  expect(attached?.file).toBe("welcome.qcow2");
});

test("an image without a refcount table, which nothing attaches, is checked; what would change is listed, and the copy is attached", async () => {
  const files = new MemoryFiles();
  await engineFixture(files).ok("create", { file: "broken.qcow2", options: createOptions() });
  const opened = await files.open("broken.qcow2", "write");
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  opened.value.write(56, new Uint8Array(4));
  opened.value.close();
  const app = await started(files);
  const now = () => app.store.getState().inspector;
  await app.inspector.lookInto("broken.qcow2");
  expect(now().inspection?.header).toMatchObject({ problem: { field: "refcount_table_clusters" }, isForCheck: true });
  await app.inspectorWork.check();
  expect(now().check.failure).toBeNull();
  expect(now().check.value?.corruptions).toBeGreaterThan(0);
  await app.inspector.planRepair();
  expect(now().plan.failure).toBeNull();
  expect(now().plan.value?.changes[0]?.structure).toBe("header");
  await app.inspectorWork.repairCopy();
  expect(now().repair).toMatchObject({ failure: null, value: { copy: "broken-repaired.qcow2", report: { after: { corruptions: 0, leaks: 0, checkErrors: 0 } } } });
  expect(now().inspection?.header?.problem?.field).toBe("refcount_table_clusters");
  await app.device.attach("broken-repaired.qcow2");
  expect(app.store.getState().attached).toMatchObject({ file: "broken-repaired.qcow2", facts: { image: { readOnly: false } } });
});

test("two snapshots are compared, and one is viewed as the disk and left again", async () => {
  const app = await started();
  await app.console.run("qemu-img create -f qcow2 plain.qcow2 1M");
  await app.device.attach("plain.qcow2");
  await app.console.run("write -P 1 0 64k");
  await app.console.run("qemu-img snapshot -c one plain.qcow2");
  await app.console.run("write -P 2 0 64k");
  app.inspector.show("Snapshots");
  await app.inspectorWork.listSnapshots();
  const now = () => app.store.getState().inspector;
  const snapshot = now().snapshots.value![0]!;
  expect(snapshot.name).toBe("one");
  await app.inspectorWork.compareSnapshots(snapshot, null);
  expect(now().comparison).toMatchObject({ failure: null, value: "They differ, first at guest offset 0x0 (0)." });
  await app.inspectorWork.compareSnapshots(snapshot, snapshot);
  expect(now().comparison.value).toBe("They are the same, byte for byte.");
  await app.inspectorWork.viewSnapshot(snapshot);
  expect(app.store.getState().attached).toMatchObject({ snapshot: { name: "one" }, facts: { image: { readOnly: true } } });
  await app.inspectorWork.viewSnapshot(null);
  expect(app.store.getState().attached).toMatchObject({ snapshot: null, facts: { image: { readOnly: false } } });
});
