/** The scrubber under the events: which moment the map, the table and the zone panel show; now, unless it was moved back. */
import { ChevronLeft, ChevronRight, GitFork, SkipForward } from "lucide-react";
import { eventText, eventTime } from "../state/event-text.ts";
import { formatCount } from "../state/units.ts";
import { useApp, useAppState, useFormat } from "./context.ts";
import { Tip } from "./tip.tsx";

const ICON = 15;

export function Scrubber() {
  const app = useApp();
  useAppState((state) => state.eventsVersion);
  const moment = useAppState((state) => state.moment);
  const zoned = useAppState((state) => (state.attached?.zones ?? null) !== null);
  const size = useFormat();
  const { events } = app;
  const position = moment ?? events.total;
  const last = events.at(position - 1 - events.forgotten);
  const empty = !zoned || events.length === 0;
  const words = moment === null ? "now" : last === undefined ? "before the first event that is kept" : `${eventTime(last.timeMs)}, ${eventText(last, size)}`;
  const share = events.length === 0 ? 1 : (position - events.forgotten) / events.length;
  return (
    <div className={moment === null ? "scrubber" : "scrubber in-past"} role="group" aria-label="Time">
      <Tip text="One event back" keys="[" side="top">
        <button type="button" className="button quiet icon small" aria-label="One event back" disabled={empty || position <= events.forgotten} onClick={() => app.time.step(-1)}>
          <ChevronLeft size={ICON} aria-hidden="true" />
        </button>
      </Tip>
      <Tip text="One event forward" keys="]" side="top">
        <button type="button" className="button quiet icon small" aria-label="One event forward" disabled={empty || moment === null} onClick={() => app.time.step(1)}>
          <ChevronRight size={ICON} aria-hidden="true" />
        </button>
      </Tip>
      <input
        type="range"
        className="slider"
        aria-label="Moment"
        aria-valuetext={words}
        min={events.forgotten}
        max={Math.max(events.forgotten + 1, events.total)}
        step={1}
        disabled={empty}
        value={position}
        style={{ "--share": `${share * 100}%` } as React.CSSProperties}
        onChange={(event) => app.time.seek(Number(event.target.value))}
      />
      <button type="button" className={moment === null ? "button quiet small now" : "button small now"} disabled={moment === null} onClick={() => app.time.seek(null)}>
        <SkipForward size={13} aria-hidden="true" />
        Now
      </button>
    </div>
  );
}

/** Above the map while a moment of the past is shown. */
export function PastRibbon() {
  const app = useApp();
  const moment = useAppState((state) => state.moment);
  const busy = useAppState((state) => state.busy !== null);
  if (moment === null) return null;
  const { events } = app;
  const last = events.at(moment - 1 - events.forgotten);
  const back = events.total - moment;
  const forkable = app.time.canFork();
  const why = app.time.aboutFork();
  return (
    <div className="past-ribbon" role="status">
      <p>
        <strong>The past</strong> {last === undefined ? "before the first event" : eventTime(last.timeMs)}, {formatCount(back)} {back === 1 ? "event" : "events"} back
      </p>
      <div className="past-ways">
        <Tip text={why}>
          <button type="button" className="button small" aria-disabled={!forkable || busy} onClick={() => forkable && !busy && void app.time.fork()}>
            <GitFork size={13} aria-hidden="true" />
            Fork from here
          </button>
        </Tip>
        <button type="button" className="button small" onClick={() => app.time.seek(null)}>
          Back to now
        </button>
      </div>
    </div>
  );
}
