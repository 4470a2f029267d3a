/**
 * Composition root of the page's worker: the library of this browser, the engine over it, and the answer to other tabs that want an
 * image. Reaches no network: files at URLs are for remote.ts. Decides nothing else.
 */
import { BlobStore } from "../bytes/blob-store.ts";
import { openLibrary } from "../bytes/library.ts";
import { TAKE_OVER_CHANNEL, announceTakeOver, onTakeOverRequest } from "../bytes/take-over.ts";
import { Engine } from "../engine/engine.ts";
import { messagePause } from "./pause.ts";
import { post, serve } from "./serve.ts";

async function start(): Promise<Engine> {
  const files = await openLibrary();
  const channel = new BroadcastChannel(TAKE_OVER_CHANNEL);
  const reader = new FileReaderSync();
  const engine = new Engine({
    files,
    openBlob: (source, name) => new BlobStore(name, source, (blob) => reader.readAsArrayBuffer(blob)),
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

serve(start());
