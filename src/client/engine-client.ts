/**
 * The page's end of the worker: typed calls with one promise each, and notices. Knows nothing of what a call means.
 */
import workerAddress from "../worker/main.ts?worker&url";
import { scriptAddress } from "./trusted.ts";
import { LINK_WORKER } from "../protocol/index.ts";
import type { CallMessage, CallName, CancelMessage, Failure, GiveBackMessage, LendMessage, Notice, Outcome, ReplyMessage, RequestOf } from "../protocol/index.ts";

/** A call that is under way. */
export interface StartedCall<Name extends CallName> {
  readonly id: number;
  readonly outcome: Promise<Outcome<Name>>;
  /** Has the engine stop; the outcome still comes, as cancelled where it was not too late. */
  cancel(): void;
}

export class EngineClient {
  private readonly startWorker: () => Worker;
  private worker: Worker;
  private readonly waiting = new Map<number, (outcome: Outcome<CallName>) => void>();
  private readonly listeners = new Set<(notice: Notice) => void>();
  private nextId = 1;
  /** Whether the worker ever said anything: one that could not be started never will. */
  private heard = false;
  /** Why no call is made any more, once that is known. */
  private dead: Failure | null = null;

  constructor(startWorker: () => Worker = startEngine) {
    this.startWorker = startWorker;
    this.worker = this.begin();
  }

  /** Performs one call; the promise always resolves, a failure being part of the outcome. */
  readonly call = <Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<Outcome<Name>> => this.start(name, request).outcome;

  /** As call, and tells the id that this call's progress notices carry, and how to cancel it. */
  start<Name extends CallName>(name: Name, request: RequestOf<Name>): StartedCall<Name> {
    const id = this.nextId++;
    const { worker } = this;
    const cancel = (): void => worker.postMessage({ cancel: id } satisfies CancelMessage);
    if (this.dead !== null) return { id, cancel, outcome: Promise.resolve({ ok: false, error: this.dead }) };
    const outcome = new Promise<Outcome<Name>>((resolve) => {
      this.waiting.set(id, resolve);
      const message: CallMessage<Name> = { id, name, request };
      worker.postMessage(message);
    });
    return { id, cancel, outcome };
  }

  /** Has open images be a guest's disks until they are given back. @returns the guest's end of the port by which it makes its calls */
  lend(handles: readonly number[]): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.worker.postMessage({ lend: handles, port: port1 } satisfies LendMessage, [port1]);
    return port2;
  }

  /** The guest is gone: nothing that still comes from it is heard. */
  giveBack(): void {
    this.worker.postMessage({ giveBack: true } satisfies GiveBackMessage);
  }

  /** Hears every notice until the returned function is called. */
  onNotice(listener: (notice: Notice) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * Ends the worker, whatever it is at, and begins with another. Files in memory are gone with it; every call that waits fails as
   * cancelled. Not for a library: what was not flushed would be lost.
   */
  renew(): void {
    this.end();
    this.heard = false;
    this.worker = this.begin();
  }

  /** Ends the worker for good: nothing of it is left, and every call from now on fails as cancelled. */
  dispose(): void {
    this.dead = { kind: "cancelled" };
    this.end();
    this.listeners.clear();
  }

  private begin(): Worker {
    const worker = this.startWorker();
    worker.onmessage = (event: MessageEvent<ReplyMessage | Notice>) => this.receive(event.data);
    worker.onerror = (event) => this.fail(event.message || "the engine's worker could not be started");
    return worker;
  }

  private end(): void {
    const { worker } = this;
    worker.onmessage = null;
    worker.onerror = null;
    worker.terminate();
    this.answerAll({ kind: "cancelled" });
  }

  private receive(message: ReplyMessage | Notice): void {
    this.heard = true;
    if ("notice" in message) {
      for (const listener of this.listeners) listener(message);
      return;
    }
    const resolve = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    resolve?.(message.outcome);
  }

  /** The worker itself broke: every call that waits is told. */
  private fail(message: string): void {
    const failure: Failure = { kind: "bug", message };
    if (!this.heard) this.dead = failure;
    this.answerAll(failure);
  }

  private answerAll(error: Failure): void {
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const resolve of waiting) resolve({ ok: false, error });
  }
}

const startNamed = (name: string): Worker => new Worker(scriptAddress(workerAddress), { type: "module", name });
const startEngine = (): Worker => startNamed("zonescope engine");

/** The engine of a link: the same program, with its files in memory. */
export const startLinkEngine = (): EngineClient => new EngineClient(() => startNamed(LINK_WORKER));
