/** The house that the page shows: the ordinary one, a link's, or, in a frame whose link is broken, a word about that. */
import { useEffect, useLayoutEffect } from "react";
import { useStore } from "zustand/react";
import type { Houses } from "../state/houses.ts";
import type { FailureText } from "../state/failure-text.ts";
import { loadThemeChoice } from "../state/theme.ts";
import { AppContext, HousesContext, useSystemDark } from "./context.ts";
import { EmbedPage } from "./embed-page.tsx";
import { keepFocus } from "./keep-focus.ts";
import { Page } from "./page.tsx";
import { Themed } from "./theme.tsx";

export function Root({ houses }: { houses: Houses }) {
  const { app, link, problem, number } = useStore(houses.store);
  useEffect(keepFocus, []);
  if (app === null) return problem === null ? null : <BrokenFrame problem={problem} />;
  return (
    <HousesContext value={houses}>
      <AppContext value={app}>
        <Themed />
        {link?.link.embed === true ? <EmbedPage key={number} playback={link.playback} /> : <Page key={number} />}
      </AppContext>
    </HousesContext>
  );
}

/** There is no app here that would know a theme. */
function BrokenFrame({ problem }: { problem: FailureText }) {
  const choice = loadThemeChoice();
  const dark = useSystemDark();
  useLayoutEffect(() => {
    document.documentElement.dataset["theme"] = choice === "dark" || (choice === "system" && dark) ? "dark" : "light";
  }, [choice, dark]);
  return (
    <main className="broken-frame">
      <div role="alert">
        <h1>{problem.title}</h1>
        <p>
          {problem.why} {problem.instead ?? ""}
        </p>
      </div>
    </main>
  );
}
