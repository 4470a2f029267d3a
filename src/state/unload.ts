/**
 * A question before the page goes, while a guest runs and at no other time: leaving is a power cut for it. The words are the browser's.
 */
import type { App } from "./app.ts";

/** Asks for as long as the app has a guest. @returns how to stop that */
export function warnWhileGuestRuns(app: Pick<App, "store">): () => void {
  const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
  let asking = false;
  const follow = (): void => {
    const runs = app.store.getState().guest.phase !== "off";
    if (runs === asking) return;
    asking = runs;
    // Listened to only then: a page that always listens is not kept by browsers that keep pages to go back to.
    if (runs) window.addEventListener("beforeunload", ask);
    else window.removeEventListener("beforeunload", ask);
  };
  const unfollow = app.store.subscribe(follow);
  follow();
  return () => {
    unfollow();
    window.removeEventListener("beforeunload", ask);
  };
}
