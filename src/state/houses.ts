/**
 * Which app the page shows: the ordinary one over the library of this browser, or that of a link. The address decides. A link's house
 * is opened when its address comes and ended when it goes; the ordinary one is opened when it is first wanted and then stays.
 */
import { createStore } from "zustand/vanilla";
import type { StoreApi } from "zustand/vanilla";
import { explainLink } from "../command/explain-link.ts";
import { hasOwnHouse } from "../share/index.ts";
import { readAddress } from "./address.ts";
import type { Address } from "./address.ts";
import type { App } from "./app.ts";
import type { FailureText } from "./failure-text.ts";
import { textOf } from "./failure-text.ts";
import type { LinkHouse } from "./link-house.ts";
import type { Link } from "../share/index.ts";

export interface Shown {
  /** Another number for every house that is shown. */
  readonly number: number;
  /** null in a frame whose link is broken: what it was to show is not known, and nothing else is shown in its place. */
  readonly app: App | null;
  readonly link: LinkHouse | null;
  /** Why the link cannot be played. */
  readonly problem: FailureText | null;
}

export interface Houses {
  readonly store: StoreApi<Shown>;
  /** Goes from the link to the ordinary page. */
  leave(): void;
  /** Copies the link's disk into the library, and goes there. */
  keep(): Promise<void>;
  /** Puts the lesson that the link carries beside the ordinary page's, and goes there. */
  keepLesson(): Promise<void>;
  /** The page's address without a link. */
  base(): string;
  /** Ends what can be ended, for tests. */
  dispose(): void;
}

export interface HousesHost {
  readonly address: Address;
  /** The ordinary app, started. */
  readonly openOrdinary: () => App;
  readonly openLink: (link: Link) => LinkHouse;
}

export function openHouses({ address, openOrdinary, openLink }: HousesHost): Houses {
  let ordinary: App | null = null;
  const home = (): App => (ordinary ??= openOrdinary());
  let count = 0;

  /** The ordinary app keeps its number for as long as it is shown. */
  const atHome = (before: Shown | null, problem: FailureText | null): Shown => {
    const stays = before !== null && before.app !== null && before.app === ordinary;
    return { number: stays ? before.number : ++count, app: withTastes(before, home()), link: null, problem };
  };

  const look = (before: Shown | null): Shown => {
    before?.link?.dispose();
    const at = readAddress(address.hash());
    if (at.kind === "broken") {
      const problem = explainLink(at.problem);
      return at.embed ? { number: ++count, app: null, link: null, problem } : atHome(before, problem);
    }
    if (at.kind === "none") return atHome(before, null);
    if (!hasOwnHouse(at.link)) {
      openNamed(home(), at.link);
      return atHome(before, null);
    }
    const link = openLink(at.link);
    openNamed(link.app, at.link);
    void link.playback.start();
    return { number: ++count, app: withTastes(before, link.app), link, problem: null };
  };

  const store = createStore<Shown>()(() => look(null));
  const unfollow = address.follow(() => store.setState(look(store.getState())));

  return {
    store,
    leave: () => address.leave(),
    keep: async () => {
      const { link } = store.getState();
      if (link === null) return;
      const told = (text: FailureText): void => link.app.page.tell("Keep as image", text);
      const made = await link.exportDisk();
      if ("because" in made) return told({ title: "It was not kept", why: made.because, instead: null, names: null });
      if ("failure" in made) return told(textOf(made.failure));
      const failure = await home().library.keep(made.file);
      if (failure !== null) return told(textOf(failure));
      // The person may have gone elsewhere meanwhile.
      if (store.getState().link === link) address.leave();
    },
    keepLesson: async () => {
      const text = store.getState().link?.link.lessonText ?? null;
      if (text === null) return;
      await home().lessons.openText(text, "The link's lesson");
      address.leave();
    },
    base: () => address.base(),
    dispose: () => {
      unfollow();
      store.getState().link?.dispose();
    },
  };
}

/**
 * Shows the lesson that a link names or carries, and the session that it names; of one that is not known, or cannot be read, its panel
 * tells. Neither begins before a click.
 */
function openNamed(app: App, { lesson, lessonText, guest }: Link): void {
  if (lesson !== null) void app.lessons.open(lesson);
  if (lessonText !== null) void app.lessons.openText(lessonText, "The link's lesson");
  if (guest === null) return;
  app.store.setState({ guest: { ...app.store.getState().guest, chosen: guest } });
  app.inspector.show("Terminal");
}

/** How the person likes it is the same in every house. */
function withTastes(before: Shown | null, app: App): App {
  const from = before?.app?.store.getState();
  if (from !== undefined) app.store.setState({ theme: from.theme, units: from.units });
  return app;
}
