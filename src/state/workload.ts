/**
 * The workload that the tab runs: turn by turn beside the order of the person's actions, so that a click or a line comes between two
 * turns, at the pace that is chosen.
 */
import { endWords } from "../command/workload-text.ts";
import { BoundedRows, WorkloadSeries } from "../command/workload-series.ts";
import { parseJob } from "../command/workload-words.ts";
import type { WorkloadReport } from "../protocol/index.ts";
import type { Core } from "./core.ts";
import { applyNotices, NO_HANDLE } from "./device.ts";
import { textOf } from "./failure-text.ts";
import { wordsOf } from "./workload-state.ts";
import { fillsOf } from "./zone-fills.ts";
import type { PointerRow, Speed, WorkloadForm, WorkloadState } from "./workload-state.ts";

export interface WorkloadActions {
  setForm(form: WorkloadForm): void;
  setSpeed(speed: Speed): void;
  start(): Promise<void>;
  pause(): void;
  resume(): void;
  /** One request of a job that waits. */
  step(): Promise<void>;
  stop(): Promise<void>;
}

/** A little less than a frame: what is typed or clicked meanwhile waits no longer. */
const TURN_MS = 10;
/** As the words of a storm. */
const WORDS_EVERY_MS = 250;
/** A kill loses at most this much of a job's writes. */
const FLUSH_EVERY_MS = 1000;
const ANY_NUMBER = Number.MAX_SAFE_INTEGER;
/** Requests of one turn at a pace: after a pause of the browser the rest is let go. */
const MOST_BEHIND = 1000;
/** Between two rows of the plots: a rate over less is mostly chance. */
const ROW_MS = 100;
/** More zones than this have the mean of a band of them each. */
const MOST_BANDS = 64;
/** More zones than this are not looked at in every row. */
const MOST_ZONES = 65_536;

interface Running {
  readonly workload: number;
  readonly handle: number;
  readonly series: WorkloadSeries;
  readonly pointers: BoundedRows<PointerRow>;
  readonly firstZone: number;
  readonly endZone: number;
  readonly zonesPerBand: number;
  readonly writes: boolean;
  report: WorkloadReport;
  toldAt: number;
  flushedAt: number;
  /** Since when the pace counts, and what was made since. */
  paceAt: number;
  made: number;
  afterPause: boolean;
  turning: boolean;
  /** Turns end; what the last of them did is told with the pause. */
  pausing: boolean;
  readonly policy: string;
  readonly skew: number;
}

export function createWorkloadActions(core: Core): WorkloadActions {
  const now = (): WorkloadState => core.store.getState().workload;
  const patch = (state: Partial<WorkloadState>): void => core.set({ workload: { ...now(), ...state } });
  let run: Running | null = null;

  const show = (running: Running, state: Partial<WorkloadState> = {}): void => {
    running.toldAt = performance.now();
    patch({ report: running.report, rows: running.series.rows, pointers: running.pointers.rows, firstZone: running.firstZone, endZone: running.endZone, zonesPerBand: running.zonesPerBand, version: now().version + 1, ...state });
  };

  const sample = (running: Running): void => {
    const { report } = running;
    running.series.add(report);
    const zones = core.store.getState().attached?.zones ?? null;
    if (zones === null || running.endZone === running.firstZone) return;
    const last = report.end !== null;
    if (!running.pointers.takes(report.elapsedMs, last)) return;
    // The columns are those of the report, not of the last frame.
    applyNotices(core);
    running.pointers.push({ elapsedMs: report.elapsedMs, ...fillsOf(zones, running.firstZone, Math.min(running.endZone, zones.count), running.zonesPerBand) }, last);
  };

  const end = (running: Running, problem: string | null): void => {
    if (run === running) run = null;
    const { store } = running.report;
    const reached = store !== null && store.cleanings > 0;
    const points = reached ? [...now().points, { policy: running.policy, skew: running.skew, spare: 1 - store.utilisation, amplification: store.writeAmplification }].slice(-24) : now().points;
    show(running, { status: "ended", problem, points });
    void core.port.start("endWorkload", { workload: running.workload });
  };

  /** One turn. @returns milliseconds until the next has something to do; null when the job is over */
  const turn = async (running: Running, requests: number): Promise<number | null> => {
    const { afterPause, workload } = running;
    running.afterPause = false;
    const outcome = await core.port.start("workloadTurn", { workload, requests, turnMs: TURN_MS, afterPause }).outcome;
    if (run !== running) return null;
    if (!outcome.ok) {
      const { title, why } = textOf(outcome.error);
      end(running, `${title}. ${why}`);
      return null;
    }
    running.report = outcome.value.report;
    sample(running);
    if (running.report.end !== null) {
      const { end: reason } = running.report;
      end(running, reason === "done" || reason === "runtime" ? null : `It ended: ${endWords(reason)}.`);
      return null;
    }
    const time = performance.now();
    if (running.writes && time - running.flushedAt >= FLUSH_EVERY_MS) {
      running.flushedAt = time;
      void core.port.start("flush", { handle: running.handle });
    }
    if (time - running.toldAt >= WORDS_EVERY_MS) show(running);
    return outcome.value.waitMs;
  };

  const wait = (ms: number): Promise<void> => new Promise((resolve) => window.setTimeout(resolve, ms));

  /** Turn after turn while it runs. */
  const go = async (running: Running): Promise<void> => {
    if (running.turning) return;
    running.turning = true;
    while (run === running && !running.pausing) {
      const { speed } = now();
      let requests = ANY_NUMBER;
      if (speed !== null) {
        const due = Math.floor(((performance.now() - running.paceAt) * speed) / 1000) + 1 - running.made;
        if (due <= 0) {
          // What the last turn did is seen before the wait.
          if (running.series.rows.length > 0 && performance.now() - running.toldAt >= WORDS_EVERY_MS) show(running);
          await wait(Math.min(1000 / speed, 100));
          continue;
        }
        requests = Math.min(due, MOST_BEHIND);
        running.made += due;
      }
      const waitMs = await turn(running, requests);
      if (waitMs === null) break;
      if (waitMs > 0) await wait(Math.min(waitMs, 100));
    }
    running.turning = false;
    if (run === running) show(running, { status: "paused" });
  };

  const begin = (running: Running): void => {
    running.paceAt = performance.now();
    running.made = 0;
    void go(running);
  };

  return {
    setForm: (form) => patch({ form, problem: null }),
    setSpeed: (speed) => {
      patch({ speed });
      if (run === null) return;
      run.paceAt = performance.now();
      run.made = 0;
    },
    start: async () => {
      const words = wordsOf(now().form);
      const parsed = parseJob(words);
      if (!parsed.ok) return patch({ problem: `${parsed.error}.` });
      const { attached } = core.store.getState();
      if (attached === null || attached.handle === NO_HANDLE) return patch({ problem: "No image is attached." });
      core.set({ moment: null, past: null });
      const { job } = parsed.value;
      const { handle } = attached;
      const started = await core.perform("startWorkload", { handle, job });
      if (!started.ok) {
        const { title, why } = textOf(started.error);
        return patch({ problem: `${title}. ${why}` });
      }
      if (run !== null) end(run, null);
      const { workload, report, firstZone, endZone } = started.value;
      const count = endZone - firstZone;
      const shown = attached.zones !== null && count <= MOST_ZONES;
      const running: Running = {
        workload, handle, report, firstZone, endZone: shown ? endZone : firstZone, zonesPerBand: Math.max(1, Math.ceil(count / MOST_BANDS)),
        series: new WorkloadSeries(ROW_MS), pointers: new BoundedRows<PointerRow>(ROW_MS),
        writes: job.rw !== "read" && job.rw !== "randread",
        toldAt: 0, flushedAt: performance.now(), paceAt: performance.now(), made: 0, afterPause: false, turning: false, pausing: false,
        policy: job.store.policy, skew: job.store.skew,
      };
      run = running;
      sample(running);
      show(running, { status: "running", words: words.join(" "), problem: null });
      begin(running);
    },
    pause: () => {
      if (run !== null) run.pausing = true;
    },
    resume: () => {
      if (run === null || now().status !== "paused") return;
      run.pausing = false;
      patch({ status: "running" });
      run.afterPause = true;
      begin(run);
    },
    step: async () => {
      if (run === null || now().status !== "paused" || run.turning) return;
      const running = run;
      running.afterPause = true;
      if ((await turn(running, 1)) !== null) show(running);
    },
    stop: async () => {
      if (run === null) return;
      const running = run;
      const ended = await core.port.start("endWorkload", { workload: running.workload }).outcome;
      if (run !== running) return;
      run = null;
      if (ended.ok) running.report = ended.value.report;
      sample(running);
      show(running, { status: "ended", problem: null });
    },
  };
}
