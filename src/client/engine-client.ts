/**
 * The page's end of the worker: typed calls with one promise each, and notices. Knows nothing of what a call means.
 */
import workerAddress from "../worker/main.ts?worker&url";
import { scriptAddress } from "./trusted.ts";
import type { CallMessage, CallName, CancelMessage, Notice, Outcome, ReplyMessage, RequestOf } from "../protocol/index.ts";

/** A call that is under way. */
export interface StartedCall<Name extends CallName> {
  readonly id: number;
  readonly outcome: Promise<Outcome<Name>>;
  /** Has the engine stop; the outcome still comes, as cancelled where it was not too late. */
  cancel(): void;
}

export class EngineClient {
  private readonly worker: Worker;
  private readonly waiting = new Map<number, (outcome: Outcome<CallName>) => void>();
  private readonly listeners = new Set<(notice: Notice) => void>();
  private nextId = 1;
  /** Whether the worker ever said anything: one that could not be started never will. */
  private heard = false;
  /** Why the worker could not be started, once that is known. */
  private dead: string | null = null;

  constructor(worker: Worker = startEngine()) {
    this.worker = worker;
    this.worker.onmessage = (event: MessageEvent<ReplyMessage | Notice>) => this.receive(event.data);
    this.worker.onerror = (event) => this.fail(event.message || "the engine's worker could not be started");
  }

  /** Performs one call; the promise always resolves, a failure being part of the outcome. */
  readonly call = <Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<Outcome<Name>> => this.start(name, request).outcome;

  /** As call, and tells the id that this call's progress notices carry, and how to cancel it. */
  start<Name extends CallName>(name: Name, request: RequestOf<Name>): StartedCall<Name> {
    const id = this.nextId++;
    const cancel = (): void => this.worker.postMessage({ cancel: id } satisfies CancelMessage);
    if (this.dead !== null) return { id, cancel, outcome: Promise.resolve({ ok: false, error: { kind: "bug", message: this.dead } }) };
    const outcome = new Promise<Outcome<Name>>((resolve) => {
      this.waiting.set(id, resolve);
      const message: CallMessage<Name> = { id, name, request };
      this.worker.postMessage(message);
    });
    return { id, cancel, outcome };
  }

  /** Hears every notice until the returned function is called. */
  onNotice(listener: (notice: Notice) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
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
    if (!this.heard) this.dead = message;
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const resolve of waiting) resolve({ ok: false, error: { kind: "bug", message } });
  }
}

const startEngine = (): Worker => new Worker(scriptAddress(workerAddress), { type: "module", name: "zonescope engine" });
