/** The tab "Tables": the L1 table, and the L2 table of the entry that is chosen: where each entry lies, what it says and leads to. */
import { useEffect, useRef, useState } from "react";
import type { KeyboardEvent } from "react";
import type { TableEntry } from "../protocol/index.ts";
import { formatCount, formatHex } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { useEntries } from "./use-entries.ts";
import { showRow, useKeptInView, useRows } from "./use-rows.ts";

const ROW_HEIGHT = 24;
/** Among so many entries of the L1 table a first L2 table is looked for. */
const FIRST_ENTRIES = 256;

const KINDS: Readonly<Record<TableEntry["kind"], string>> = {
  none: "none",
  "l2-table": "L2 table",
  data: "data",
  zero: "zeros",
  "zero-allocated": "zeros, allocated",
  compressed: "compressed",
  "unallocated-placed": "placed, not allocated",
  subclusters: "subclusters",
};

export function TablesTab() {
  const app = useApp();
  const l1Index = useAppState((state) => state.inspector.l1Index);
  const place = useAppState((state) => state.inspector.place);
  const isQcow2 = useAppState((state) => state.inspector.inspection?.identity.container === "qcow2");
  const generation = useAppState((state) => state.inspector.generation);
  useEffect(() => {
    // Nothing was chosen yet: the first L2 table is shown, for most files have one alone.
    if (l1Index !== null || !isQcow2) return;
    let wanted = true;
    void app.inspector.tableEntries(null, 0, FIRST_ENTRIES).then((outcome) => {
      const first = outcome?.ok === true ? outcome.value.entries.find(({ kind }) => kind === "l2-table") : undefined;
      if (wanted && first !== undefined) app.inspector.showL1(first.index);
    });
    return () => {
      wanted = false;
    };
  }, [app, l1Index, isQcow2, generation]);
  if (!isQcow2) return <p className="panel-empty">Only qcow2 images have L1 and L2 tables.</p>;
  return (
    <div className="tables">
      <EntryList name="L1 table" l1Index={null} selected={l1Index ?? place?.l1?.index ?? null} onSelect={(entry) => (app.inspector.showL1(entry.index), void app.inspector.goTo({ hostOffset: entry.hostOffset }))} />
      <EntryList
        name={l1Index === null ? "L2 table" : `L2 table of L1 entry ${l1Index}`}
        l1Index={l1Index ?? "none"}
        selected={place !== null && place.l1?.index === l1Index ? (place.l2?.index ?? null) : null}
        onSelect={(entry) => void app.inspector.goTo({ hostOffset: entry.hostOffset })}
      />
    </div>
  );
}

interface ListProps {
  readonly name: string;
  readonly l1Index: number | null | "none";
  readonly selected: number | null;
  readonly onSelect: (entry: TableEntry) => void;
}

function EntryList({ name, l1Index, selected, onSelect }: ListProps) {
  const app = useApp();
  const generation = useAppState((state) => state.inspector.generation);
  const box = useRef<HTMLDivElement>(null);
  const [total, setTotal] = useState(0);
  const rows = useRows(box, total, ROW_HEIGHT, 8);
  const entries = useEntries(app, l1Index, generation, rows.first, Math.max(rows.end, rows.first + 1));
  if (entries.total !== total) setTotal(entries.total);
  useEffect(() => {
    if (selected !== null && selected < total) showRow(box.current, selected, ROW_HEIGHT, 0);
  }, [selected, total]);
  useKeptInView(box, selected !== null && selected < total ? selected : -1, ROW_HEIGHT, 0);
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step === 0 || total === 0) return;
    event.preventDefault();
    const entry = entries.at(Math.max(0, Math.min(total - 1, (selected ?? -1) + step)));
    if (entry !== null) onSelect(entry);
  };
  const shown: number[] = [];
  for (let index = rows.first; index < rows.end; index++) shown.push(index);
  return (
    <section className="entries" aria-label={name}>
      <h3>
        {name}
        {total > 0 && <span className="quiet">, {total === 1 ? "1 entry" : `${formatCount(total)} entries`}</span>}
      </h3>
      {l1Index === "none" && <p className="panel-empty">Choose an entry of the L1 table.</p>}
      {entries.failure !== null && <p className="inspector-alert">{entries.failure}</p>}
      {l1Index !== "none" && entries.failure === null && total === 0 && <p className="panel-empty">There is no table here.</p>}
      <div className="inspector-scroll" ref={box} tabIndex={0} role="listbox" aria-label={`Entries of the ${name}`} aria-activedescendant={selected === null ? undefined : `${idOf(l1Index)}-${selected}`} onKeyDown={onKeyDown}>
        <div style={{ height: total * ROW_HEIGHT, paddingTop: rows.first * ROW_HEIGHT }} role="presentation">
          {shown.map((index) => {
            const entry = entries.at(index);
            return (
              <div key={index} id={`${idOf(l1Index)}-${index}`} role="option" aria-selected={index === selected} aria-setsize={total} aria-posinset={index + 1} className="entry" style={{ height: ROW_HEIGHT }} onClick={() => entry !== null && onSelect(entry)}>
                <span className="entry-index mono">{index}</span>
                {entry === null ? <span className="quiet">…</span> : <Entry entry={entry} />}
              </div>
            );
          })}
        </div>
      </div>
    </section>
  );
}

const idOf = (l1Index: number | null | "none"): string => (l1Index === null ? "l1-entry" : "l2-entry");

function Entry({ entry }: { entry: TableEntry }) {
  return (
    <>
      <span className={`entry-kind ${entry.kind}`}>{KINDS[entry.kind]}</span>
      {entry.subclusters !== null && <Subclusters letters={entry.subclusters} />}
      <span className="mono" title={`Guest offset ${formatHex(entry.guestOffset)}; the entry, at ${formatHex(entry.hostOffset)}, is ${entry.raw}`}>
        {entry.target === null ? "" : `→ ${formatHex(entry.target)}`}
        {entry.compressedBytes === null ? "" : `, ${formatCount(entry.compressedBytes)} bytes`}
      </span>
      <span className="quiet">
        {entry.refcount === null ? "" : `×${formatCount(entry.refcount)}`}
        {entry.copied ? " copied" : ""}
      </span>
      {entry.problem !== null && <span className="entry-problem">{entry.problem.field}: {entry.problem.found}</span>}
      <span className="quiet mono push">
        <span className="entry-word">guest </span>
        {formatHex(entry.guestOffset)}
      </span>
    </>
  );
}

const SUBCLUSTER_NAMES: Readonly<Record<string, string>> = { d: "data", z: "zeros", ".": "none", p: "placed", "!": "both" };

/** 32 subclusters as a bar; told in words by its name. */
function Subclusters({ letters }: { letters: string }) {
  const told = Object.entries(SUBCLUSTER_NAMES)
    .map(([letter, word]) => ({ count: [...letters].filter((other) => other === letter).length, word }))
    .filter(({ count }) => count > 0)
    .map(({ count, word }) => `${count} ${word}`)
    .join(", ");
  return (
    <svg className="subclusters" width={letters.length * 4} height="12" role="img" aria-label={told}>
      <title>{told}</title>
      {[...letters].map((letter, index) => (
        <rect key={index} x={index * 4 + 0.5} y="0.5" width="3" height="11" className={letter === "d" ? "sub-data" : letter === "z" ? "sub-zero" : letter === "!" ? "sub-both" : "sub-none"} />
      ))}
    </svg>
  );
}
