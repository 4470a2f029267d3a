/**
 * The crash lab of the page: which commands are run on a scratch copy, where the power fails, what of the writes on their way reached the
 * disk, and what is left. The attached image is never written by it; its calls go beside the order of the person's actions.
 */
import { runIoCommand } from "../command/io-commands.ts";
import { sessionOver } from "../command/io-session.ts";
import { scenarioFor } from "../command/crash-scenarios.ts";
import { parseScript } from "../command/profile-script.ts";
import { run } from "../command/program.ts";
import type { CallName, CrashOutcome, CrashRecord, CrashSource, Perform } from "../protocol/index.ts";
import type { StartedCall } from "../client/engine-client.ts";
import type { Core } from "./core.ts";
import { pendingAt } from "./crash-state.ts";
import type { CrashState } from "./crash-state.ts";
import { attachAndTellNow, displayName, NO_HANDLE } from "./device.ts";
import { textOf } from "./failure-text.ts";
import { freeName } from "./library.ts";
import { callLine } from "./scripts.ts";
import { play } from "./tape.ts";
import type { TapedCall } from "./tape.ts";
import { differencesOf } from "./tape-differences.ts";

export interface CrashActions {
  choose(changes: Partial<Pick<CrashState, "subject" | "lastCount" | "typed" | "mistake">>): void;
  /** Whether the attached image's commands are known from its making on. */
  canReplay(): boolean;
  /** Runs the commands on a scratch copy and records the flush behind them. */
  record(): Promise<void>;
  moveCut(cut: number): void;
  /** Whether a pending write reached the disk. */
  keep(record: number, reached: boolean): void;
  /** Cuts the power where the cut stands. */
  cutPower(): Promise<void>;
  /** Cuts it at a moment, and keeps writes, drawn from the next seed. */
  drawCut(): Promise<void>;
  /** Looks for a crash that breaks a promise. */
  search(): Promise<void>;
  cancel(): void;
  /** Puts the disk that is left into the library and attaches it. */
  openResult(): Promise<void>;
}

const TRIES = 1000;
const MOST_LAST = 1000;

export function createCrashActions(core: Core): CrashActions {
  const now = (): CrashState => core.store.getState().crash;
  const set = (changes: Partial<CrashState>): void => core.set({ crash: { ...now(), ...changes } });
  let underWay: Pick<StartedCall<CallName>, "cancel"> | null = null;
  let cancelled = false;

  const perform: Perform = async (name, request) => {
    const started = core.port.start(name, request);
    underWay = started;
    const stop = core.port.onNotice((notice) => {
      if (notice.notice === "progress" && notice.id === started.id) set({ fraction: notice.fraction });
    });
    const outcome = await started.outcome;
    stop();
    return outcome;
  };

  /** One thing at a time; its failure is a sentence. */
  const task = async (label: string, act: () => Promise<string | null>): Promise<void> => {
    if (now().running !== null) return;
    cancelled = false;
    set({ running: label, fraction: null, failure: null });
    const failure = await act();
    underWay = null;
    set({ running: null, fraction: null, failure: cancelled ? null : failure });
  };

  const attached = (): { handle: number; file: string } | null => {
    const { attached: image } = core.store.getState();
    return image === null || image.handle === NO_HANDLE ? null : image;
  };

  const canReplay = (): boolean => core.tape.complete && core.tape.created !== null && core.tape.entries.length > 0 && core.tape.file === attached()?.file;

  interface Work {
    readonly source: CrashSource;
    readonly file: string | null;
    readonly story: string;
    readonly before: readonly TapedCall[];
    readonly calls: readonly TapedCall[];
    readonly lines: readonly (readonly string[])[];
    readonly differences: readonly string[];
  }

  /** What is to be run; a sentence where it cannot be. */
  const workOf = ({ subject, lastCount, typed, mistake }: CrashState): Work | string => {
    const nothing = { before: [], calls: [], lines: [], story: "", differences: [] };
    const image = attached();
    if (subject === "last") {
      const { created } = core.tape;
      if (!canReplay() || created === null || image === null) return "The commands of this image are not all known here: it was made before this page was opened. Give commands, and a copy of it runs them.";
      const calls = core.tape.until(Infinity).map(({ call }) => call);
      const from = Math.max(0, calls.length - Math.min(lastCount, MOST_LAST));
      return { ...nothing, source: { options: created }, file: image.file, before: calls.slice(0, from), calls: calls.slice(from), differences: differencesOf(core.tape, Infinity) };
    }
    if (subject === "typed") {
      if (image === null) return "No image is attached that could be copied.";
      const script = parseScript("The list", typed);
      if (!script.ok) return `${script.error}.`;
      return { ...nothing, source: { file: image.file }, file: image.file, lines: script.value.map(({ argv }) => argv) };
    }
    const scenario = scenarioFor(mistake === "all" || mistake === "" ? [] : [mistake]);
    return { ...nothing, source: { options: scenario.options }, file: null, story: scenario.story, lines: scenario.commands.map((line) => line.split(" ")) };
  };

  const carryOut = async (handle: number, { before, calls, lines }: Work): Promise<string | null> => {
    for (const [index, call] of before.entries()) {
      if (cancelled) return null;
      await play(call, handle, perform);
      if (index % 100 === 0) set({ fraction: index / before.length });
    }
    if (before.length > 0) await perform("flush", { handle });
    for (const call of calls) await play(call, handle, perform);
    for (const argv of [...lines, ["flush"]]) {
      let said = "";
      const done = await run(runIoCommand(sessionOver(handle, "", () => 0), argv), perform, (text, stream) => (said += stream === "explain" ? "" : text));
      if (!done) return `"${argv.join(" ")}" failed: ${said.trim()}.`;
    }
    return null;
  };

  const record = (): Promise<void> =>
    task("Recording a flush", async () => {
      const state = now();
      const work = workOf(state);
      if (typeof work === "string") return work;
      const mistakes = state.mistake === "all" ? (state.run?.rules ?? []).map(({ mistake }) => mistake) : state.mistake === "" ? [] : [state.mistake];
      const begun = await perform("crashBegin", { source: work.source, mistakes });
      if (!begun.ok) return textOf(begun.error).why;
      const { handle, facts } = begun.value;
      const failure = await carryOut(handle, work);
      const recorded = failure === null ? await perform("crashRecord", { handle }) : null;
      if (recorded === null || !recorded.ok || recorded.value.records.length === 0 || cancelled) {
        await perform("close", { handle });
        return failure ?? (recorded !== null && !recorded.ok ? textOf(recorded.error).why : "These commands left nothing to flush.");
      }
      const old = now().run;
      if (old !== null) await perform("close", { handle: old.handle });
      const commands = [...work.calls.map(callLine), ...work.lines.map((argv) => argv.join(" "))];
      const { records } = recorded.value;
      set({
        run: { ...recorded.value, handle, file: work.file === null ? null : displayName(work.file), story: work.story, commands, differences: work.differences, zoneSize: facts.zoned?.geometry.zoneSize ?? null },
        ...standing(records, Math.min(records.length, firstStop(records))),
      });
      return null;
    });

  const standing = (records: readonly CrashRecord[], cut: number): Partial<CrashState> => ({ cut, kept: now().kept.filter(({ record: index }) => pendingAt(records, cut).some((each) => each.record === index)), outcome: null, tried: null, saved: null });

  const showOutcome = (outcome: CrashOutcome, tried: number | null): void => set({ outcome, cut: outcome.cut, kept: outcome.kept, tried, saved: null });

  return {
    choose: (changes) => set(changes),
    canReplay,
    record,
    moveCut: (cut) => {
      const { run: recorded } = now();
      if (recorded !== null) set(standing(recorded.records, Math.max(0, Math.min(recorded.records.length, cut))));
    },
    keep: (index, reached) => {
      const others = now().kept.filter(({ record: each }) => each !== index);
      const kept = reached ? [...others, { record: index, sectors: null }].sort((a, b) => a.record - b.record) : others;
      set({ kept, outcome: null, tried: null, saved: null });
    },
    cutPower: () =>
      task("Cutting the power", async () => {
        const { run: recorded, cut, kept } = now();
        if (recorded === null) return null;
        const outcome = await perform("crashCut", { handle: recorded.handle, cut, kept, seed: 0 });
        if (!outcome.ok) return textOf(outcome.error).why;
        showOutcome(outcome.value, null);
        return null;
      }),
    drawCut: () =>
      task("Cutting the power", async () => {
        const { run: recorded, seed } = now();
        if (recorded === null) return null;
        const outcome = await perform("crashCut", { handle: recorded.handle, cut: null, kept: null, seed: seed + 1 });
        if (!outcome.ok) return textOf(outcome.error).why;
        set({ seed: seed + 1 });
        showOutcome(outcome.value, null);
        return null;
      }),
    search: () =>
      task("Looking for a crash that breaks a promise", async () => {
        const { run: recorded } = now();
        if (recorded === null) return null;
        const searched = await perform("crashSearch", { handle: recorded.handle, seed: 1, tries: TRIES });
        if (!searched.ok) return textOf(searched.error).why;
        const { found, tried } = searched.value;
        if (found === null) set({ outcome: null, tried, saved: null });
        else showOutcome(found, tried);
        return null;
      }),
    cancel: () => {
      cancelled = true;
      underWay?.cancel();
    },
    openResult: () =>
      task("Opening the result", async () => {
        const { run: recorded, outcome } = now();
        if (recorded === null || outcome === null) return null;
        const stem = (recorded.file ?? "small-disk").replace(/\.qcow2$/, "").replace(/-after-crash(-\d+)?$/, "");
        const to = freeName(`${stem}-after-crash.qcow2`, core.store.getState().library.files.map(({ name }) => name));
        const saved = await perform("crashSave", { handle: recorded.handle, to, cut: outcome.cut, kept: outcome.kept });
        if (!saved.ok) return textOf(saved.error).why;
        await core.refreshLibrary();
        await core.serial("Opening", () => attachAndTellNow(core, to));
        set({ saved: to });
        return null;
      }),
  };
}

/** Where the cut stands at first: behind the first barrier's writes, where most is on its way. */
const firstStop = (records: readonly CrashRecord[]): number => {
  const barrier = records.findIndex(({ type }) => type === "barrier");
  return barrier < 0 ? records.length : barrier;
};
