/**
 * A remote image in its page: what is asked of its server, and when. Until the person says so nothing is; then first how long the file
 * is, then what is looked at, piece by piece.
 */
import { createStore } from "zustand/vanilla";
import type { StoreApi } from "zustand/vanilla";
import { startRemoteEngine } from "../client/remote-engine.ts";
import { createApp } from "./app.ts";
import type { App } from "./app.ts";
import { textOf } from "./failure-text.ts";
import type { FailureText } from "./failure-text.ts";

export interface RemoteState {
  /** "waiting" for the person: nothing was asked if `sizeBytes` is null, and the file's length alone otherwise. */
  readonly phase: "waiting" | "asking" | "open";
  readonly sizeBytes: number | null;
  readonly failure: FailureText | null;
}

export interface Remote {
  readonly app: App;
  /** Untrusted text, as the address has it. */
  readonly url: string;
  readonly store: StoreApi<RemoteState>;
  /** Asks the server how long the file is and whether it can be read in pieces. */
  ask(): Promise<void>;
  /** Asks, where that was not done, and opens the file. */
  open(): Promise<void>;
}

function createRemote(app: App, url: string): Remote {
  const store = createStore<RemoteState>()(() => ({ phase: "waiting", sizeBytes: null, failure: null }));
  let file: string | null = null;
  const probe = async (): Promise<string | null> => {
    if (file !== null) return file;
    store.setState({ phase: "asking", failure: null });
    const outcome = await app.library.adoptUrl(url);
    if (!outcome.ok) {
      store.setState({ phase: "waiting", failure: textOf(outcome.error) });
      return null;
    }
    file = outcome.value.file;
    store.setState({ phase: "waiting", sizeBytes: outcome.value.sizeBytes });
    return file;
  };
  return {
    app,
    url,
    store,
    ask: async () => {
      await probe();
    },
    open: async () => {
      const found = await probe();
      if (found === null) return;
      store.setState({ phase: "open" });
      await app.library.openAdopted(found);
    },
  };
}

export const connectRemote = (url: string): Remote => createRemote(createApp(startRemoteEngine()), url);
