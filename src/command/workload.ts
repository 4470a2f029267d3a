/**
 * The program workload: a job in fio's words on an image, or on the attached one. The job is carried out turn by turn, so that it is
 * cancelled at once and shows how far it is; its time is real time on this machine.
 */
import type { JobSpec, WorkloadReport } from "../protocol/index.ts";
import { explain, explained, hasMoreToSay, openFailureWords } from "./explain.ts";
import { progressShown } from "./progress.ts";
import { call, callShown, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";
import { workloadJson, workloadLines } from "./workload-text.ts";
import { WorkloadSeries } from "./workload-series.ts";
import { JOB_WORDS, parseJob } from "./workload-words.ts";

/** What workload needs of where it runs. */
export interface WorkloadContext {
  /** The image that bare commands act on; absent in a shell. */
  readonly attached?: () => { readonly handle: number; readonly file: string } | null;
}

const row = (left: string, right: string): string => `  ${left.padEnd(36)} ${right}\n`;

export const WORKLOAD_USAGE: string =
  "Usage: workload [-p] [--output=human|json] [IMAGE] rw=KIND [WORD=VALUE]...\n" +
  "Does to an image, or to the attached one, what a job of fio would, and tells throughput, latency and what was refused.\n" +
  "A word may have two dashes in front, as fio's have.\n\n" +
  JOB_WORDS.map(({ name, value, says, without }) => row(`${name}=${value.length > 26 ? "KIND" : value}`, `${says} (${without})`)).join("") +
  `\nKinds: ${JOB_WORDS[0]!.value.replaceAll("|", ", ")}\n` +
  "Ends with 0 when the job ended as it was asked to, with 2 when a block was not what it should be, and with 1 otherwise.\n\n";

/** A turn is this long at most: what is typed or clicked meanwhile waits no longer. */
const TURN_MS = 100;
const LONGEST_SLEEP_MS = 100;
const ANY_NUMBER = Number.MAX_SAFE_INTEGER;

interface Given {
  readonly job: JobSpec;
  readonly file: string | null;
  readonly json: boolean;
  readonly progress: boolean;
}

/** Runs workload; argv is what follows its name. */
export function* workload(argv: readonly string[], context: WorkloadContext): Program {
  if (argv.length === 0 || argv.includes("--help") || argv.includes("-h")) {
    yield argv.length === 0 ? errorOut(WORKLOAD_USAGE) : out(WORKLOAD_USAGE);
    return argv.length === 0 ? 1 : 0;
  }
  const given = read(argv);
  if (typeof given === "string") return yield* fail(given);
  const attached = context.attached?.() ?? null;
  if (attached !== null && (given.file === null || given.file === attached.file)) return yield* perform(attached.handle, attached.file, given);
  if (given.file === null) return yield* fail("which image?");
  const readOnly = given.job.rw === "read" || given.job.rw === "randread";
  const opened = yield* call("open", { file: given.file, readOnly, format: null, mend: true });
  if (!opened.ok) {
    yield errorOut(`workload: ${openFailureWords(given.file, opened.error)}\n`);
    if (hasMoreToSay(opened.error)) yield explained(opened.error);
    return 1;
  }
  const { handle } = opened.value;
  const status = yield* perform(handle, given.file, given);
  const closed = yield* call("close", { handle });
  return closed.ok ? status : yield* fail(explain(closed.error).why);
}

function* fail(words: string): Program {
  yield errorOut(`workload: ${words}\n`);
  return 1;
}

function read(argv: readonly string[]): Given | string {
  const words: string[] = [];
  let file: string | null = null;
  let json = false;
  let progress = false;
  for (const word of argv) {
    if (word === "-p") progress = true;
    else if (word.startsWith("--output=")) {
      const format = word.slice("--output=".length);
      if (format !== "json" && format !== "human") return `--output is human or json, not '${format}'`;
      json = format === "json";
    } else if (word.startsWith("--") || (word.includes("=") && !word.startsWith("-"))) words.push(word);
    else if (word.startsWith("-") && word !== "-") return `there is no option '${word}'`;
    else if (file !== null) return `one image at a time: ${file}, or ${word}?`;
    else file = word;
  }
  const parsed = parseJob(words);
  if (!parsed.ok) return parsed.error;
  const { job, filename } = parsed.value;
  if (filename !== null && file !== null && filename !== file) return `one image at a time: ${file}, or ${filename}?`;
  return { job, file: file ?? filename, json, progress };
}

function* perform(handle: number, file: string, { job, json, progress }: Given): Program {
  const started = yield* call("startWorkload", { handle, job });
  if (!started.ok) {
    yield errorOut(`workload: ${explain(started.error).why}\n`);
    return 1;
  }
  const { workload: number } = started.value;
  const series = new WorkloadSeries();
  const shown = progressShown(progress);
  let { report } = started.value;
  series.add(report);
  yield out(shown.begin());
  for (let cancelled = false; report.end === null && !cancelled; ) {
    const turn = yield* callShown("workloadTurn", { workload: number, requests: ANY_NUMBER, turnMs: TURN_MS }, shown.shown);
    if (!turn.ok) {
      yield out(shown.end(false));
      yield errorOut(`workload: ${explain(turn.error).why}\n`);
      yield explained(turn.error);
      return 1;
    }
    ({ report } = turn.value);
    series.add(report);
    const { waitMs } = turn.value;
    if (waitMs > 0 && report.end === null) cancelled = (yield { step: "sleep", ms: Math.min(waitMs, LONGEST_SLEEP_MS) }) === "cancelled";
  }
  yield out(shown.end(report.end === "done" || report.end === "runtime"));
  // What was cancelled is told at once: the program's home may be about to end.
  const last: WorkloadReport = report.end === null ? { ...report, end: "stopped" } : report;
  yield out(json ? workloadJson(file, job, last, series) : workloadLines(file, job, last));
  if (last.firstRefusal !== null) yield explained(last.firstRefusal);
  yield* call("endWorkload", { workload: number });
  if (last.mismatches > 0) return 2;
  return last.end === "done" || last.end === "runtime" || (last.end === "full" && job.whenFull === "stop") ? 0 : 1;
}
