/** The page's actions over the real engine and a library in memory, as the worker's client would bring them together. */
import { vi } from "vitest";
import { BlobStore } from "../../../src/bytes/blob-store.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { Engine } from "../../../src/engine/engine.ts";
import type { Notice } from "../../../src/protocol/index.ts";
import { createApp } from "../../../src/state/app.ts";
import type { App } from "../../../src/state/app.ts";
import type { EnginePort } from "../../../src/state/core.ts";
import type { LinkEngine } from "../../../src/state/link-house.ts";
import { Loans } from "../../../src/worker/loans.ts";

/** What was asked of the window's clock. */
const timers = new Set<NodeJS.Timeout>();

export function stubWindow(): void {
  const kept = new Map<string, string>();
  const later = (task: () => void, delayMs?: number): NodeJS.Timeout => {
    const timer = setTimeout(task, delayMs);
    timers.add(timer);
    return timer;
  };
  vi.stubGlobal("window", {
    localStorage: { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, text: string) => kept.set(key, text), removeItem: (key: string) => kept.delete(key) },
    requestAnimationFrame: (task: () => void) => later(task, 1),
    cancelAnimationFrame: (id: NodeJS.Timeout) => clearTimeout(id),
    setTimeout: later,
    clearTimeout,
  });
}

/** With a window goes what still waits for its clock. */
export function closeWindow(): void {
  timers.forEach(clearTimeout);
  timers.clear();
  vi.unstubAllGlobals();
}

/** The engine of a link: another one, with empty files, whenever it is renewed; what waited for the one before fails as cancelled. */
export interface FakeLinkEngine extends LinkEngine {
  /** Engines that there were. */
  count(): number;
  /** Calls of these names are never answered. */
  readonly deaf: Set<string>;
  disposed(): boolean;
}

export function linkEngine(): FakeLinkEngine {
  const listeners = new Set<(notice: Notice) => void>();
  const deaf = new Set<string>();
  let count = 0;
  let disposed = false;
  let cancelAll = (): void => undefined;
  let port: EnginePort;
  const begin = (): void => {
    cancelAll();
    count++;
    const waiting = new Set<() => void>();
    const inner = portOver(new MemoryFiles());
    const mine = count;
    inner.onNotice((notice) => mine === count && listeners.forEach((listener) => listener(notice)));
    cancelAll = () => waiting.forEach((cancel) => cancel());
    port = {
      ...inner,
      start: (name, request) => {
        const cancelled = { ok: false as const, error: { kind: "cancelled" as const } };
        if (disposed) return { id: 0, cancel: () => undefined, outcome: Promise.resolve(cancelled) };
        const ended = new Promise<typeof cancelled>((resolve) => {
          const cancel = (): void => (waiting.delete(cancel), resolve(cancelled));
          waiting.add(cancel);
        });
        if (deaf.has(name)) return { id: 0, cancel: () => undefined, outcome: ended };
        const started = inner.start(name, request);
        return { ...started, outcome: Promise.race([started.outcome, ended]) };
      },
    };
  };
  begin();
  return {
    start: (name, request) => port.start(name, request),
    lend: (handles) => port.lend(handles),
    giveBack: () => port.giveBack(),
    onNotice: (listener) => (listeners.add(listener), () => listeners.delete(listener)),
    renew: begin,
    dispose: () => {
      disposed = true;
      cancelAll();
      listeners.clear();
    },
    count: () => count,
    deaf,
    disposed: () => disposed,
  };
}

/** A port as the worker's client is one: replies and notices arrive later, in order, as copies. */
export function portOver(files: MemoryFiles, withEngine: (engine: Engine) => void = () => undefined): EnginePort {
  const listeners = new Set<(notice: Notice) => void>();
  const engine = new Engine({
    files,
    openBlob: (source, name) => new BlobStore(name, source, () => new ArrayBuffer(0)),
    blobOf: (file) => files.blobOf(file),
    notify: (notice) => {
      const copy = structuredClone(notice);
      queueMicrotask(() => listeners.forEach((listener) => listener(copy)));
    },
    now: () => Date.now(),
  });
  withEngine(engine);
  const loans = new Loans((name, request) => engine.performForGuest(name, request), () => undefined);
  let id = 0;
  return {
    lend: (handles) => {
      const { port1, port2 } = new MessageChannel();
      loans.lend({ lend: handles, port: port1 });
      return port2;
    },
    giveBack: () => loans.giveBack(),
    start: (name, request) => {
      const call = ++id;
      const refused = loans.refusal(name, request);
      if (refused !== null) return { id: call, cancel: () => undefined, outcome: Promise.resolve({ ok: false, error: refused }) };
      return { id: call, cancel: () => engine.cancel(call), outcome: engine.performAs(name, request, call).then((outcome) => structuredClone(outcome)) };
    },
    onNotice: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** @param withEngine is handed the engine, for what reaches it by another way than the page's port */
export async function started(files = new MemoryFiles(), withEngine?: (engine: Engine) => void): Promise<App> {
  const app = createApp(portOver(files, withEngine));
  await app.page.start();
  return app;
}

/** Long enough for frames to have come. */
export const frames = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
