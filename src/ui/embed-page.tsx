/** The page in a frame: map, legend, console, and play, pause, step and speed; nothing else but a way to end a line that takes long. The map is zoomed by wheel, fingers and keys. */
import { Tooltip } from "radix-ui";
import type { Playback } from "../state/playback.ts";
import { FailureBanners } from "./banners.tsx";
import { ConsolePanel } from "./console-panel.tsx";
import { useAppState } from "./context.ts";
import { MapPanel } from "./map-panel.tsx";
import { Transport } from "./transport.tsx";

export function EmbedPage({ playback }: { playback: Playback }) {
  const past = useAppState((state) => state.moment !== null);
  return (
    <Tooltip.Provider delayDuration={350} skipDelayDuration={200}>
      <main className={past ? "embed in-past" : "embed"}>
        <h1 className="visually-hidden">zonescope</h1>
        <FailureBanners />
        <MapPanel />
        <ConsolePanel />
        <section className="embed-transport" aria-label="Link">
          <Transport playback={playback} inFrame />
        </section>
      </main>
    </Tooltip.Provider>
  );
}
