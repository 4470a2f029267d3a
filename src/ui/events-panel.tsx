/** The panel of the events: their list, what is listed, and ways to save it. */
import { Download, ListFilter } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { EVENT_KINDS, isFiltering, NO_FILTER } from "../state/event-filter.ts";
import type { EventFilter, EventKind } from "../state/event-filter.ts";
import { useMemo } from "react";
import { formatCount } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { EventList } from "./event-list.tsx";
import { Scrubber } from "./scrubber.tsx";

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
  const { events, matches } = app;
  matches.setFilter(filter);
  // Of the version that was told of, and not of this instant: a list that grew with every drawing would scroll, be drawn again for that, and
  // have grown again, sixty times a second.
  const count = useMemo(() => (version < 0 || !isFiltering(filter) ? events.length : matches.count()), [events, matches, filter, version]);

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
      <EventList count={count} />
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
