/**
 * A Linux guest over the attached image: giving it the disk, its terminal's bytes, and the ways in which it ends. Loaded when a guest is
 * wanted first. Its requests of the disk do not pass here; what they did comes by the engine's notices. Functions ending in `Now` expect
 * to be inside a `serial` turn already.
 */
import { GuestMachine } from "../client/guest-machine.ts";
import { explainGuestProblem, explainGuestRefusal } from "../command/explain-guest.ts";
import type { Explanation } from "../command/explain.ts";
import { guestRefusal } from "../guest/block-config.ts";
import type { Failure, GuestDisk, GuestNotice } from "../protocol/index.ts";
import type { Core } from "./core.ts";
import { attachNow, displayName, NO_HANDLE, show } from "./device.ts";
import { textOf } from "./failure-text.ts";
import { NO_GUEST } from "./guest-state.ts";
import { createSessionActions } from "./guest-session.ts";
import type { SessionActions } from "./guest-session.ts";
import type { GuestState } from "./guest-state.ts";
import { Serial } from "./serial.ts";

export interface GuestWish {
  /** The image that is to be /dev/vda; null for the one that is attached. */
  readonly file?: string | null;
  /** The image that is to be /dev/vdb; null for none. */
  readonly second?: string | null;
  readonly memoryBytes?: number;
  /** Files of public/guest that are unpacked beside the initial file system. */
  readonly extras?: readonly string[];
}

export interface GuestActions {
  /** Gives Linux the disk and switches it on. @returns why not, or null */
  attach(wish: GuestWish): Promise<Explanation | null>;
  attachNow(wish: GuestWish): Promise<Explanation | null>;
  /** Has it power off in good order, within a time, and flushes its disks. @returns why there is nothing to detach, or null */
  detach(): Promise<Explanation | null>;
  detachNow(): Promise<Explanation | null>;
  /** Stops the machine at once; what no flush made durable is gone. */
  cutPower(): Promise<void>;
  /** The engine is gone with the disks: the machine goes too. */
  drop(): void;
  readonly serial: Serial;
  readonly session: SessionActions;
}

const MIB = 2 ** 20;
/** Enough for f2fs and zonefs. */
const USUAL_MEMORY = 64 * MIB;

/** How long a shell may take to power off: it syncs, unmounts, and kills what runs. */
const POWER_OFF_MS = 20_000;
/** ^C, for a command that runs and would get the line otherwise. */
const INTERRUPT = "\x03";

const isWritable = ({ facts }: GuestDisk): boolean => !facts.image.readOnly;
const writableOf = (disks: readonly GuestDisk[]): readonly number[] => disks.filter(isWritable).map(({ handle }) => handle);

const told = (title: string, why: string, instead: string | null = null): Explanation => ({ title, why, instead, names: null });

interface Running {
  readonly machine: GuestMachine;
  readonly disks: readonly GuestDisk[];
  /** Opened for the guest alone, and closed with it. */
  readonly own: readonly number[];
  readonly stopListening: () => void;
  readonly gone: Promise<void>;
  readonly tellGone: () => void;
}

export function createGuestActions(core: Core): GuestActions {
  let running: Running | null = null;
  /** Whoever detaches flushes too, unless the power is cut meanwhile. */
  let detaching = false;
  const serial = new Serial((bytes) => running?.machine.type(bytes));
  const now = (): GuestState => core.store.getState().guest;
  const set = (changes: Partial<GuestState>): void => core.set({ guest: { ...now(), ...changes } });

  /** The page lets go of a machine that is off or was ended. */
  const finishNow = (end: Pick<GuestState, "ended" | "failure">): void => {
    const ending = running;
    running = null;
    if (ending === null) return;
    ending.machine.cut();
    ending.stopListening();
    core.port.giveBack();
    serial.close();
    set({ ...NO_GUEST, ...end });
    // A button that was refused because Linux had the disk says so no more.
    core.set({ zoneResult: null });
    ending.tellGone();
  };

  /** Tells of a disk that could not be flushed, cut or closed. One that another tab took over was flushed and closed by that. */
  const tellOf = (about: string, failure: Failure): void => {
    if (failure.kind !== "usage" || failure.code !== "closed-handle") core.tell(about, failure);
  };

  // What ends a guest is asked of the engine at once, all of it: what the page asks for behind it finds the disks free.
  const closeOwn = async (own: readonly number[]): Promise<void> => {
    await Promise.all(own.map((handle) => core.perform("close", { handle }).then((closed) => closed.ok || tellOf("The second disk", closed.error))));
  };

  const flushAndClose = async ({ disks, own }: Running): Promise<void> => {
    const flushing = disks.filter(isWritable).map(({ handle, facts }) => core.perform("flush", { handle }).then((flushed) => flushed.ok || tellOf(displayName(facts.image.file), flushed.error)));
    await Promise.all([...flushing, closeOwn(own)]);
  };

  /** The machine ended by itself: what it had acknowledged is flushed. */
  const ended = (end: Pick<GuestState, "ended" | "failure">): void => {
    const ending = running;
    if (ending === null) return;
    finishNow(end);
    if (!detaching) void flushAndClose(ending);
  };

  const hear = (notice: GuestNotice): void => {
    switch (notice.notice) {
      case "loading":
        return set({ loadedBytes: notice.loadedBytes, totalBytes: notice.totalBytes });
      case "running":
        return set({ phase: "booting" });
      case "serial":
        return serial.heard(notice.bytes);
      case "off":
        return ended({ ended: "Linux powered off. Everything it wrote is on the disk.", failure: null });
      case "failed":
        return ended({ ended: null, failure: explainGuestProblem(notice.problem) });
    }
  };

  /** The image that is to be the first disk, attached; an explanation where it cannot be. */
  const firstDisk = async (file: string | null): Promise<GuestDisk | Explanation> => {
    if (file !== null && core.store.getState().attached?.file !== file) {
      const failure = await attachNow(core, file);
      if (failure !== null) return textOf(failure);
    }
    const { attached } = core.store.getState();
    if (attached === null || attached.handle === NO_HANDLE) return told("No image is attached", "Linux gets the image that the map shows, and there is none.", "Open an image, or make one.");
    const facts = await core.perform("facts", { handle: attached.handle });
    if (!facts.ok) return textOf(facts.error);
    const refusal = guestRefusal(facts.value);
    return refusal === null ? { handle: attached.handle, facts: facts.value } : explainGuestRefusal(refusal);
  };

  const secondDisk = async (file: string): Promise<GuestDisk | Explanation> => {
    if (file === core.store.getState().attached?.file) return told("One image cannot be both disks", `${displayName(file)} is /dev/vda already.`, "Choose another as the second.");
    const opened = await core.perform("open", { file, readOnly: false, format: null });
    if (!opened.ok) return textOf(opened.error);
    const { handle, facts } = opened.value;
    const refusal = guestRefusal(facts);
    if (refusal === null) return { handle, facts };
    await closeOwn([handle]);
    return explainGuestRefusal(refusal);
  };

  const attachLinuxNow = async ({ file = null, second = null, memoryBytes = USUAL_MEMORY, extras = [] }: GuestWish): Promise<Explanation | null> => {
    if (running !== null) return told("Linux is here already", `It has ${now().disks.map(displayName).join(" and ")}.`, 'Detach it first: "detach".');
    set(NO_GUEST);
    const fail = (failure: Explanation): Explanation => {
      set({ ...NO_GUEST, failure });
      return failure;
    };
    const first = await firstDisk(file);
    if ("why" in first) return fail(first);
    const other = second === null ? null : await secondDisk(second);
    if (other !== null && "why" in other) return fail(other);
    const disks = other === null ? [first] : [first, other];
    const own = other === null ? [] : [other.handle];
    const port = core.port.lend(disks.map(({ handle }) => handle));
    let machine: GuestMachine;
    try {
      machine = new GuestMachine({ disks, memoryBytes, extras }, port, hear);
    } catch {
      core.port.giveBack();
      await closeOwn(own);
      return fail(explainGuestProblem({ code: "browser", lacks: "workers" }));
    }
    const stopListening = core.port.onNotice((notice) => {
      if (notice.notice !== "taken-over" || !disks.some(({ handle }) => handle === notice.handle)) return;
      ended({ ended: null, failure: told("The disk went to another tab", `${displayName(notice.file)} was taken over there, and the machine was stopped. What Linux had written to its disks is there; what it still held in its memory is not.`) });
    });
    let tellGone = (): void => undefined;
    const gone = new Promise<void>((resolve) => (tellGone = resolve));
    running = { machine, disks, own, stopListening, gone, tellGone };
    const begun = performance.now();
    serial.open();
    set({ ...NO_GUEST, phase: "loading", disks: disks.map(({ facts }) => facts.image.file), writable: writableOf(disks) });
    // Only of a disk with zones a guest's calls are told.
    if (!first.facts.image.readOnly && first.facts.zoned === null) core.tape.miss("a Linux guest");
    void serial.atPrompt().then((there) => {
      if (there && running?.machine === machine) set({ phase: "up", bootMs: Math.round(performance.now() - begun) });
    });
    return null;
  };

  const NOTHING_RUNS = told("Linux is not here", "There is nothing to detach.", 'Attach it with "attach linux".');

  const detachLinuxNow = async (): Promise<Explanation | null> => {
    const ending = running;
    if (ending === null) return NOTHING_RUNS;
    const { phase } = now();
    if (phase === "up") {
      set({ phase: "detaching" });
      detaching = true;
      serial.type(`${INTERRUPT}\rsync; poweroff\r`);
      const late = await Promise.race([ending.gone.then(() => false), new Promise<boolean>((resolve) => window.setTimeout(() => resolve(true), POWER_OFF_MS))]);
      // The power was cut meanwhile: nothing is flushed any more.
      if (!detaching) return null;
      detaching = false;
      if (!late) {
        await flushAndClose(ending);
        return null;
      }
    }
    // One that did not boot, or does not listen, holds nothing that it could still be asked to write.
    const ended = phase === "up" ? `Linux did not power off within ${POWER_OFF_MS / 1000} seconds and was stopped. What it had written to the disk is there; what it still held in its memory is not.` : "Linux was stopped before it was up.";
    finishNow({ ended, failure: null });
    await flushAndClose(ending);
    return null;
  };

  return {
    attach: (wish) => core.serial("Attaching Linux", () => attachLinuxNow(wish)),
    attachNow: attachLinuxNow,
    detach: () => core.serial("Detaching Linux", detachLinuxNow),
    detachNow: detachLinuxNow,
    cutPower: async () => {
      const cut = running;
      if (cut === null) return;
      // Not in turn behind what the page does: a power cut waits for nobody, and for no power off that is under way.
      detaching = false;
      finishNow({ ended: "The power was cut. What neither Linux nor an idle moment had flushed is gone; attach it again and see what its file systems say.", failure: null });
      const cutting = cut.disks.map(async ({ handle, facts }) => {
        const after = await core.perform("powerCut", { handle });
        if (!after.ok) tellOf(displayName(facts.image.file), after.error);
        else if (core.store.getState().attached?.handle === handle) show(core, handle, facts.image.file, after.value, core.store.getState().attached?.snapshot ?? null);
      });
      await Promise.all([...cutting, closeOwn(cut.own)]);
    },
    drop: () => finishNow({ ended: null, failure: null }),
    serial,
    session: createSessionActions(core, serial, attachLinuxNow),
  };
}
