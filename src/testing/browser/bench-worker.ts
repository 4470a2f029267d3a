/** The bench in a browser's worker: the storage figures over OPFS, against its bare access handles. */
import { openLibrary } from "../../bytes/library.ts";
import type { Place } from "../bench/place.ts";
import { storageFigures } from "../bench/storage.ts";
import type { BenchMessage } from "./bench-message.ts";

const post = (message: BenchMessage): void => self.postMessage(message);

async function opfsPlace(): Promise<Place> {
  const files = await openLibrary();
  if (files.kind !== "opfs") throw new Error("OPFS does not work in this browser");
  const root = await navigator.storage.getDirectory();
  return {
    name: "Chromium over OPFS",
    rawName: "raw access handle",
    aimedAt: true,
    files,
    async createRaw(name) {
      const handle = await (await root.getFileHandle(name, { create: true })).createSyncAccessHandle();
      handle.truncate(0);
      return {
        write: (offset, from) => void handle.write(from, { at: offset }),
        read: (offset, into) => void handle.read(into, { at: offset }),
        flush: () => handle.flush(),
        close: () => handle.close(),
      };
    },
    removeRaw: (name) => root.removeEntry(name),
  };
}

opfsPlace()
  .then((place) => storageFigures(place, (what) => post({ type: "at", what })))
  .then(
    (figures) => post({ type: "done", figures }),
    (error: unknown) => post({ type: "broken", detail: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }),
  );
