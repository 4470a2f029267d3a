/** What every worker gives its engine over a place for files: the person's own files, the clocks, the way to the page. */
import { BlobStore } from "../bytes/blob-store.ts";
import type { LibrarySpace } from "../bytes/library-space.ts";
import type { EngineHost } from "../engine/engine.ts";
import { messagePause } from "./pause.ts";
import { post } from "./serve.ts";

export function hostOver(files: LibrarySpace): EngineHost & Required<Pick<EngineHost, "pause">> {
  const reader = new FileReaderSync();
  return {
    files,
    openBlob: (source, name) => new BlobStore(name, source, (blob) => reader.readAsArrayBuffer(blob)),
    blobOf: (file) => files.blobOf(file),
    notify: post,
    now: () => Date.now(),
    clock: () => performance.now(),
    pause: messagePause(),
  };
}
