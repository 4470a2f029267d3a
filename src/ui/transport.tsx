/** The transport of a link: play, pause, step, restart, speed, how far it is, and a way to end a line that takes long; in a frame all but restart. */
import { Check, Pause, Play, RotateCcw, SkipForward, Square } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useEffect, useState } from "react";
import { useStore } from "zustand/react";
import { SPEEDS } from "../state/playback.ts";
import type { Playback, PlaybackState, Speed } from "../state/playback.ts";
import { formatCount } from "../state/units.ts";
import { useAppState, useFormat } from "./context.ts";
import { Tip } from "./tip.tsx";

const ICON = 15;

/** A part of where the player is. */
export function usePlayback<Part>(playback: Playback, select: (state: PlaybackState) => Part): Part {
  return useStore(playback.store, select);
}

/** The row that is marked: the one that runs, or the last that ran; null before the first. */
export function markedRow(playback: Playback, { running, done }: Pick<PlaybackState, "running" | "done">): number | null {
  if (running !== null) return running;
  return done === 0 ? null : playback.rows.findIndex((row) => row.command === done - 1);
}

const speedName = (speed: Speed): string => (speed === Infinity ? "fastest" : `${speed}×`);

/** A line that runs for so long gets a way to end it. */
const LONG_MS = 1200;

/** Whether `on` has been so for `ms` milliseconds. */
function useLasting(on: boolean, ms: number): boolean {
  const [lasts, setLasts] = useState(false);
  useEffect(() => {
    if (!on) return;
    const timer = window.setTimeout(() => setLasts(true), ms);
    return () => {
      window.clearTimeout(timer);
      setLasts(false);
    };
  }, [on, ms]);
  return lasts;
}

/** @param inFrame a frame has no button to begin anew: Play does behind the last command */
export function Transport({ playback, inFrame = false }: { playback: Playback; inFrame?: boolean }) {
  const mode = usePlayback(playback, (state) => state.mode);
  const done = usePlayback(playback, (state) => state.done);
  const busy = useAppState((state) => state.busy !== null);
  const count = playback.commandCount;
  const none = count === 0;
  const long = useLasting(busy, LONG_MS);
  return (
    <div className="transport" role="toolbar" aria-label="Transport">
      {mode !== "paused" ? (
        <button type="button" className="button primary play" onClick={() => playback.pause()}>
          <Pause size={ICON} aria-hidden="true" />
          Pause
        </button>
      ) : (
        <button type="button" className="button primary play" disabled={none} onClick={() => playback.play()}>
          <Play size={ICON} aria-hidden="true" />
          Play
        </button>
      )}
      <Tip text="Runs the next command">
        <button type="button" className="button icon" aria-label="Step" disabled={none || done >= count} onClick={() => playback.step()}>
          <SkipForward size={ICON} aria-hidden="true" />
        </button>
      </Tip>
      {!inFrame && (
        <Tip text="Back to the start">
          <button type="button" className="button icon" aria-label="Restart" onClick={() => playback.restart()}>
            <RotateCcw size={ICON} aria-hidden="true" />
          </button>
        </Tip>
      )}
      <SpeedMenu playback={playback} />
      <p className="transport-count" aria-live="off">
        {formatCount(done)} of {formatCount(count)}
      </p>
      {long && (
        <button type="button" className="button small" title="Ends the line that runs" onClick={() => void playback.stop()}>
          <Square size={11} aria-hidden="true" />
          Stop
        </button>
      )}
    </div>
  );
}

function SpeedMenu({ playback }: { playback: Playback }) {
  const speed = usePlayback(playback, (state) => state.speed);
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button speed" aria-label={`Speed: ${speedName(speed)}`}>
        {speedName(speed)}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu speeds" align="start" sideOffset={4}>
          <DropdownMenu.RadioGroup value={String(speed)} onValueChange={(value) => playback.setSpeed(SPEEDS.find((one) => String(one) === value) ?? 1)}>
            {SPEEDS.map((one) => (
              <DropdownMenu.RadioItem key={one} value={String(one)} className="menu-item">
                <span className="menu-check">{one === speed && <Check size={14} aria-hidden="true" />}</span>
                {one === Infinity ? "As fast as it goes" : speedName(one)}
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** The command that runs or ran last, and what it said; before the first, what comes. */
export function CurrentLine({ playback }: { playback: Playback }) {
  const running = usePlayback(playback, (state) => state.running);
  const done = usePlayback(playback, (state) => state.done);
  const results = usePlayback(playback, (state) => state.results);
  const size = useFormat();
  const row = markedRow(playback, { running, done });
  if (row === null) return <p className="current-line" />;
  const result = results.get(row);
  return (
    <p className="current-line">
      <code>{playback.rows[row]?.text.trim()}</code>
      {result !== undefined && running === null && <span className={`script-result ${result.how}`}>{result.text(size)}</span>}
    </p>
  );
}
