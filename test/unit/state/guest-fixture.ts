/** A page whose disk a guest has: requests by their bytes, through the device, the port and the engine, as those of a machine go. */
import { BlockDevice } from "../../../src/guest/block-device.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import type { GuestReplyMessage, Perform } from "../../../src/protocol/index.ts";
import { appOver } from "../../../src/state/app.ts";
import type { App } from "../../../src/state/app.ts";
import { createCore } from "../../../src/state/core.ts";
import type { Core } from "../../../src/state/core.ts";
import { show } from "../../../src/state/device.ts";
import { requestBytes } from "../guest/request-bytes.ts";
import { frames, portOver } from "./app-fixture.ts";

/** Request types of virtio-blk. */
export const OUT = 1, FLUSH = 4, APPEND = 15, OPEN = 18, CLOSE = 20, FINISH = 22, RESET = 24, RESET_ALL = 26, IN = 0;

export interface GuestPage {
  readonly app: App;
  readonly core: Core;
  /** Has a guest ask for something; the status that it is told. */
  readonly ask: (type: number, offset: number, data?: Uint8Array) => Promise<number>;
  /** Gives the disk that is attached now to the guest. */
  readonly lend: () => void;
  readonly giveBack: () => void;
  /** The power fails while the guest has the disk, which is the page's again then. */
  readonly cut: () => Promise<void>;
}

/** @param create the line that makes the disk */
export async function guestPage(create: string): Promise<GuestPage> {
  const port = portOver(new MemoryFiles());
  const core = createCore(port);
  const app = appOver(core);
  await app.page.start();
  await app.console.run(create);
  await frames();
  let device: BlockDevice | null = null;
  let end = (): void => undefined;
  const page: GuestPage = {
    app,
    core,
    lend: () => {
      const { handle, facts } = core.store.getState().attached!;
      const mine = port.lend([handle]);
      end = () => mine.close();
      device = new BlockDevice(performOver(mine), handle, facts);
    },
    giveBack: () => {
      port.giveBack();
      end();
    },
    ask: async (type, offset, data) => {
      const room = type === APPEND ? 8 : type === IN ? 4096 : 0;
      const answer = await device!.answer(requestBytes(type, BigInt(offset / 512), data), room + 1);
      return answer![room]!;
    },
    cut: async () => {
      page.giveBack();
      const { handle, file, snapshot } = core.store.getState().attached!;
      const after = await core.perform("powerCut", { handle });
      if (after.ok) show(core, handle, file, after.value, snapshot);
      await frames();
    },
  };
  page.lend();
  return page;
}

function performOver(port: MessagePort): Perform {
  const waiting = new Map<number, (outcome: GuestReplyMessage["outcome"]) => void>();
  let nextId = 1;
  port.onmessage = (event: MessageEvent<GuestReplyMessage>) => waiting.get(event.data.id)?.(event.data.outcome);
  return ((name: string, request: object) =>
    new Promise((resolve) => {
      waiting.set(nextId, resolve);
      port.postMessage({ id: nextId++, name, request });
    }));
}
