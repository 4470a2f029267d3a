/**
 * The log "Events": every transition, pointer move, trace event, refusal and flush, newest last; it follows unless scrolled back. An event has
 * a line, and one at a time is opened: told whole in its place, with what else there is to say of it, by a click, a touch or Enter. Arrows go from one to the next.
 * Those of which there is more to say are disclosures; the others, which a screen reader tells whole anyway, are items of a list and no more.
 */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { FocusEvent, KeyboardEvent, MouseEvent, Ref, UIEvent } from "react";
import { isFiltering } from "../state/event-filter.ts";
import { eventMore, eventText, eventTime, eventZone, tellsMore } from "../state/event-text.ts";
import type { LogEvent } from "../state/history.ts";
import type { FormatBytes } from "../state/units.ts";
import { useApp, useAppState, useFormat, useNarrow } from "./context.ts";
import { useFollow } from "./follow.ts";
import { rowOfKey, showRow, useRows } from "./use-rows.ts";

const ROW_HEIGHT = 22;
/** On a phone an event has two lines. */
const NARROW_ROW_HEIGHT = 38;
/** Rows beyond the view: what was said just now can be read out although it was scrolled away, and one that is open may be several rows high. */
const OVERSCAN = 30;

/** @param count how many events are listed, of the version that was told of */
export function EventList({ count }: { count: number }) {
  const app = useApp();
  const filtering = useAppState((state) => isFiltering(state.eventFilter));
  const moment = useAppState((state) => state.moment);
  const size = useFormat();
  const { events, matches } = app;
  /** The position in the log of the one that is open. */
  const [opened, setOpened] = useState<number | null>(null);
  const openIndex = opened === null ? -1 : indexOf(matches, opened);
  /** Whether the keyboard is on one of them. */
  const [reading, setReading] = useState(false);
  const { box, onScroll } = useFollow(openIndex >= 0 || reading || count === 0);
  const rowHeight = useNarrow() ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const rows = useRows(box, count, rowHeight, OVERSCAN);
  /** By how much the open one is higher than a row. */
  const [extra, setExtra] = useState(0);
  /** Whether its beginning was in view when the list was scrolled last. */
  const openSeen = useRef(false);
  const measured = useCallback(
    (row: HTMLDivElement) => {
      const list = box.current!;
      openSeen.current ||= isSeen(list, row);
      const look = (): void => {
        openSeen.current = isSeen(list, row);
      };
      // One that is seen stays so when the list becomes lower, or narrower.
      const observer = new ResizeObserver(() => {
        setExtra(row.offsetHeight - rowHeight);
        if (openSeen.current) showWhole(list, row);
      });
      observer.observe(row);
      observer.observe(list);
      list.addEventListener("scroll", look, { passive: true });
      return () => {
        observer.disconnect();
        list.removeEventListener("scroll", look);
      };
    },
    [box, rowHeight],
  );
  const drawn = useRef({ open: -1, extra: 0, rowHeight });
  useLayoutEffect(() => {
    drawn.current = { open: openIndex, extra, rowHeight };
  });
  /** Shows a row, whose place is lower where the open one is above it. */
  const showIndex = useCallback(
    (index: number): void => {
      const { open, extra: by, rowHeight: high } = drawn.current;
      showRow(box.current, index, high, 0, open >= 0 && open < index ? by : 0);
    },
    [box],
  );
  // Where rows have another height, the open one stays in view, or else the one on top.
  const before = useRef({ rowHeight, top: 0 });
  useLayoutEffect(() => {
    const { rowHeight: was, top } = before.current;
    before.current.rowHeight = rowHeight;
    if (was === rowHeight) return;
    const { open } = drawn.current;
    if (open >= 0 && openSeen.current) showIndex(open);
    else box.current?.scrollTo({ top: (top / was) * rowHeight, behavior: "instant" });
  }, [box, rowHeight, showIndex]);
  const onListScroll = (event: UIEvent<HTMLElement>): void => {
    before.current.top = event.currentTarget.scrollTop;
    onScroll(event);
  };
  /** The position of the one that is to have the keyboard as soon as it is in the document. */
  const wanted = useRef<number | null>(null);
  const focusWanted = useCallback((): void => {
    const text = wanted.current === null ? null : box.current?.querySelector<HTMLElement>(`[data-position="${wanted.current}"] .event-text`);
    if (!text) return;
    wanted.current = null;
    text.focus({ preventScroll: true });
  }, [box]);
  useLayoutEffect(focusWanted);
  // The list goes along with the moment that is shown.
  useEffect(() => {
    showIndex(moment === null ? matches.count() - 1 : Math.max(0, matches.lastBefore(moment)));
  }, [matches, moment, showIndex]);
  // One that is opened is seen whole.
  useLayoutEffect(() => {
    if (opened === null || box.current === null) return;
    const row = box.current.querySelector<HTMLElement>(`[data-position="${opened}"]`);
    if (row !== null) showWhole(box.current, row);
  }, [box, opened]);

  const onKeyDown = (event: KeyboardEvent<HTMLElement>): void => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || count === 0 || !(event.target instanceof HTMLElement)) return;
    const row = event.target.closest<HTMLElement>("[data-position]");
    if (event.key === "Escape" && row !== null && openIndex >= 0) return event.preventDefault(), setOpened(null);
    // What is no disclosure opens by the same keys.
    if ((event.key === "Enter" || event.key === " ") && event.target.matches("span.event-text")) return event.preventDefault(), event.target.click();
    if (row !== null && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      event.preventDefault();
      return row.querySelector<HTMLElement>(event.key === "ArrowLeft" ? "button" : ".event-text")?.focus();
    }
    const target = targetOf(event.key, row === null ? null : indexOf(matches, Number(row.dataset["position"])), event.currentTarget, rowHeight, count);
    if (target === null) return;
    event.preventDefault();
    wanted.current = matches.positionAt(target);
    showIndex(target);
    focusWanted();
  };
  const onFocus = ({ target, currentTarget }: FocusEvent<HTMLElement>): void => setReading(target !== currentTarget && target.matches(":focus-visible"));
  const onBlur = ({ relatedTarget, currentTarget }: FocusEvent<HTMLElement>): void => {
    if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) setReading(false);
  };

  const shown: number[] = [];
  for (let index = rows.first; index < rows.end; index++) shown.push(index);
  const more = openIndex >= 0 ? extra : 0;
  return (
    <div className="events" role="log" aria-label="Events" tabIndex={0} ref={box} onScroll={onListScroll} onKeyDown={onKeyDown} onFocus={onFocus} onBlur={onBlur}>
      {count === 0 && <p className="panel-empty">{filtering ? "No event matches the filter." : "Transitions, pointer moves and refusals are listed here as they happen."}</p>}
      <div style={{ height: count * rowHeight + more, position: "relative" }}>
        <div className="event-window" role={shown.length === 0 ? undefined : "list"} style={{ transform: `translateY(${rows.first * rowHeight + (openIndex < rows.first ? more : 0)}px)` }}>
          {shown.map((index) => {
            const position = matches.positionAt(index);
            const event = events.at(position - events.forgotten);
            if (event === undefined) return null;
            const open = position === opened;
            const when = moment === null ? "" : position >= moment ? " later" : position === moment - 1 ? " last" : "";
            return (
              <EventRow
                key={position}
                event={event}
                position={position}
                place={index + 1}
                of={count}
                when={when}
                size={size}
                open={open}
                ref={open ? measured : null}
                onOpen={() => setOpened(open ? null : position)}
              />
            );
          })}
        </div>
      </div>
    </div>
  );
}

interface RowProps {
  readonly event: LogEvent;
  readonly position: number;
  /** Its place in the list, from 1. */
  readonly place: number;
  readonly of: number;
  /** Class names of where it stands beside the moment that is shown. */
  readonly when: string;
  readonly size: FormatBytes;
  readonly open: boolean;
  readonly onOpen: () => void;
  readonly ref: Ref<HTMLDivElement>;
}

function EventRow({ event, position, place, of, when, size, open, onOpen, ref }: RowProps) {
  const app = useApp();
  const zone = eventZone(event);
  const text = eventText(event, size);
  const title = open ? undefined : text;
  const onText = (click: MouseEvent<HTMLElement>): void => {
    // Whether it is open is the page's, and not the element's.
    click.preventDefault();
    // Who marked words of it to copy them did not mean to close it.
    const marked = getSelection();
    if (open && marked !== null && !marked.isCollapsed && marked.containsNode(click.currentTarget, true)) click.stopPropagation();
    else onOpen();
  };
  return (
    <div
      ref={ref}
      role="listitem"
      aria-posinset={place}
      aria-setsize={of}
      data-position={position}
      className={`event ${event.type}${zone === null ? "" : " about-zone"}${open ? " open" : ""}${when}`}
      onClick={() => zone !== null && app.device.select(zone)}
    >
      <button type="button" tabIndex={-1} className="event-time" aria-label={`Show the moment ${eventTime(event.timeMs)}`} title="Show this moment" onClick={(click) => (click.stopPropagation(), app.time.seek(position + 1))}>
        {eventTime(event.timeMs)}
      </button>
      {tellsMore(event) ? (
        <details className="event-said" open={open}>
          <summary tabIndex={-1} className="event-text" title={title} onClick={onText}>
            {text}
          </summary>
          {open && eventMore(event).map((line) => <p key={line}>{line}</p>)}
        </details>
      ) : (
        <div className="event-said">
          <span tabIndex={-1} className="event-text" title={title} onClick={onText}>
            {text}
          </span>
        </div>
      )}
    </div>
  );
}

/** The place in the list of the event at a position of the log, -1 where it is not listed. */
function indexOf(matches: { lastBefore(position: number): number; positionAt(index: number): number }, position: number): number {
  const index = matches.lastBefore(position + 1);
  return index >= 0 && matches.positionAt(index) === position ? index : -1;
}

/** Which event a key leads to; null for another key. @param from the one that has the keyboard; null where the list has it: arrows come to what is in view */
function targetOf(key: string, from: number | null, box: HTMLElement, rowHeight: number, count: number): number | null {
  const within = (index: number): number => Math.max(0, Math.min(count - 1, index));
  const inView = Math.max(1, Math.floor(box.clientHeight / rowHeight));
  if (from === null) {
    if (key === "ArrowDown") return within(Math.ceil(box.scrollTop / rowHeight));
    return key === "ArrowUp" ? within(Math.floor((box.scrollTop + box.clientHeight) / rowHeight) - 1) : null;
  }
  return rowOfKey(key, from, count, inView - 1);
}

/** Whether the beginning of the row is in the box's view. */
function isSeen(box: HTMLElement, row: HTMLElement): boolean {
  const top = row.getBoundingClientRect().top - box.getBoundingClientRect().top;
  return top >= -1 && top < box.clientHeight;
}

/** Scrolls the box, and nothing around it, as little as shows the row; of one that is higher than the box its beginning. */
function showWhole(box: HTMLElement, row: HTMLElement): void {
  const outer = box.getBoundingClientRect();
  const inner = row.getBoundingClientRect();
  const below = inner.bottom - outer.top - box.clientHeight;
  const above = inner.top - outer.top;
  if (below > 0) box.scrollTo({ top: box.scrollTop + Math.min(below, above), behavior: "instant" });
  else if (above < 0) box.scrollTo({ top: box.scrollTop + above, behavior: "instant" });
}
