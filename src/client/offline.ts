/**
 * The service worker as the page sees it: it keeps every file of the program, so that a visit without a network works, and it
 * brings a new version, which waits. Knows nothing of what the page is at.
 *
 * The order of an update: the new files are stored, the new worker waits; the page is told; when the person says so the worker
 * takes over, and the page that asked starts anew. With no word said the browser lets it take over when the last tab is closed.
 */
import { scriptAddress } from "./trusted.ts";

export interface UpdateListener {
  /** A new version is stored and waits. */
  waiting(): void;
  /** Another tab had the new version take over; this page runs on with the files that it has loaded. */
  replaced(): void;
}

export interface Updates {
  follow(listener: UpdateListener): void;
  /** Has the version that waits take over, and starts the page anew. */
  apply(): void;
}

/** How often a page that stays open asks whether there is a new version. */
const ASK_EVERY_MS = 60 * 60 * 1000;

/** Registers the service worker beside the page, where the browser has such; elsewhere, and in a frame, nothing is ever told. */
export function registerOffline(): Updates {
  let told: UpdateListener | null = null;
  let registration: ServiceWorkerRegistration | null = null;
  let applying = false;

  const look = (): void => {
    // Without a controller this is the first visit: nothing older runs that could be replaced.
    if (registration?.waiting && navigator.serviceWorker.controller !== null) told?.waiting();
  };
  const watch = (worker: ServiceWorker | null): void => worker?.addEventListener("statechange", look);

  // A part of the page that is loaded when it is wanted first, and whose file went with the version that brought it. Without a service worker
  // that had them all there is no other version to tell of: the network is gone, and whoever wanted the part says so.
  window.addEventListener("vite:preloadError", () => {
    if ("serviceWorker" in navigator && navigator.serviceWorker.controller !== null) told?.replaced();
  });

  const start = async (): Promise<void> => {
    const controlled = navigator.serviceWorker.controller !== null;
    navigator.serviceWorker.addEventListener("controllerchange", () => {
      if (applying) location.reload();
      else if (controlled) told?.replaced();
    });
    registration = await navigator.serviceWorker.register(scriptAddress("sw.js"));
    registration.addEventListener("updatefound", () => watch(registration?.installing ?? null));
    watch(registration.installing);
    look();
    setInterval(() => void registration?.update().catch(ignore), ASK_EVERY_MS);
  };

  if (import.meta.env.PROD && window.top === window && "serviceWorker" in navigator) void start().catch(ignore);

  return {
    follow: (listener) => {
      told = listener;
      look();
    },
    apply: () => {
      applying = true;
      if (registration?.waiting) registration.waiting.postMessage({ type: "SKIP_WAITING" });
      else location.reload();
    },
  };
}

/** No network, a private window, storage that is full: the program runs as it was loaded, and the next visit asks again. */
function ignore(): void {
  return;
}
