/**
 * The transport of a link: plays its script over the console that people type into, a command after the other and slow enough to be
 * followed; pauses, steps, begins anew, and goes to any command by playing from the start. Everything it does is a line of the
 * console, so that what is shown is what anybody would get who types the same.
 *
 * A line that fails does not stop it: refusals are what many scripts show. A line that takes too long can be stopped.
 */
import { createStore } from "zustand/vanilla";
import type { StoreApi } from "zustand/vanilla";
import { wordsOfLine } from "../command/console-words.ts";
import { LINK_DISK_LINE, isCommand } from "../share/index.ts";
import type { Link } from "../share/index.ts";
import { runLineNow } from "./console.ts";
import type { Core } from "./core.ts";
import { forgetNow, NO_HANDLE } from "./device.ts";
import { clearNow } from "./own-disk.ts";
import { eventsSince, resultOf, STOPPED } from "./row-result.ts";
import type { RowResult } from "./row-result.ts";
import { Waits } from "./waits.ts";

/** How many times faster than usual; Infinity for as fast as it goes. */
export const SPEEDS = [0.25, 0.5, 1, 2, 4, Infinity] as const;
export type Speed = (typeof SPEEDS)[number];

/** Between two commands at usual speed: long enough to see what one did before the next comes. */
const PACE_MS = 1100;
const BREATH_EVERY_MS = 12;
/** How long a line that is stopped has to end in good order before its worker is ended under it. */
const STOP_PATIENCE_MS = 1500;

export interface ScriptRow {
  readonly text: string;
  /** Its number among the commands, from 0; null for a comment or an empty line. */
  readonly command: number | null;
}


export interface PlaybackState {
  readonly mode: "paused" | "playing" | "seeking";
  /** Commands that have run. */
  readonly done: number;
  /** The row that runs now, or null. */
  readonly running: number | null;
  readonly speed: Speed;
  /** By row; replaced when one is added. */
  readonly results: ReadonlyMap<number, RowResult>;
  /** The person did something in between: the disk is not the script's alone any more. */
  readonly diverged: boolean;
}

export interface Playback {
  readonly store: StoreApi<PlaybackState>;
  readonly rows: readonly ScriptRow[];
  readonly commandCount: number;
  /** Prepares the disk and, unless the link waits for a click, plays. */
  start(): Promise<void>;
  /** Plays on, from the start when it was at the end. */
  play(): void;
  /** The command that runs comes to its end. */
  pause(): void;
  /** Runs the next command. */
  step(): void;
  /** Back to the start; goes on playing when it was. */
  restart(): void;
  /** To where so many commands have run, as fast as it goes. */
  seek(commands: number): void;
  setSpeed(speed: Speed): void;
  /** Ends the line that runs, the script's or a typed one. */
  stop(): Promise<void>;
  /** The person does something by hand. */
  personActs(): void;
  dispose(): void;
}

/** @param renew ends the engine with all its files, whatever it is at, and begins with an empty one */
export function createPlayback(core: Core, link: Link, renew: () => void): Playback {
  return new Player(core, link, renew);
}

class Player implements Playback {
  readonly store: StoreApi<PlaybackState>;
  readonly rows: readonly ScriptRow[];
  readonly commandCount: number;
  private readonly core: Core;
  private readonly link: Link;
  private readonly renew: () => void;
  /** The row of each command. */
  private readonly rowOf: readonly number[];
  private readonly pacing = new Waits();
  private state: PlaybackState = { mode: "paused", done: 0, running: null, speed: 1, results: new Map(), diverged: false };
  private results = new Map<number, RowResult>();
  /** Whoever plays or seeks has a number; another number means that somebody else took over. */
  private turn = 0;
  /** Counts how often the disk began anew: a line that began before belongs to a disk that is gone. */
  private disk = 0;
  private breathedAt = 0;
  /** Where playing stops once, as the link says. */
  private stopAt: number | null;

  constructor(core: Core, link: Link, renew: () => void) {
    this.core = core;
    this.link = link;
    this.renew = renew;
    let command = 0;
    this.rows = link.lines.map((text) => ({ text, command: isCommand(text) ? command++ : null }));
    this.rowOf = this.rows.flatMap((row, index) => (row.command === null ? [] : [index]));
    this.commandCount = command;
    this.stopAt = link.step;
    this.store = createStore<PlaybackState>()(() => this.state);
  }

  start(): Promise<void> {
    return this.core.serial("Starting", async () => {
      await this.core.refreshLibrary();
      await this.prepareNow();
      this.core.set({ ready: true });
      if (this.link.autoplay && this.stopAt !== 0) this.play();
    });
  }

  play(): void {
    if (this.state.mode === "playing" || this.commandCount === 0) return;
    if (this.stopAt !== null && this.state.done >= this.stopAt) this.stopAt = null;
    const again = this.state.done >= this.commandCount;
    void this.take("playing", async (mine) => {
      if (again) await this.reset();
      await this.playOn(mine);
    });
  }

  pause(): void {
    this.turn++;
    this.pacing.endAll();
    if (this.state.mode !== "paused") this.tell({ mode: "paused" });
  }

  step(): void {
    if (this.state.mode !== "paused") this.pause();
    this.core.waits.endAll();
    void this.runNext(Infinity);
  }

  restart(): void {
    const playing = this.state.mode === "playing";
    this.stopAt = this.link.step;
    void this.take(playing ? "playing" : "seeking", async (mine) => {
      await this.reset();
      if (playing) await this.playOn(mine);
    });
  }

  seek(commands: number): void {
    const target = Math.max(0, Math.min(this.commandCount, commands));
    void this.take("seeking", async (mine) => {
      if (target < this.state.done || this.state.diverged) await this.reset();
      else this.core.waits.endAll();
      await this.runTo(target, mine);
    });
  }

  setSpeed(speed: Speed): void {
    this.tell({ speed });
    this.pacing.endAll();
  }

  async stop(): Promise<void> {
    this.pause();
    if (this.core.store.getState().busy === null) return;
    const { core } = this;
    core.stopping = true;
    core.waits.endAll();
    core.underWay?.cancel();
    const ended = core.serial("Stopping", async () => {
      core.stopping = false;
    });
    const late = await Promise.race([ended.then(() => false), this.pacing.wait(STOP_PATIENCE_MS)]);
    if (!late) return;
    // The worker hears nothing: it is ended, and the disk made again up to the command before.
    const { done: target, running } = this.state;
    await this.take("seeking", async (mine) => {
      await this.reset();
      await this.runTo(target, mine);
      if (!mine() || running === null) return;
      this.results.set(running, STOPPED);
      this.tell({ done: target + 1 });
    });
  }

  personActs(): void {
    if (this.state.mode !== "paused") this.pause();
    if (!this.state.diverged) this.tell({ diverged: true });
  }

  dispose(): void {
    this.turn++;
    this.pacing.endAll();
    this.core.stopping = true;
    this.core.waits.endAll();
  }

  /** Does `task` in place of whatever was playing, until somebody else takes over. */
  private async take(mode: "playing" | "seeking", task: (mine: () => boolean) => Promise<void>): Promise<void> {
    const turn = ++this.turn;
    this.pacing.endAll();
    this.tell({ mode });
    await task(() => this.turn === turn);
    if (this.turn === turn) this.tell({ mode: "paused" });
  }

  /** As fast as it goes, until so many commands have run. */
  private async runTo(target: number, mine: () => boolean): Promise<void> {
    while (mine() && this.state.done < target) {
      await this.breathe();
      if (mine()) await this.runNext(Infinity);
    }
  }

  /** Lets clicks and pictures come between, however fast the engine answers. */
  private async breathe(): Promise<void> {
    const now = performance.now();
    if (now - this.breathedAt < BREATH_EVERY_MS) return;
    await new Promise((resolve) => window.setTimeout(resolve, 0));
    this.breathedAt = performance.now();
  }

  private async playOn(mine: () => boolean): Promise<void> {
    while (mine() && this.state.done < (this.stopAt ?? this.commandCount) && this.state.done < this.commandCount) {
      await this.pacing.wait(PACE_MS / this.state.speed);
      await this.breathe();
      if (mine()) await this.runNext(this.state.speed);
    }
    if (mine() && this.stopAt !== null) this.stopAt = null;
  }

  /** Runs the next command of the script when what was asked for before is done. @param pace of the sleeps in it */
  private runNext(pace: number): Promise<void> {
    return this.core.serial("Playing", async () => {
      const { core, disk } = this;
      const row = this.rowOf[this.state.done];
      if (row === undefined || core.stopping) return;
      this.tellSoon({ running: row });
      core.waits.pace = pace;
      const from = core.position();
      const outcome = await runLineNow(core, this.rows[row]!.text.trim());
      core.waits.pace = 1;
      if (disk !== this.disk) return;
      this.results.set(row, core.stopping ? STOPPED : resultOf(outcome, eventsSince(core, from)));
      this.tellSoon({ running: null, done: this.state.done + 1 });
    });
  }

  /** Begins with an empty disk, whatever is going on. */
  private async reset(): Promise<void> {
    const { core } = this;
    this.disk++;
    const { disk } = this;
    core.stopping = true;
    core.waits.endAll();
    this.renew();
    await core.serial("Starting", async () => {
      // Another reset came meanwhile, and does the rest.
      if (disk !== this.disk) return;
      core.stopping = false;
      this.results = new Map();
      this.tell({ done: 0, running: null, diverged: false });
      await clearNow(core);
      await this.prepareNow();
    });
  }

  /** The disk that the script finds: one of its own making, or the one that every link has. */
  private async prepareNow(): Promise<void> {
    const { core } = this;
    // A lesson makes its disk when it starts; in a frame there is none.
    if (this.commandCount === 0 && this.link.lessonText !== null && !this.link.embed) return forgetNow(core);
    if (!this.link.lines.some(makesDisk)) {
      core.log.write("The link makes no disk of its own, so it begins with this one:\n", "explain");
      await runLineNow(core, LINK_DISK_LINE);
    } else if (core.store.getState().attached?.handle === NO_HANDLE) forgetNow(core);
  }

  private tell(part: Partial<PlaybackState>): void {
    this.state = { ...this.state, ...part };
    this.publish();
  }

  /** As tell, with the next frame: at full speed many commands run in one. */
  private tellSoon(part: Partial<PlaybackState>): void {
    this.state = { ...this.state, ...part };
    this.core.frame.request(this.publish);
  }

  private readonly publish = (): void => {
    if (this.state.results.size !== this.results.size) this.state = { ...this.state, results: new Map(this.results) };
    this.store.setState(this.state);
  };
}

/** Whether a line makes a disk and attaches it. */
function makesDisk(line: string): boolean {
  const words = wordsOfLine(line);
  return words.ok && words.value[0] === "qemu-img" && words.value[1] === "create";
}
