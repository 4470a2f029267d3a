/**
 * Composition root of the worker: the library of this browser, the engine over it, messages in and out, the flush when idle, and
 * the answer to other tabs that want an image. Decides nothing else.
 */
import { BlobStore } from "../bytes/blob-store.ts";
import { CachedStore } from "../bytes/cached-store.ts";
import { openLibrary } from "../bytes/library.ts";
import { probeRemote } from "../bytes/range-probe.ts";
import { REMOTE_LIMITS, RangeStore, requestInWorker } from "../bytes/range-store.ts";
import { TAKE_OVER_CHANNEL, announceTakeOver, onTakeOverRequest } from "../bytes/take-over.ts";
import { Engine } from "../engine/engine.ts";
import type { CallMessage, CancelMessage, Notice, ReplyMessage } from "../protocol/index.ts";
import { columnsOf } from "./columns.ts";
import { messagePause } from "./pause.ts";

/** The page promises that a kill loses at most this much ("Files and tabs"). */
const IDLE_FLUSH_MS = 100;

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = (message: Notice | ReplyMessage): void => scope.postMessage(message, columnsOf(message));

async function start(): Promise<Engine> {
  const files = await openLibrary();
  const channel = new BroadcastChannel(TAKE_OVER_CHANNEL);
  const reader = new FileReaderSync();
  const engine = new Engine({
    files,
    openBlob: (source, name) => new BlobStore(name, source, (blob) => reader.readAsArrayBuffer(blob)),
    remote: {
      probe: (url) => probeRemote(url, (input, init) => fetch(input, init)),
      open: (file, name) => new CachedStore(new RangeStore(name, file, requestInWorker), REMOTE_LIMITS),
    },
    blobOf: (file) => files.blobOf(file),
    notify: post,
    now: () => Date.now(),
    pause: messagePause(),
    takeOver: (file) => announceTakeOver(channel, file),
  });
  onTakeOverRequest(channel, (file, untilMs) => engine.letGo(file, untilMs));
  await engine.start();
  return engine;
}

const starting = start();
let idle: ReturnType<typeof setTimeout> | undefined;

scope.onmessage = async (event: MessageEvent<CallMessage | CancelMessage>) => {
  const engine = await starting.catch((error: unknown) => String(error));
  if ("cancel" in event.data) {
    if (typeof engine !== "string") engine.cancel(event.data.cancel);
    return;
  }
  const { id, name, request } = event.data;
  // Every call is answered: a page that waits for ever tells nobody what is wrong.
  if (typeof engine === "string") return post({ id, outcome: { ok: false, error: { kind: "bug", message: `the engine could not start: ${engine}` } } });
  clearTimeout(idle);
  const outcome = await engine.performAs(name, request, id);
  post({ id, outcome });
  clearTimeout(idle);
  if (engine.hasUnflushed) idle = setTimeout(() => void engine.flushIdle(), IDLE_FLUSH_MS);
};
