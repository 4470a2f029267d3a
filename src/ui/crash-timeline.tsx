/** The writes of a flush as a list with its barriers, and the moment at which the power fails: a line that is dragged, or moved by keys. */
import { Zap } from "lucide-react";
import { useEffect, useRef } from "react";
import { pendingAt } from "../state/crash-state.ts";
import type { CrashRun } from "../state/crash-state.ts";
import { servesWords, writeName } from "../state/crash-text.ts";
import type { CrashKept, CrashRecord, CrashWrite } from "../protocol/index.ts";
import { useApp, useAppState, useFormat } from "./context.ts";

/** As in crash.css. */
const ROW_HEIGHT = 24;
/** Between the rows the line has room of its own: its words cover none of theirs. */
const CUT_HEIGHT = 20;

export function CrashTimeline({ run }: { run: CrashRun }) {
  const cut = useAppState((state) => state.crash.cut);
  const kept = useAppState((state) => state.crash.kept);
  const { records } = run;
  const pending = new Set(pendingAt(records, cut).map(({ record }) => record));
  return (
    <div className="crash-timeline" role="group" aria-label="Writes of the flush">
      <div className="crash-rows" style={{ paddingBottom: cut === records.length ? CUT_HEIGHT : 0 }}>
        {records.map((record, index) => (
          <Row key={record.record} record={record} belowCut={index === cut} standing={standingOf(record, cut, pending)} kept={kept.find((each) => each.record === record.record) ?? null} />
        ))}
        <CutLine run={run} />
      </div>
    </div>
  );
}

type Standing = "durable" | "pending" | "unsent";

const standingOf = ({ record }: CrashRecord, cut: number, pending: ReadonlySet<number>): Standing => (record > cut ? "unsent" : pending.has(record) ? "pending" : "durable");

/** @param belowCut whether the line is right above it */
function Row({ record, belowCut, standing, kept }: { record: CrashRecord; belowCut: boolean; standing: Standing; kept: CrashKept | null }) {
  const row = belowCut ? "crash-row below-cut" : "crash-row";
  if (record.type === "barrier") {
    return (
      <div className={`${row} barrier ${standing}`}>
        <span className="crash-number">{record.record}</span>
        <span className="crash-barrier">barrier: what is above it is on the disk</span>
      </div>
    );
  }
  return standing === "pending" ? <PendingRow row={row} write={record} kept={kept} /> : <FixedRow row={row} write={record} standing={standing} />;
}

function Facts({ write }: { write: CrashWrite }) {
  const size = useFormat();
  return (
    <>
      <span className="crash-number">{write.record}</span>
      <span className={`crash-kind ${familyOf(write)}`}>{writeName(write)}</span>
      <span className="crash-size">{size(write.lengthBytes)}</span>
      <span className="crash-serves" title={servesWords(write)}>
        {servesWords(write)}
      </span>
    </>
  );
}

/** Data, counts, entries, pointers: what a glance tells apart. */
function familyOf({ kind }: CrashWrite): string {
  switch (kind) {
    case "data":
      return "is-data";
    case "reset-pointers":
    case "advanced-pointers":
      return "is-pointers";
    case "mappings":
    case "new-l2-tables":
      return "is-entries";
    default:
      return "is-counts";
  }
}

function FixedRow({ row, write, standing }: { row: string; write: CrashWrite; standing: Standing }) {
  return (
    <div className={`${row} ${standing}`}>
      <Facts write={write} />
      <span className="crash-fate">{standing === "durable" ? "on the disk" : "not sent"}</span>
    </div>
  );
}

/** A write on its way: whether it reached the disk is the person's to say. */
function PendingRow({ row, write, kept }: { row: string; write: CrashWrite; kept: CrashKept | null }) {
  const app = useApp();
  const torn = kept !== null && kept.sectors !== null;
  const fate = kept === null ? "lost" : torn ? `${kept.sectors.length} of ${write.sectors} sectors` : "reached it";
  return (
    <label className={`${row} pending ${kept === null ? "lost" : "kept"}`}>
      <Facts write={write} />
      <span className="crash-fate">
        {fate}
        <input
          type="checkbox"
          checked={kept !== null}
          ref={(input) => {
            if (input !== null) input.indeterminate = torn;
          }}
          aria-label={`Record ${write.record}, ${writeName(write)}, reached the disk`}
          onChange={(event) => app.crash.keep(write.record, event.target.checked)}
        />
      </span>
    </label>
  );
}

const KEYS: Readonly<Record<string, (cut: number, last: number) => number>> = {
  ArrowDown: (cut) => cut + 1,
  ArrowRight: (cut) => cut + 1,
  ArrowUp: (cut) => cut - 1,
  ArrowLeft: (cut) => cut - 1,
  PageDown: (cut) => cut + 5,
  PageUp: (cut) => cut - 5,
  Home: () => 0,
  End: (_cut, last) => last,
};

function CutLine({ run }: { run: CrashRun }) {
  const app = useApp();
  const cut = useAppState((state) => state.crash.cut);
  const line = useRef<HTMLDivElement>(null);
  const last = run.records.length;
  useEffect(() => {
    // Moved by keys it stays in view; a pointer sees where it goes.
    if (document.activeElement === line.current) line.current?.scrollIntoView({ block: "nearest" });
  }, [cut]);
  const follow = (clientY: number): void => {
    const rows = line.current?.parentElement;
    if (rows) app.crash.moveCut(Math.round((clientY - rows.getBoundingClientRect().top - CUT_HEIGHT / 2) / ROW_HEIGHT));
  };
  const words = cut === 0 ? "before the first record" : cut === last ? "behind the last record" : `behind record ${cut} of ${last}`;
  return (
    <div
      ref={line}
      className="crash-cut"
      style={{ top: cut * ROW_HEIGHT }}
      role="slider"
      tabIndex={0}
      aria-label="Where the power fails"
      aria-orientation="vertical"
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={cut}
      aria-valuetext={words}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        event.currentTarget.focus({ preventScroll: true });
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) follow(event.clientY);
      }}
      onKeyDown={(event) => {
        const move = KEYS[event.key];
        if (move === undefined) return;
        event.preventDefault();
        app.crash.moveCut(move(cut, last));
      }}
    >
      <span className="crash-handle">
        <Zap size={12} aria-hidden="true" /> power fails
      </span>
    </div>
  );
}
