/**
 * A ready-made session of the guest: its disk is made, Linux is attached to it, and its lines are typed one after the other, each when the
 * shell waits for one, at a click or by themselves. The person may type in between; the session goes on from the next prompt.
 */
import type { Explanation } from "../command/explain.ts";
import { EXTRA_FILES, memoryMib, sessionNamed } from "../guest/sessions.ts";
import type { GuestSession } from "../guest/sessions.ts";
import type { CreateOptions, DeviceFacts } from "../protocol/index.ts";
import type { Core } from "./core.ts";
import { attachNow, isLent } from "./device.ts";
import { textOf } from "./failure-text.ts";
import type { GuestState, ShownSession } from "./guest-state.ts";
import type { GuestWish } from "./guest.ts";
import { freeName } from "./library.ts";
import type { Serial } from "./serial.ts";

export { SESSIONS, sessionNamed, sessionOfLesson } from "../guest/sessions.ts";

/** How long a line that is typed by itself can be read about before. */
const READING_MS = 2500;
const MIB = 2 ** 20;

export interface SessionActions {
  /**
   * Attaches Linux to the session's disk and begins.
   * @param disk a new one that is made for it, or the attached one, which has to be of the same geometry
   * @returns why not, or null
   */
  begin(name: string, playing: boolean, disk?: "own" | "attached"): Promise<Explanation | null>;
  /** Types the next line, once the shell waits. */
  next(): void;
  /** Whether the lines are typed by themselves. */
  play(playing: boolean): void;
  /** The terminal is the person's alone from now on. */
  end(): void;
}

export function createSessionActions(core: Core, serial: Serial, attachLinuxNow: (wish: GuestWish) => Promise<Explanation | null>): SessionActions {
  let session: GuestSession | null = null;
  /** Another for each session that was begun: what waits for an earlier one gives up. */
  let number = 0;
  let wake = (): void => undefined;
  const guest = (): GuestState => core.store.getState().guest;
  const set = (changes: Partial<ShownSession>): void => {
    const { session: shown } = guest();
    if (shown !== null) core.set({ guest: { ...guest(), session: { ...shown, ...changes } } });
  };

  const readyFor = (seconds: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = window.setTimeout(resolve, seconds);
      wake = () => {
        window.clearTimeout(timer);
        resolve();
      };
    });

  /** Waits until a line is asked for: at a click, or because the lines play. */
  const asked = async (mine: number): Promise<void> => {
    while (mine === number && !(guest().session?.playing ?? false)) {
      let stepped = false;
      await new Promise<void>((resolve) => {
        wake = () => {
          stepped = true;
          resolve();
        };
      });
      if (stepped && !(guest().session?.playing ?? false)) return;
    }
    if (mine === number) await readyFor(READING_MS);
  };

  const type = async (lines: GuestSession["lines"]): Promise<void> => {
    const mine = ++number;
    for (const [at, line] of lines.entries()) {
      if (!(await serial.atPrompt()) || mine !== number) break;
      set({ at, says: line.says, line: line.type, running: false });
      await asked(mine);
      if (mine !== number || !(await serial.atPrompt()) || mine !== number) break;
      set({ running: true });
      serial.type(`${line.type}\r`);
    }
    if (mine !== number || !(await serial.atPrompt()) || mine !== number) return;
    set({ at: lines.length, says: "That was the last line. The terminal is yours.", line: "", running: false, playing: false });
  };

  /** Makes the session's disk, and attaches it. */
  const ownDisk = async ({ name, disk }: GuestSession): Promise<Explanation | null> => {
    const file = freeName(`${name}.qcow2`, core.store.getState().library.files.map((known) => known.name));
    const made = await core.perform("create", { file, options: disk });
    if (!made.ok) return textOf(made.error);
    const failure = await attachNow(core, file);
    return failure === null ? null : textOf(failure);
  };

  /** Its lines name places, which only a disk of the same geometry has. */
  const attachedDisk = ({ disk, title }: GuestSession): Explanation | null => {
    const facts = core.store.getState().attached?.facts;
    if (facts !== undefined && fits(facts, disk)) return null;
    return { title: "Not a disk for this session", why: `The lines of "${title}" name places on a disk of another geometry.`, instead: "Play it on a disk of its own.", names: null };
  };

  const beginNow = async (name: string, playing: boolean, disk: "own" | "attached"): Promise<Explanation | null> => {
    const wanted = sessionNamed(name);
    if (wanted === undefined) return { title: "No such session", why: `There is no session named ${name}.`, instead: "Choose one from the list.", names: null };
    if (isLent(core)) return { title: "Linux is here already", why: "A session has a disk and a machine of its own.", instead: 'Detach it first: "detach".', names: null };
    const without = disk === "own" ? await ownDisk(wanted) : attachedDisk(wanted);
    if (without !== null) return without;
    const refused = await attachLinuxNow({ memoryBytes: memoryMib(wanted.extras) * MIB, extras: wanted.extras.map((extra) => EXTRA_FILES[extra]) });
    if (refused !== null) return refused;
    session = wanted;
    core.set({ guest: { ...guest(), session: { name, title: wanted.title, lines: wanted.lines.length, at: 0, says: wanted.summary, line: "", running: true, playing } } });
    void type(session.lines);
    return null;
  };

  return {
    begin: (name, playing, disk = "own") =>
      core.serial("Starting a session", async () => {
        const failure = await beginNow(name, playing, disk);
        if (failure !== null) core.set({ guest: { ...guest(), failure } });
        return failure;
      }),
    next: () => wake(),
    play: (playing) => {
      set({ playing });
      wake();
    },
    end: () => {
      number++;
      session = null;
      wake();
      core.set({ guest: { ...guest(), session: null } });
    },
  };
}

/** Whether a disk has the zones that another would be made with. */
function fits({ image, zoned }: DeviceFacts, { sizeBytes, zoned: wanted }: CreateOptions): boolean {
  if (zoned === null || wanted === null || image.virtualSize !== sizeBytes) return false;
  const { geometry } = zoned;
  return GEOMETRY.every((field) => geometry[field] === wanted[field]);
}

const GEOMETRY = ["zoneSize", "zoneCapacity", "conventionalZones", "maxOpenZones", "maxActiveZones", "maxAppendBytes"] as const;
