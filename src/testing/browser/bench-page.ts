/** The page of the bench: starts the worker and leaves what it tells on `window.bench` for the runner. */
import type { Figure } from "../bench/figure.ts";
import type { BenchMessage } from "./bench-message.ts";

export interface BenchState {
  /** What is being measured. */
  at: string;
  figures: readonly Figure[];
  /** null while the worker runs; "done", or how it broke. */
  end: string | null;
}

const bench: BenchState = { at: "", figures: [], end: null };
Object.assign(window, { bench });

const worker = new Worker(new URL("./bench-worker.ts", import.meta.url), { type: "module" });
worker.onmessage = (event: MessageEvent<BenchMessage>) => {
  const message = event.data;
  switch (message.type) {
    case "at":
      bench.at = message.what;
      document.body.append(`${message.what}. `);
      return;
    case "done":
      bench.figures = message.figures;
      bench.end = "done";
      document.body.append("Done.");
      return;
    case "broken":
      bench.end = message.detail;
      document.body.append(message.detail);
      return;
  }
};
worker.onerror = (event) => {
  bench.end = event.message || "the worker could not be started";
};
