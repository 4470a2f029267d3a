/**
 * What every worker of an engine does: messages in and out, each call answered, a guest's too, and the flush when idle. Knows no home.
 */
import type { Engine } from "../engine/engine.ts";
import type { CallMessage, CancelMessage, GiveBackMessage, LendMessage, Notice, ReplyMessage } from "../protocol/index.ts";
import { columnsOf } from "./columns.ts";
import { Loans } from "./loans.ts";

/** The page promises that a kill loses at most this much ("Files and tabs"). */
const IDLE_FLUSH_MS = 100;

const scope = self as unknown as DedicatedWorkerGlobalScope;

export const post = (message: Notice | ReplyMessage): void => scope.postMessage(message, columnsOf(message));

/** @param before done before each call, where its home needs that; it must not fail */
export function serve(starting: Promise<Engine>, before?: () => Promise<void>): void {
  let idle: ReturnType<typeof setTimeout> | undefined;
  let loans: Loans | null = null;
  const flushWhenIdle = (engine: Engine): void => {
    clearTimeout(idle);
    if (engine.hasUnflushed) idle = setTimeout(() => void engine.flushIdle(), IDLE_FLUSH_MS);
  };
  scope.onmessage = async (event: MessageEvent<CallMessage | CancelMessage | LendMessage | GiveBackMessage>) => {
    const engine = await starting.catch((error: unknown) => String(error));
    if ("cancel" in event.data) {
      if (typeof engine !== "string") engine.cancel(event.data.cancel);
      return;
    }
    if ("lend" in event.data || "giveBack" in event.data) {
      if (typeof engine === "string") return;
      loans ??= new Loans((name, request) => engine.performForGuest(name, request), () => flushWhenIdle(engine));
      if ("lend" in event.data) loans.lend(event.data);
      else loans.giveBack();
      return;
    }
    const { id, name, request } = event.data;
    // Every call is answered: a page that waits for ever tells nobody what is wrong.
    if (typeof engine === "string") return post({ id, outcome: { ok: false, error: { kind: "bug", message: `the engine could not start: ${engine}` } } });
    const refused = loans?.refusal(name, request) ?? null;
    if (refused !== null) return post({ id, outcome: { ok: false, error: refused } });
    clearTimeout(idle);
    if (before !== undefined) await before();
    const outcome = await engine.performAs(name, request, id);
    post({ id, outcome });
    flushWhenIdle(engine);
  };
}
