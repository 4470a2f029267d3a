/** The log "Events": every transition, pointer move, trace event, refusal and flush, newest last; it follows unless scrolled back. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { eventText, eventTime, eventZone } from "../state/event-text.ts";
import { formatCount } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { useFollow } from "./follow.ts";

const ROW_HEIGHT = 24;

export function EventsPanel() {
  const app = useApp();
  const version = useAppState((state) => state.eventsVersion);
  const { events } = app;
  const { box, onScroll } = useFollow(`${version} ${events.length}`);
  const count = events.length;
  // eslint-disable-next-line react-hooks/incompatible-library -- the virtualizer's functions are used in this render alone
  const rows = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey: (index) => events.forgotten + index,
    overscan: 8,
    initialRect: { width: 500, height: 240 },
    measureElement: (element) => element.getBoundingClientRect().height,
  });
  const height = rows.getTotalSize();

  return (
    <div className="panel panel-events">
      <div className="panel-head">
        <h2 className="panel-title">Events</h2>
        <p className="panel-note">{count === 0 ? "" : formatCount(count + events.forgotten)}</p>
      </div>
      <div
        className="events"
        role="log"
        aria-label="Events"
        tabIndex={0}
        ref={box}
        onScroll={onScroll}
      >
        {count === 0 && <p className="panel-empty">Transitions, pointer moves and refusals are listed here as they happen.</p>}
        <div style={{ height, position: "relative" }}>
          {rows.getVirtualItems().map((item) => {
            const event = events.at(item.index);
            if (event === undefined) return null;
            const zone = eventZone(event);
            return (
              <div
                key={item.key}
                ref={rows.measureElement}
                data-index={item.index}
                className={`event ${event.type}${zone === null ? "" : " about-zone"}`}
                style={{ transform: `translateY(${item.start}px)` }}
                onClick={() => zone !== null && app.device.select(zone)}
              >
                <time>{eventTime(event.timeMs)}</time>
                <span>{eventText(event)}</span>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
