/**
 * Composition root of the page's worker: the library of this browser, or for a link files in memory, the engine over it, and the answer
 * to other tabs that want an image. Reaches no network: files at URLs are for remote.ts. Decides nothing else.
 */
import { openLibrary } from "../bytes/library.ts";
import { MemoryFiles } from "../bytes/memory-files.ts";
import { TAKE_OVER_CHANNEL, announceTakeOver, onTakeOverRequest } from "../bytes/take-over.ts";
import { Engine } from "../engine/engine.ts";
import { LINK_WORKER } from "../protocol/index.ts";
import { hostOver } from "./host.ts";
import { serve } from "./serve.ts";

/** Memory that the files of a link may hold together: its commands are a stranger's, and the tab must live. */
const LINK_MOST_BYTES = 512 * 2 ** 20;

async function start(): Promise<Engine> {
  const channel = new BroadcastChannel(TAKE_OVER_CHANNEL);
  const engine = new Engine({ ...hostOver(await openLibrary()), takeOver: (file) => announceTakeOver(channel, file) });
  onTakeOverRequest(channel, (file, untilMs) => engine.letGo(file, untilMs));
  await engine.start();
  return engine;
}

/** Nothing of it is told to other tabs, and none can ask for its files. */
const startInMemory = async (): Promise<Engine> => new Engine(hostOver(new MemoryFiles(Date.now, LINK_MOST_BYTES)));

serve(self.name === LINK_WORKER ? startInMemory() : start());
