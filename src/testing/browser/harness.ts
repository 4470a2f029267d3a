/**
 * The page of the conformance harness: starts the worker, lists its results for a person, and leaves them on
 * `window.harness` for the end-to-end test.
 */
import type { HarnessMessage, HarnessResult } from "./harness-message.ts";

export interface Harness {
  readonly results: HarnessResult[];
  /** null while the worker runs; "done", or how it broke. */
  end: string | null;
}

const harness: Harness = { results: [], end: null };
Object.assign(window, { harness });

const list = document.createElement("ol");
document.body.append(list);

function show(text: string): void {
  const item = document.createElement("li");
  item.textContent = text;
  list.append(item);
}

const worker = new Worker(new URL("./harness-worker.ts", import.meta.url), { type: "module" });
worker.onmessage = (event: MessageEvent<HarnessMessage>) => {
  const message = event.data;
  switch (message.type) {
    case "result":
      harness.results.push(message);
      show(`${message.failure === null ? "held" : "BROKEN"}: ${message.suite}: ${message.name} ${message.failure ?? ""}`);
      return;
    case "done":
      harness.end = "done";
      return;
    case "broken":
      harness.end = message.detail;
      return;
  }
};
worker.onerror = (event) => {
  harness.end = event.message || "the worker could not be started";
};
