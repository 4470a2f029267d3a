/**
 * Composition root of the worker behind remote.html: files at URLs, and files of the person's machine beside them, over a library in
 * memory that is bounded and forgotten with the tab. The browser's library of images is not to be reached from here, whatever a
 * server sends; the page's own worker reaches no server.
 */
import { CachedStore } from "../bytes/cached-store.ts";
import { MemoryFiles } from "../bytes/memory-files.ts";
import { probeRemote } from "../bytes/range-probe.ts";
import { REMOTE_LIMITS, RangeStore, requestInWorker } from "../bytes/range-store.ts";
import { RemoteWatch } from "../bytes/range-watch.ts";
import { Engine } from "../engine/engine.ts";
import { hostOver } from "./host.ts";
import { serve } from "./serve.ts";

/** For what is saved of a remote image: it is made here first, and then handed to the person. */
const MOST_BYTES = 2 ** 30;

const watch = new RemoteWatch((url) => probeRemote(url, (input, init) => fetch(input, init)), () => performance.now());

async function start(): Promise<Engine> {
  const host = hostOver(new MemoryFiles(Date.now, MOST_BYTES));
  return new Engine({
    ...host,
    remote: {
      probe: (url) => watch.begin(url),
      open: (file) => new CachedStore(new RangeStore(file.name, file, requestInWorker, () => watch.changeOf(file)), REMOTE_LIMITS),
    },
    pause: async () => {
      await host.pause();
      await watch.freshen();
    },
  });
}

serve(start(), () => watch.freshen());
