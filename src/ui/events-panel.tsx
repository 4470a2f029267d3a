/** The log "Events": every transition, pointer move, trace event, refusal and flush, newest last; it follows unless scrolled back. */
import { Download, ListFilter } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { EVENT_KINDS, isFiltering, NO_FILTER } from "../state/event-filter.ts";
import type { EventFilter, EventKind } from "../state/event-filter.ts";
import { useEffect, useMemo } from "react";
import { eventText, eventTime, eventZone } from "../state/event-text.ts";
import { formatCount } from "../state/units.ts";
import { useApp, useAppState, useFormat, useNarrow } from "./context.ts";
import { useFollow } from "./follow.ts";
import { Scrubber } from "./scrubber.tsx";
import { showRow, useRows } from "./use-rows.ts";

const ROW_HEIGHT = 22;
/** On a phone an event has two lines: there is no pointer that would tell the rest of it. */
const NARROW_ROW_HEIGHT = 38;
/** Rows beyond the view: what was said just now can be read out although it was scrolled away. */
const OVERSCAN = 30;

const KIND_NAMES: Readonly<Record<EventKind, string>> = {
  transition: "Transitions",
  pointer: "Pointer moves",
  refusal: "Refusals",
  trace: "Trace events",
  flush: "Flushes",
};

export function EventsPanel() {
  const app = useApp();
  const version = useAppState((state) => state.eventsVersion);
  const filter = useAppState((state) => state.eventFilter);
  const moment = useAppState((state) => state.moment);
  const size = useFormat();
  const { events, matches } = app;
  matches.setFilter(filter);
  // Of the version that was told of, and not of this instant: a list that grew with every drawing would scroll, be drawn again for that, and
  // have grown again, sixty times a second.
  const count = useMemo(() => (version < 0 || !isFiltering(filter) ? events.length : matches.count()), [events, matches, filter, version]);
  const { box, onScroll } = useFollow();
  const rowHeight = useNarrow() ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const rows = useRows(box, count, rowHeight, OVERSCAN);
  // The list goes along with the moment that is shown.
  useEffect(() => {
    showRow(box.current, moment === null ? matches.count() - 1 : Math.max(0, matches.lastBefore(moment)), rowHeight, 0);
  }, [box, matches, moment, rowHeight]);
  const shown: number[] = [];
  for (let index = rows.first; index < rows.end; index++) shown.push(matches.positionAt(index));

  return (
    <div className="panel panel-events">
      <div className="panel-head">
        <h2 className="panel-title">Events</h2>
        <p className="panel-note">{events.length === 0 ? "" : isFiltering(filter) ? `${formatCount(count)} of ${formatCount(events.length)}` : formatCount(events.length)}</p>
        <div className="push head-tools">
          <input
            className="input search"
            type="search"
            aria-label="Find events"
            placeholder="Find"
            autoComplete="off"
            spellCheck={false}
            value={filter.words}
            onChange={(event) => app.page.setEventFilter({ ...filter, words: event.target.value.toLowerCase() })}
          />
          <FilterMenu filter={filter} />
          <SaveMenu events={count > 0} commands={app.tape.hasBegun(moment ?? Infinity)} />
        </div>
      </div>
      <div className="events" role="log" aria-label="Events" tabIndex={0} ref={box} onScroll={onScroll}>
        {count === 0 && <p className="panel-empty">{isFiltering(filter) ? "No event matches the filter." : "Transitions, pointer moves and refusals are listed here as they happen."}</p>}
        <div style={{ height: count * rowHeight, position: "relative" }}>
          <div className="event-window" style={{ transform: `translateY(${rows.first * rowHeight}px)` }}>
            {shown.map((position) => {
              const event = events.at(position - events.forgotten);
              if (event === undefined) return null;
              const zone = eventZone(event);
              const text = eventText(event, size);
              const later = moment !== null && position >= moment;
              const last = moment !== null && position === moment - 1;
              return (
                <div key={position} className={`event ${event.type}${zone === null ? "" : " about-zone"}${later ? " later" : ""}${last ? " last" : ""}`} onClick={() => zone !== null && app.device.select(zone)}>
                  <button type="button" tabIndex={-1} className="event-time" aria-label={`Show the moment ${eventTime(event.timeMs)}`} title="Show this moment" onClick={(click) => (click.stopPropagation(), app.time.seek(position + 1))}>
                    {eventTime(event.timeMs)}
                  </button>
                  <span title={text}>{text}</span>
                </div>
              );
            })}
          </div>
        </div>
      </div>
      <Scrubber />
    </div>
  );
}

function FilterMenu({ filter }: { filter: EventFilter }) {
  const app = useApp();
  const selected = useAppState((state) => state.selected);
  const on = filter.kinds.length > 0 || filter.zone !== null;
  const toggle = (kind: EventKind): void => {
    const kinds = filter.kinds.includes(kind) ? filter.kinds.filter((other) => other !== kind) : [...filter.kinds, kind];
    app.page.setEventFilter({ ...filter, kinds: kinds.length === EVENT_KINDS.length ? [] : kinds });
  };
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className={on ? "button quiet icon small on" : "button quiet icon small"} aria-label={on ? "Filter events, filtered" : "Filter events"}>
        <ListFilter size={15} aria-hidden="true" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu narrow" align="end" sideOffset={4}>
          {EVENT_KINDS.map((kind) => (
            <DropdownMenu.CheckboxItem key={kind} className="menu-item" checked={filter.kinds.includes(kind)} onSelect={(event) => event.preventDefault()} onCheckedChange={() => toggle(kind)}>
              <Mark /> {KIND_NAMES[kind]}
            </DropdownMenu.CheckboxItem>
          ))}
          <DropdownMenu.Separator className="menu-line" />
          <DropdownMenu.CheckboxItem
            className="menu-item"
            disabled={selected === null && filter.zone === null}
            checked={filter.zone !== null}
            onSelect={(event) => event.preventDefault()}
            onCheckedChange={(checked) => app.page.setEventFilter({ ...filter, zone: checked ? selected : null })}
          >
            <Mark /> Only zone {filter.zone ?? selected ?? 0}
          </DropdownMenu.CheckboxItem>
          <DropdownMenu.Separator className="menu-line" />
          <DropdownMenu.Item className="menu-item" disabled={!isFiltering(filter)} onSelect={() => app.page.setEventFilter(NO_FILTER)}>
            Show all
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** The box of a menu's checkbox item, filled while it is checked. */
export function Mark() {
  return <span className="check-box" aria-hidden="true" />;
}

/** @param events whether any is listed; commands likewise, up to the moment that is shown */
function SaveMenu({ events, commands }: { events: boolean; commands: boolean }) {
  const app = useApp();
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button quiet icon small" aria-label="Save events" title={events || commands ? undefined : "Nothing is listed that could be saved"} disabled={!events && !commands}>
        <Download size={15} aria-hidden="true" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu narrow" align="end" sideOffset={4}>
          <DropdownMenu.Item className="menu-item" disabled={!events} onSelect={() => app.time.save("jsonl")}>
            Listed events as JSON Lines
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" disabled={!commands} onSelect={() => app.time.save("qemu-io")}>
            Commands as a qemu-io script
          </DropdownMenu.Item>
          <DropdownMenu.Item className="menu-item" disabled={!commands} onSelect={() => app.time.save("blkzone")}>
            Commands as a blkzone script
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
