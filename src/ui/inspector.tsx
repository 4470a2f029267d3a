/** The inspector: a strip of tabs over the lower half of the page. Folded away, the strip is left; console and events stay where they are. */
import { ChevronDown, RotateCw } from "lucide-react";
import { Tabs } from "radix-ui";
import { useEffect, useRef, useState } from "react";
import type { App } from "../state/app.ts";
import { displayName } from "../state/device.ts";
import { visibleText } from "../state/visible-text.ts";
import { INSPECTOR_TABS } from "../state/inspector-state.ts";
import type { InspectorTab } from "../state/inspector-state.ts";
import { foundWords } from "./check-words.ts";
import { foldInspector } from "./commands.ts";
import { useApp, useAppState, useFormat } from "./context.ts";
import { InspectorDivider } from "./divider.tsx";
import { part } from "./part.tsx";
import { RangeStrip, SaveAsMenu, SaveStrip } from "./save-as-menu.tsx";

const CheckTab = part(async () => (await import("./check-tab.tsx")).CheckTab);
const CrashTab = part(async () => (await import("./crash-tab.tsx")).CrashTab);
const HeaderTab = part(async () => (await import("./header-tab.tsx")).HeaderTab);
const HexTab = part(async () => (await import("./hex-tab.tsx")).HexTab);
const LayoutTab = part(async () => (await import("./layout-tab.tsx")).LayoutTab);
const SnapshotsTab = part(async () => (await import("./snapshots-tab.tsx")).SnapshotsTab);
const TablesTab = part(async () => (await import("./tables-tab.tsx")).TablesTab);
const TerminalTab = part(async () => (await import("./terminal-tab.tsx")).TerminalTab);
const WorkloadTab = part(async () => (await import("./workload-tab.tsx")).WorkloadTab);

/** How long the device must be quiet before what changed in the file is read anew. */
const QUIET_MS = 500;

/** What a person begins to scroll with. */
const BEGINNINGS = ["wheel", "touchstart", "keydown", "pointerdown"] as const;

/**
 * Another text whenever the image may be another one. Looking into it has it flushed, so that a flush is no reason to look again.
 */
function changesOf(app: App): string {
  const { events, tape } = app;
  let index = events.length - 1;
  while (index >= 0 && events.at(index)?.type === "flush") index--;
  return `${tape.entries.length} ${events.at(index)?.seq ?? 0} ${app.store.getState().attached?.handle ?? -1}`;
}

const CONTENT: Readonly<Record<InspectorTab, () => React.ReactNode>> = {
  Header: () => <HeaderTab />,
  Layout: () => <LayoutTab />,
  Tables: () => <TablesTab />,
  Hex: () => <HexTab />,
  Check: () => <CheckTab />,
  Snapshots: () => <SnapshotsTab />,
  Workload: () => <WorkloadTab />,
  "Crash lab": () => <CrashTab />,
  Terminal: () => <TerminalTab />,
};

export function Inspector() {
  const app = useApp();
  const tab = useAppState((state) => state.inspector.tab);
  const file = useAppState((state) => state.inspector.file);
  const attached = useAppState((state) => state.attached?.file ?? null);
  const known = useAppState((state) => state.inspector.inspection !== null || state.inspector.failure !== null);
  useAppState((state) => state.eventsVersion);
  const changes = changesOf(app);
  const selected = useAppState((state) => state.selected);
  const open = tab !== null;
  const [range, setRange] = useState(false);
  const panel = useRef<HTMLDivElement>(null);
  const tabs = useRef<HTMLDivElement>(null);
  const ready = useAppState((state) => state.ready);
  const saving = useAppState((state) => state.inspector.save.running);
  const touched = useRef(false);
  /** The changes up to which the file was looked into by itself. */
  const seen = useRef("");

  useEffect(() => {
    if (open && file !== null && !known) void app.inspector.lookInto(file);
  }, [app, open, file, known]);
  useEffect(() => {
    if (!open || file !== attached) return;
    // Looking again ends what is under way over what was seen: a save is not lost for it, and what changed meanwhile is looked at behind it.
    if (saving || seen.current === `${file} ${changes}`) return;
    const timer = window.setTimeout(() => {
      seen.current = `${file} ${changes}`;
      void app.inspector.refresh();
    }, QUIET_MS);
    return () => window.clearTimeout(timer);
  }, [app, open, file, attached, changes, saving]);
  useEffect(() => {
    const { inspector } = app.store.getState();
    if (!open || !known || selected === null || file !== attached || inspector.place?.zone?.zone === selected) return;
    void app.inspector.followZone(selected);
  }, [app, open, known, selected, file, attached]);

  useEffect(() => {
    // Where the page scrolls, what was turned to is brought into view.
    if (open) panel.current?.scrollIntoView({ block: "nearest" });
    // Of more tabs than there is room for, the one that is turned to is seen.
    tabs.current?.querySelector('[data-state="active"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [tab, open]);
  useEffect(() => {
    // Once more when the regions above it have come, unless the person has begun to look elsewhere.
    if (ready) {
      if (open && !touched.current) panel.current?.scrollIntoView({ block: "nearest" });
      return;
    }
    const touch = (): void => {
      touched.current = true;
    };
    for (const kind of BEGINNINGS) window.addEventListener(kind, touch, { passive: true });
    return () => BEGINNINGS.forEach((kind) => window.removeEventListener(kind, touch));
    // eslint-disable-next-line react-hooks/exhaustive-deps -- turning to a tab later scrolls by itself
  }, [ready]);

  return (
    <Tabs.Root ref={panel} className={open ? "panel panel-inspector open" : "panel panel-inspector"} value={tab === null ? "" : wordOf(tab)} onValueChange={(value) => app.inspector.show(INSPECTOR_TABS.find((name) => wordOf(name) === value) ?? null)} activationMode="manual">
      {open && <InspectorDivider />}
      <div className="inspector-strip">
        <Tabs.List className="tabs" aria-label="Inspector" ref={tabs}>
          {INSPECTOR_TABS.map((name) => (
            <Tabs.Trigger key={name} value={wordOf(name)} className="tab" onClick={() => app.inspector.show(name)}>
              {name}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {open && file !== null && tab !== "Crash lab" && tab !== "Terminal" && (
          <p className="panel-note" title={visibleText(displayName(file))}>
            {visibleText(displayName(file))}
            {file === attached || attached !== null ? "" : ", not attached"}
          </p>
        )}
        {open && <CheckNote />}
        {open && (
          <div className="push head-tools">
            {file !== attached && attached !== null && (
              <button type="button" className="button quiet small back-to" onClick={() => void app.inspector.lookInto(attached)}>
                Back to {displayName(attached)}
              </button>
            )}
            <SaveAsMenu onRange={() => setRange(true)} />
            <button type="button" className="button quiet icon small" aria-label="Read the file again" title="Read the file again" disabled={saving} onClick={() => void app.inspector.refresh()}>
              <RotateCw size={14} aria-hidden="true" />
            </button>
            <button type="button" className="button quiet icon small" aria-label="Fold the inspector away" title="Fold the inspector away (I)" onClick={() => foldInspector(app)}>
              <ChevronDown size={15} aria-hidden="true" />
            </button>
          </div>
        )}
      </div>
      {tab !== null && (
        <Tabs.Content key={tab} value={wordOf(tab)} className="inspector-content" tabIndex={-1}>
          <Told tab={tab} />
        </Tabs.Content>
      )}
      {open && range && <RangeStrip key={file} onDone={() => setRange(false)} />}
      {open && <SaveStrip />}
      {open && known && tab !== "Workload" && tab !== "Crash lab" && tab !== "Terminal" && <PlaceStrip />}
    </Tabs.Root>
  );
}

/** A tab's name as a part of an id, which may have no space. */
const wordOf = (tab: InspectorTab): string => tab.replaceAll(" ", "-");

/** How far a check is, or what it found: told beside the tabs, for it may have begun by itself. */
function CheckNote() {
  const app = useApp();
  const { running, fraction, value, failure } = useAppState((state) => state.inspector.check);
  if (!running && value === null && failure === null) return null;
  const share = fraction === null ? "" : ` ${Math.floor(fraction * 100)}%`;
  const words = running ? `Checking${share}` : value === null ? "Not checked" : foundWords(value) || "No errors found";
  const bad = value !== null && value.corruptions > 0;
  return (
    <button type="button" className={bad ? "check-note bad" : "check-note"} onClick={() => app.inspector.show("Check")}>
      {words}
    </button>
  );
}

function Told({ tab }: { tab: InspectorTab }) {
  const file = useAppState((state) => state.inspector.file);
  const failure = useAppState((state) => state.inspector.failure);
  const inspection = useAppState((state) => state.inspector.inspection);
  // The labs and the terminal look into no file: a job is about the disk that is attached, a crash about a copy of its own.
  if (tab === "Workload" || tab === "Crash lab" || tab === "Terminal") return CONTENT[tab]();
  if (file === null) return <p className="panel-empty">Attach an image, or drop any file on the page, to see inside it.</p>;
  if (failure !== null) {
    return (
      <p className="panel-empty" role="alert">
        {failure.title}. {failure.why}
      </p>
    );
  }
  if (inspection === null) return <p className="panel-empty">Reading…</p>;
  return CONTENT[tab]();
}

/** The selection seen five ways; each part leads to the tab that shows it. */
function PlaceStrip() {
  const app = useApp();
  const place = useAppState((state) => state.inspector.place);
  const failure = useAppState((state) => state.inspector.placeFailure);
  const size = useFormat();
  if (failure !== null) return <p className="place-strip">{failure.why}</p>;
  if (place === null) return null;
  const { zone, guest, l2, hostCluster, hostOffset, spans } = place;
  const innermost = spans.at(-1);
  return (
    <div className="place-strip" role="group" aria-label="Selected place">
      {zone !== null && (
        <button type="button" onClick={() => void app.inspector.goTo({ zone: zone.zone })}>
          Zone {zone.zone}
        </button>
      )}
      {guest !== null && (
        <button type="button" onClick={() => void app.inspector.goTo({ guestOffset: guest.offset }, "Hex")}>
          Guest {size(guest.offset)}, {size(guest.lengthBytes)}
        </button>
      )}
      {l2 !== null && (
        <button type="button" onClick={() => void app.inspector.goTo({ hostOffset: l2.entryOffset }, "Tables")}>
          L2 entry {l2.index}
        </button>
      )}
      {hostCluster !== null && hostOffset !== null && (
        <button type="button" onClick={() => void app.inspector.goTo({ hostOffset }, "Layout")}>
          Cluster {hostCluster}
        </button>
      )}
      {hostOffset !== null ? (
        <button type="button" onClick={() => void app.inspector.goTo({ hostOffset }, "Hex")}>
          Byte 0x{hostOffset.toString(16)}
        </button>
      ) : (
        <span>stored nowhere</span>
      )}
      {innermost !== undefined && (
        <span className="place-what">
          {visibleText(innermost.structure)}
          {innermost.field === "" ? "" : `, ${visibleText(innermost.field)}`}
        </span>
      )}
    </div>
  );
}
