/** The page's actions over the real engine and a library in memory, as the worker's client would bring them together. */
import { vi } from "vitest";
import { BlobStore } from "../../../src/bytes/blob-store.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { Engine } from "../../../src/engine/engine.ts";
import type { Notice } from "../../../src/protocol/index.ts";
import { createApp } from "../../../src/state/app.ts";
import type { App } from "../../../src/state/app.ts";
import type { EnginePort } from "../../../src/state/core.ts";

export function stubWindow(): void {
  const kept = new Map<string, string>();
  vi.stubGlobal("window", {
    localStorage: { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, text: string) => kept.set(key, text), removeItem: (key: string) => kept.delete(key) },
    requestAnimationFrame: (task: () => void) => setTimeout(task, 1),
    cancelAnimationFrame: (id: NodeJS.Timeout) => clearTimeout(id),
    setTimeout,
    clearTimeout,
  });
}

/** A port as the worker's client is one: replies and notices arrive later, in order, as copies. */
function portOver(files: MemoryFiles): EnginePort {
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
  let id = 0;
  return {
    start: (name, request) => {
      const call = ++id;
      return { id: call, cancel: () => engine.cancel(call), outcome: engine.performAs(name, request, call).then((outcome) => structuredClone(outcome)) };
    },
    onNotice: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export async function started(files = new MemoryFiles()): Promise<App> {
  const app = createApp(portOver(files));
  await app.page.start();
  return app;
}

/** Long enough for frames to have come. */
export const frames = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
