/** The page's end of the guest's worker: starts one, hears of it, and ends it at once where it is told to. */
import workerAddress from "../worker/guest.ts?worker&url";
import type { GuestCommand, GuestNotice, GuestParts } from "../protocol/index.ts";
import { scriptAddress } from "./trusted.ts";

export class GuestMachine {
  private readonly worker: Worker;

  /**
   * Fetches what it is made of, and switches it on.
   * @param port to the engine's worker, which has lent the disks
   * @throws where the browser has no workers, or refuses this one
   */
  constructor(parts: GuestParts, port: MessagePort, listen: (notice: GuestNotice) => void) {
    this.worker = new Worker(scriptAddress(workerAddress), { type: "module", name: "zonescope guest" });
    this.worker.onmessage = (event: MessageEvent<GuestNotice>) => listen(event.data);
    this.worker.onerror = (event) => listen({ notice: "failed", problem: { code: "machine", detail: event.message || "the machine's worker could not be started" } });
    this.worker.postMessage({ command: "start", parts, port } satisfies GuestCommand, [port]);
  }

  /** Types into the terminal. */
  type(bytes: Uint8Array): void {
    this.worker.postMessage({ command: "type", bytes } satisfies GuestCommand);
  }

  /** Ends it in the midst of whatever it does, as a power cut does; nothing is heard of it any more. */
  cut(): void {
    this.worker.onmessage = null;
    this.worker.onerror = null;
    this.worker.terminate();
  }
}
