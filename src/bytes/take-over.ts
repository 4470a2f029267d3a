/**
 * One tab asks the others to let go of an image, over a broadcast channel: the one that has it flushes, closes it and answers.
 * A tab that does not have it says nothing. Knows nothing of files or locks: the asker opens the image afterwards, and only the
 * lock decides who has it.
 */

/** The part of BroadcastChannel that is used. */
export interface TakeOverChannel {
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
  removeEventListener(type: "message", listener: (event: { readonly data: unknown }) => void): void;
}

/** The name that every tab gives its BroadcastChannel. */
export const TAKE_OVER_CHANNEL = "zonescope:take-over";
/** How long the asker waits: a flush of a full cache to a slow disk is well within it. */
const WAIT_MS = 5000;

type TakeOverMessage =
  | { readonly takeOver: "ask"; readonly request: string; readonly file: string; readonly untilMs: number }
  | { readonly takeOver: "answer"; readonly request: string; readonly letGo: boolean };

function asMessage(data: unknown): TakeOverMessage | null {
  return typeof data === "object" && data !== null && "takeOver" in data ? (data as TakeOverMessage) : null;
}

/**
 * Asks the other tabs to let go of a file. True when the tab that had it says it let go; false when it says it could not, or
 * when nobody answers within `waitMs` milliseconds (nobody has it, or its tab hangs).
 */
export function announceTakeOver(channel: TakeOverChannel, file: string, waitMs: number = WAIT_MS): Promise<boolean> {
  const request = crypto.randomUUID();
  return new Promise((resolve) => {
    const finish = (letGo: boolean): void => {
      clearTimeout(timer);
      channel.removeEventListener("message", listener);
      resolve(letGo);
    };
    const listener = (event: { readonly data: unknown }): void => {
      const message = asMessage(event.data);
      if (message?.takeOver === "answer" && message.request === request) finish(message.letGo);
    };
    const timer = setTimeout(() => finish(false), waitMs);
    channel.addEventListener("message", listener);
    channel.postMessage({ takeOver: "ask", request, file, untilMs: Date.now() + waitMs } satisfies TakeOverMessage);
  });
}

/**
 * Answers the other tabs. `letGo` resolves to true once the file is flushed and closed here, to false when it was not open
 * here or `untilMs`, when the asker stops waiting, is past (nothing is answered then); when it rejects, the asker is told that the file was kept. Returns how to stop answering.
 */
export function onTakeOverRequest(channel: TakeOverChannel, letGo: (file: string, untilMs: number) => Promise<boolean>): () => void {
  const answer = (request: string, gone: boolean): void => channel.postMessage({ takeOver: "answer", request, letGo: gone } satisfies TakeOverMessage);
  const listener = (event: { readonly data: unknown }): void => {
    const message = asMessage(event.data);
    if (message?.takeOver !== "ask") return;
    letGo(message.file, message.untilMs).then(
      (had) => {
        if (had) answer(message.request, true);
      },
      () => answer(message.request, false),
    );
  };
  channel.addEventListener("message", listener);
  return () => channel.removeEventListener("message", listener);
}
