/**
 * A guest over the page's actions and the real engine, with a machine that a test plays: what it has, what nobody else may do meanwhile,
 * and every way in which it ends.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import type { CallName, GuestCallName, GuestNotice, GuestParts, GuestReplyMessage, Outcome, RequestOf } from "../../../src/protocol/index.ts";
import { flushOnPageHide } from "../../../src/state/app.ts";
import type { App } from "../../../src/state/app.ts";
import { warnWhileGuestRuns } from "../../../src/state/unload.ts";
import type { EnginePort } from "../../../src/state/core.ts";
import { closeWindow, frames, started, stubWindow } from "./app-fixture.ts";

/** What a machine is to the page: its end of the port is the guest's hands. */
class PlayedMachine {
  static all: PlayedMachine[] = [];
  readonly parts: GuestParts;
  readonly say: (notice: GuestNotice) => void;
  readonly typed: string[] = [];
  /** What it does when something is typed. */
  onTyped: (text: string) => void = () => undefined;
  wasCut = false;
  private readonly port: MessagePort;
  private readonly waiting = new Map<number, (outcome: Outcome<GuestCallName>) => void>();

  constructor(parts: GuestParts, port: MessagePort, listen: (notice: GuestNotice) => void) {
    this.parts = parts;
    this.port = port;
    this.say = (notice) => {
      if (!this.wasCut) listen(notice);
    };
    port.onmessage = ({ data }: MessageEvent<GuestReplyMessage>) => this.waiting.get(data.id)?.(data.outcome);
    PlayedMachine.all.push(this);
  }

  type(bytes: Uint8Array): void {
    const text = new TextDecoder().decode(bytes);
    this.typed.push(text);
    this.onTyped(text);
  }

  cut(): void {
    this.wasCut = true;
    this.port.close();
  }

  /** A call of a disk of the guest; the answer never comes once it is cut. */
  ask<Name extends GuestCallName>(name: Name, disk: number, request: Omit<RequestOf<Name>, "handle">): Promise<Outcome<Name>> {
    const id = this.waiting.size + 1;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.port.postMessage({ id, name, request: { ...request, handle: this.parts.disks[disk]?.handle ?? 0 } });
    });
  }

  write(disk: number, offset: number, text: string): Promise<Outcome<"write">> {
    const data = new Uint8Array(4096);
    data.set(new TextEncoder().encode(text));
    return this.ask("write", disk, { offset, length: data.length, pattern: 0, data });
  }

  /** It has a prompt. */
  boot(): void {
    this.say({ notice: "running" });
    this.say({ notice: "serial", bytes: new TextEncoder().encode("zoned:~# ") });
  }
}

vi.mock("../../../src/client/guest-machine.ts", () => ({
  get GuestMachine() {
    return PlayedMachine;
  },
}));

let app: App;
let engine: Engine;
beforeEach(async () => {
  stubWindow();
  PlayedMachine.all = [];
  app = await started(new MemoryFiles(), (made) => (engine = made));
  for (const name of ["b", "a"]) await run(`qemu-img create -f qcow2 ${name}.qcow2 -o size=8M,zone_size=1M,zone_model=1,max_append_sectors=128`);
});
afterEach(async () => {
  // What waits for a frame has it.
  await frames();
  closeWindow();
});

const state = () => app.store.getState();
const run = (line: string) => app.console.run(line);
const machine = (): PlayedMachine => PlayedMachine.all.at(-1) ?? expect.fail("no machine was started");
const failures = () => state().banners.filter(({ kind }) => kind === "failure" || kind === "flush-failed");
/** What the first bytes of an image are, and where its first zone's pointer stands, as another user of its file sees them. */
async function seen(file: string): Promise<{ text: string; pointer: number }> {
  const opened = await engine.perform("open", { file, readOnly: true, format: null });
  if (!opened.ok) return expect.fail(`${file}: ${JSON.stringify(opened.error)}`);
  const { handle } = opened.value;
  const read = await engine.perform("read", { handle, offset: 0, length: 512, pattern: null, wantData: true });
  const zones = await engine.perform("report", { handle, offset: 0, count: 1 });
  await engine.perform("close", { handle });
  if (!read.ok || !zones.ok) return expect.fail("it cannot be read");
  return { text: new TextDecoder().decode(read.value.data ?? undefined).replaceAll("\0", ""), pointer: zones.value[0]?.writePointer ?? -1 };
}
async function attach(line = "attach linux a.qcow2 b.qcow2"): Promise<PlayedMachine> {
  const { status, err } = await run(line);
  expect(status, err).toBe(0);
  machine().boot();
  await frames();
  expect(state().guest.phase).toBe("up");
  return machine();
}
/** It powers off when it is told to. */
const obeys = (guest: PlayedMachine): void => {
  guest.onTyped = (text) => {
    if (text.includes("poweroff")) setTimeout(() => guest.say({ notice: "off" }), 1);
  };
};

describe("two disks", () => {
  test("are the images in their order, each written by its own requests, and both are flushed and free after a detach", async () => {
    const guest = await attach();
    expect(state().guest.disks).toEqual(["a.qcow2", "b.qcow2"]);
    expect(guest.parts.disks.map(({ facts }) => facts.image.file)).toEqual(["a.qcow2", "b.qcow2"]);
    expect(await guest.write(0, 0, "first")).toMatchObject({ ok: true });
    expect(await guest.write(1, 0, "second")).toMatchObject({ ok: true });
    await frames();
    expect(state().attached?.zones?.writePointer[0]).toBe(4096);
    obeys(guest);
    expect(await run("detach")).toMatchObject({ status: 0 });
    expect(engine.hasUnflushed).toBe(false);
    await app.device.attach("welcome.qcow2");
    expect(await seen("a.qcow2")).toEqual({ text: "first", pointer: 4096 });
    expect(await seen("b.qcow2")).toEqual({ text: "second", pointer: 4096 });
    expect(failures()).toEqual([]);
  });

  test("are refused to everybody else, with the reason, and the look is not", async () => {
    await attach();
    for (const line of ["write 0 4k", "zo 0 1M", "zrs 0 1M", "zone_append 0 4k", "aio_write 0 4k", "truncate 4M"]) {
      expect((await run(line)).failure, line).toMatchObject({ kind: "usage", code: "lent" });
    }
    for (const line of ["zrp 0 1", "read 0 4k", "info", "map"]) expect(await run(line), line).toMatchObject({ status: 0 });
    for (const line of ["qemu-img check a.qcow2", "qemu-img resize a.qcow2 16M", "qemu-io -c 'write 0 4k' a.qcow2", "qemu-img create -f qcow2 d.qcow2 1M"]) {
      expect(await run(line), line).toMatchObject({ status: 1, err: expect.stringContaining("Linux has the attached image") as string });
    }
    for (const line of ["qemu-img check b.qcow2", "qemu-img snapshot -c s b.qcow2", "qemu-io -c 'write 0 4k' b.qcow2", "qemu-img convert -O qcow2 welcome.qcow2 b.qcow2", "dialect b.qcow2 qemu"]) {
      expect(await run(line), line).toMatchObject({ status: 1, err: expect.stringContaining("Linux has b.qcow2 as its second disk") as string });
    }
    expect(await run("qemu-img check welcome.qcow2")).toMatchObject({ status: 0 });
    for (const file of ["a.qcow2", "b.qcow2"]) {
      app.page.openDialog({ kind: "delete", file });
      await app.library.remove(file);
      expect(state().dialogFailure).toMatchObject({ title: "Linux has the image" });
      app.page.openDialog({ kind: "rename", file });
      await app.library.rename(file, "x.qcow2");
      expect(state().dialogFailure).toMatchObject({ title: "Linux has the image" });
    }
    app.page.closeDialog();
    expect(state().library.files.map(({ name }) => name).sort()).toEqual(["a.qcow2", "b.qcow2", "welcome.qcow2"]);
    await app.device.powerCycle();
    expect(failures().at(-1)).toMatchObject({ text: { title: "Linux has the image" } });
    expect(state().guest.phase).toBe("up");
  });

  test("cannot be one image", async () => {
    const { status, err } = await run("attach linux a.qcow2 a.qcow2");
    expect(status).toBe(1);
    expect(err).toContain("cannot be both disks");
    expect(PlayedMachine.all).toEqual([]);
    expect(state().guest).toMatchObject({ phase: "off", disks: [] });
  });

  test("of which the second would not be taken: neither is, and the second is let go", async () => {
    await run("qemu-img create -f qcow2 small.qcow2 -o size=1M,zone_size=4M,zone_model=1,max_append_sectors=128");
    await run("qemu-img create -f qcow2 mute.qcow2 -o size=8M,zone_size=1M,zone_model=1,max_append_sectors=0");
    for (const [file, why] of [["small.qcow2", "smaller than one zone"], ["mute.qcow2", "without zone append"]] as const) {
      const { status, err } = await run(`attach linux a.qcow2 ${file}`);
      expect(status).toBe(1);
      expect(err).toContain(why);
      expect(state().guest).toMatchObject({ phase: "off", disks: [] });
      expect((await run(`attach linux ${file}`)).err).toContain(why);
      await app.device.attach("a.qcow2");
      expect((await seen(file)).pointer).toBe(0);
    }
    expect(PlayedMachine.all).toEqual([]);
    expect(await run("write 0 4k")).toMatchObject({ status: 0 });
  });
});

describe("an end", () => {
  test("by another tab's take-over of either disk stops the machine with words, and nothing that was written is lost", async () => {
    for (const [index, file] of ["a.qcow2", "b.qcow2"].entries()) {
      const guest = await attach();
      await guest.ask("manage", index, { operation: "reset", offset: 0, length: 2 ** 20 });
      await guest.write(index, 0, `of ${file}`);
      expect(await engine.letGo(file, Infinity)).toBe(true);
      await frames();
      expect(guest.wasCut).toBe(true);
      expect(state().guest).toMatchObject({ phase: "off", disks: [], failure: { title: "The disk went to another tab", why: expect.stringContaining(file) as string } });
      expect(await seen(file)).toEqual({ text: `of ${file}`, pointer: 4096 });
      expect(failures()).toEqual([]);
    }
  });

  test("by a power cut drops what no flush made durable, of both disks, while Linux powers off too", async () => {
    for (const powersOff of [false, true]) {
      const guest = await attach();
      for (const disk of [0, 1]) {
        await guest.ask("manage", disk, { operation: "reset", offset: 0, length: 2 ** 20 });
        await guest.write(disk, 0, "kept");
        expect(await guest.ask("flush", disk, {})).toMatchObject({ ok: true });
        await guest.write(disk, 4096, "lost");
      }
      const detached = powersOff ? run("detach") : null;
      if (powersOff) await vi.waitFor(() => expect(state().guest.phase).toBe("detaching"));
      // What waits for its turn meanwhile comes behind the cut.
      const later = powersOff ? run("write -P 0x77 4k 4k") : null;
      await (await app.guest()).cutPower();
      await detached;
      expect(state().guest).toMatchObject({ phase: "off", ended: expect.stringContaining("The power was cut") as string });
      if (later !== null) expect(await later).toMatchObject({ status: 0 });
      await frames();
      expect(state().attached?.zones?.writePointer[0]).toBe(powersOff ? 8192 : 4096);
      expect(await seen("b.qcow2")).toEqual({ text: "kept", pointer: 4096 });
      expect(failures()).toEqual([]);
    }
  });

  test("in the midst of a flush leaves what a flush leaves, and the image is the page's", async () => {
    const guest = await attach();
    await guest.write(0, 0, "flushed");
    void guest.ask("flush", 0, {});
    await (await app.guest()).cutPower();
    expect([0, 4096]).toContain(state().attached?.zones?.writePointer[0]);
    const pointer = state().attached?.zones?.writePointer[0] ?? 0;
    expect(await run(`write ${pointer} 4k`)).toMatchObject({ status: 0 });
    expect(await run("qemu-img check a.qcow2")).toMatchObject({ status: 0 });
  });

  test("with requests under way leaves each of them done or not done, and both images sound", async () => {
    for (const end of ["detach", "off", "cut"] as const) {
      const guest = await attach();
      for (const disk of [0, 1]) await guest.ask("manage", disk, { operation: "reset", offset: 0, length: 2 ** 20 });
      for (let count = 0; count < 20; count++) for (const disk of [0, 1]) void guest.write(disk, count * 4096, `block ${count}`);
      obeys(guest);
      if (end === "detach") await run("detach");
      else if (end === "cut") await (await app.guest()).cutPower();
      else guest.say({ notice: "off" });
      expect(await run("zrp 0 1")).toMatchObject({ status: 0 });
      expect(state().guest.phase).toBe("off");
      const { pointer } = await seen("b.qcow2");
      expect(pointer % 4096).toBe(0);
      for (const file of ["a.qcow2", "b.qcow2"]) expect(await run(`qemu-img check ${file}`), file).toMatchObject({ status: 0 });
      expect(await run(`write ${state().attached?.zones?.writePointer[0] ?? 0} 4k`)).toMatchObject({ status: 0 });
      expect(failures()).toEqual([]);
    }
  });

  test("of the machine by itself is told, and what it had written is flushed and free", async () => {
    const guest = await attach();
    await guest.write(1, 0, "written");
    guest.say({ notice: "failed", problem: { code: "machine", detail: "out of memory" } });
    await run("zrp 0 1");
    expect(state().guest).toMatchObject({ phase: "off", failure: { title: "The machine stopped" } });
    expect(await seen("b.qcow2")).toEqual({ text: "written", pointer: 4096 });
  });

  test("before it is up needs no power off; another guest can come", async () => {
    expect(await run("attach linux a.qcow2 b.qcow2")).toMatchObject({ status: 0 });
    const early = machine();
    early.say({ notice: "running" });
    expect(await run("detach")).toMatchObject({ status: 0 });
    expect(early).toMatchObject({ wasCut: true, typed: [] });
    await attach();
    expect(PlayedMachine.all.length).toBe(2);
  });
});

test("a page that goes flushes both disks of a guest, and without one the attached image alone", async () => {
  const hide: (() => void)[] = [];
  Object.assign(window, { addEventListener: (name: string, listener: () => void) => name === "pagehide" && hide.push(listener) });
  let asked: unknown[] = [];
  const outcome: Promise<Outcome<CallName>> = new Promise(() => undefined);
  const port = { start: (name: CallName, request: unknown) => (asked.push([name, request]), { id: 0, outcome, cancel: () => undefined }) };
  flushOnPageHide(app, port as unknown as EnginePort);
  const goes = (): unknown[] => {
    asked = [];
    for (const listener of hide) listener();
    return asked;
  };
  const guest = await attach();
  expect(goes()).toEqual(guest.parts.disks.map(({ handle }) => ["flush", { handle }]));
  obeys(guest);
  await run("detach");
  expect(goes()).toEqual([["flush", { handle: state().attached?.handle }]]);
});

test("what a button was refused while Linux had the disk is not said behind its end", async () => {
  const guest = await attach("attach linux");
  await app.zones.perform({ operation: "append", zone: 1, offset: null, lengthBytes: 4096, pattern: 1 });
  expect(state().zoneResult).toMatchObject({ ok: false, refusal: { title: "Linux has the image" } });
  obeys(guest);
  await run("detach");
  expect(state().zoneResult).toBe(null);
});

test("leaving the page is asked about while a guest runs, and at no other time", async () => {
  const listening = new Set<unknown>();
  Object.assign(window, {
    addEventListener: (name: string, listener: unknown) => listening.add(`${name}`) && listening.add(listener),
    removeEventListener: (name: string, listener: unknown) => listening.delete(listener) && listening.delete(name),
  });
  const stop = warnWhileGuestRuns(app);
  expect(listening).not.toContain("beforeunload");
  const guest = await attach("attach linux");
  expect(listening).toContain("beforeunload");
  obeys(guest);
  await run("detach");
  expect(listening).not.toContain("beforeunload");
  await attach("attach linux");
  stop();
  expect(listening).not.toContain("beforeunload");
});
