/**
 * The console: runs one line after the other through the command language and shows what it says. Everything else that acts on
 * zones or makes an image does so by running a line here, so that the page never does what the console could not.
 */
import { completions, runConsoleLine } from "../command/console.ts";
import type { ConsoleHost } from "../command/console.ts";
import type { CallName, Failure, Outcome, Perform, RequestOf } from "../protocol/index.ts";
import type { Core } from "./core.ts";
import { attachAndTellNow, attachNow, detachNow, forgetNow, isDropped, NO_HANDLE, refreshNow } from "./device.ts";
import { GUEST_NOT_LOADED } from "./guest-state.ts";

/** How a line went, for whoever ran it from elsewhere than the prompt. */
export interface LineOutcome {
  /** What a shell would have as exit status. */
  readonly status: number;
  readonly out: string;
  readonly err: string;
  /** The first call that the engine refused while the line ran. */
  readonly failure: Failure | null;
  /** The last read's bytes and the last append's landing place, when asked to listen. */
  readonly read: { readonly offset: number; readonly data: Uint8Array } | null;
  readonly appendedAt: number | null;
}

/** What a line that is stopped may still do: give back what it holds. */
const LETTING_GO: ReadonlySet<CallName> = new Set<CallName>(["close", "endInspection"]);

/** From this on a wait is shown, with a way to end it. */
const SHOWN_WAIT_MS = 500;

/** The command sleep: shown when it lasts, and over at once when it is cancelled. */
async function sleepNow(core: Core, ms: number): Promise<void | "cancelled"> {
  if (core.stopping) return "cancelled";
  const label = "Sleeping";
  const whole = await core.waits.wait(ms, (fraction, wholeMs) => {
    if (wholeMs >= SHOWN_WAIT_MS) core.set({ progress: { label, fraction } });
  });
  if (core.store.getState().progress?.label === label) core.set({ progress: null });
  return whole ? undefined : "cancelled";
}

/** Lines that a comparison of profiles can go back over. */
const LINES_LIMIT = 2000;
/** The longest read of which the bytes are brought along for the zone panel. */
const PREVIEW_LIMIT = 64 * 1024;

export interface ConsoleActions {
  run(line: string): Promise<LineOutcome>;
  /** Whole lines that the text may become. */
  complete(text: string): readonly string[];
  clear(): void;
}

/**
 * Runs one line inside a `serial` turn, shown as if typed at the prompt.
 *
 * @param fill the byte that an append fills with; qemu-io's zone_append has no option for it and always takes 0xcd
 */
export async function runLineNow(core: Core, line: string, fill: number | null = null): Promise<LineOutcome> {
  const show = (): void => core.set({ console: core.log.current() });
  let out = "";
  let err = "";
  let failure: Failure | null = null;
  let read: LineOutcome["read"] = null;
  let appendedAt: number | null = null;
  /** What the line made and left, the newest last. */
  const made = new Set<string>();

  const perform: Perform = async <Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<Outcome<Name>> => {
    if (core.stopping && !LETTING_GO.has(name)) return { ok: false, error: { kind: "cancelled" } };
    let wanted = request;
    if (name === "read") wanted = listening(request as RequestOf<"read">);
    if (name === "append" && fill !== null) wanted = { ...request, pattern: fill };
    const outcome = await core.perform(name, wanted);
    if (!outcome.ok) failure ??= outcome.error;
    else if (name === "setProfile") await refreshNow(core);
    else if (name === "read") {
      const { data } = outcome.value as { data: Uint8Array | null };
      if (data !== null) read = { offset: (request as RequestOf<"read">).offset, data };
    } else if (name === "create" || name === "createRaw") made.add((request as RequestOf<"create" | "createRaw">).file);
    else if (name === "remove") made.delete((request as RequestOf<"remove">).file);
    else if (name === "append") appendedAt = (outcome.value as { offset: number }).offset;
    return outcome;
  };

  const host: ConsoleHost = {
    perform,
    write: (text, stream) => {
      if (stream === "out") out += text;
      if (stream === "err") err += text;
      core.log.write(text, stream);
      core.frame.request(show);
    },
    now: () => performance.now(),
    sleep: (ms) => sleepNow(core, ms),
    settings: core.settings,
    history: () => core.lines,
    opened: () => {
      const { attached, inspector } = core.store.getState();
      return [attached?.file ?? "", inspector.file ?? ""].filter(isDropped);
    },
    attached: () => {
      const { attached } = core.store.getState();
      return attached === null || attached.handle === NO_HANDLE ? null : { handle: attached.handle, file: attached.file };
    },
    detach: () => detachNow(core),
    attach: async (file) => {
      await attachAndTellNow(core, file);
    },
    guest: {
      disks: () => core.store.getState().guest.disks,
      attach: (file, second) => core.guest().then((guest) => guest.attachNow({ file, second }), () => GUEST_NOT_LOADED),
      detach: () => core.guest().then((guest) => guest.detachNow(), () => GUEST_NOT_LOADED),
    },
  };

  core.lines = [...core.lines, line].slice(-LINES_LIMIT);
  core.log.write(`${line}\n`, "in");
  core.frame.request(show);
  for (const listener of core.listeners) listener.lineBegan();
  const { status } = await runConsoleLine(line, host);
  await restoreNow(core);
  // What "qemu-img create" makes is attached; of what convert and dd make it is said how.
  const shown = core.store.getState().attached?.file;
  if (status === 0) for (const file of made) if (file !== shown) core.log.write(`${file}\n`, "offer");
  core.frame.request(show);
  for (const listener of core.listeners) listener.lineEnded(line, status);
  return { status, out, err, failure, read, appendedAt };
}

/** A line that let the image go and did not bring it back (it failed, or removed it) leaves the page with what there is. */
async function restoreNow(core: Core): Promise<void> {
  const { attached } = core.store.getState();
  if (attached === null || attached.handle !== NO_HANDLE) return;
  if ((await attachNow(core, attached.file)) !== null) forgetNow(core);
}

function listening(request: RequestOf<"read">): RequestOf<"read"> {
  return request.length <= PREVIEW_LIMIT ? { ...request, wantData: true } : request;
}

/** Lines that are recalled at the prompt. */
const HISTORY_LIMIT = 500;

export function createConsoleActions(core: Core): ConsoleActions {
  return {
    run: (line) => {
      const { history } = core.store.getState();
      if (history.at(-1) !== line) core.set({ history: [...history, line].slice(-HISTORY_LIMIT) });
      return core.serial("Running a command", () => runLineNow(core, line));
    },
    complete: (text) => {
      const before = text.slice(0, text.length - (/\S*$/.exec(text)?.[0].length ?? 0));
      return completions(text).map((word) => before + word);
    },
    clear: () => {
      core.log.clear();
      core.set({ console: core.log.current() });
    },
  };
}
