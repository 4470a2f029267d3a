/** The tab "Hex": the file's bytes or the disk's, any offset, what each byte is, search, and copying. */
import { useEffect, useRef, useState } from "react";
import type { KeyboardEvent } from "react";
import { copiedText, hexByte, parseNeedle, parseOffset, rowScale } from "../state/hex.ts";
import { textOf } from "../state/failure-text.ts";
import { visibleText } from "../state/visible-text.ts";
import { formatCount, formatHex } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { useBytes } from "./use-bytes.ts";
import type { ShownBytes } from "./use-bytes.ts";
import { useBoxSize } from "./use-painter.ts";

const ROW_HEIGHT = 20;
/** From this width on a row has sixteen bytes. */
const WIDE = 620;
const MOST_COPIED = 65536;

export function HexTab() {
  const app = useApp();
  const view = useAppState((state) => state.inspector.hexView);
  const generation = useAppState((state) => state.inspector.generation);
  const place = useAppState((state) => state.inspector.place);
  const box = useRef<HTMLDivElement>(null);
  const size = useBoxSize(box);
  const columns = size.width >= WIDE ? 16 : 8;
  const [top, setTop] = useState(0);
  /** Where the box was scrolled to from here: its own scroll event says nothing new, and a pixel may be many rows. */
  const scrolled = useRef(0);
  /** The other end of what is marked for copying; null for the selected byte alone. */
  const [anchor, setAnchor] = useState<number | null>(null);
  const visible = Math.max(1, Math.ceil(size.height / ROW_HEIGHT));
  const row = Math.floor(top / columns);
  const bytes = useBytes(app, view, generation, row * columns, (row + visible) * columns);
  const rows = Math.ceil(bytes.total / columns);
  const scale = rowScale(rows, ROW_HEIGHT, size.height);
  const selected = view === "host" ? (place?.hostOffset ?? null) : (place?.guest?.offset ?? null);

  const scrollTo = (next: number): void => {
    const bounded = Math.max(0, Math.min(Math.max(0, rows - visible + 1), next));
    setTop(bounded * columns);
    if (box.current === null) return;
    box.current.scrollTop = scale.topOf(bounded);
    scrolled.current = box.current.scrollTop;
  };
  // What is selected elsewhere is brought into view.
  useEffect(() => {
    if (selected === null || bytes.total === 0) return;
    const wanted = Math.floor(selected / columns);
    if (wanted < row || wanted >= row + visible - 1) app.frame.request(() => scrollTo(wanted - 2));
    // eslint-disable-next-line react-hooks/exhaustive-deps -- scrolling away from what is selected is not undone
  }, [selected, bytes.total, columns, view]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    // A row a notch, however long the file is.
    const onWheel = (event: WheelEvent): void => {
      if (event.ctrlKey || event.deltaY === 0) return;
      event.preventDefault();
      scrollTo(row + Math.sign(event.deltaY) * Math.max(1, Math.round(Math.abs(event.deltaY) / ROW_HEIGHT)));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  });

  const select = (offset: number, extend: boolean): void => {
    if (offset < 0 || offset >= bytes.total) return;
    setAnchor(extend ? (anchor ?? selected) : null);
    void app.inspector.goTo(view === "host" ? { hostOffset: offset } : { guestOffset: offset });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, visible - 2) * columns;
    const steps: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, PageUp: -page, PageDown: page };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    select(Math.max(0, Math.min(bytes.total - 1, (selected ?? top) + step)), event.shiftKey);
  };
  const onScroll = (event: React.UIEvent): void => {
    const { scrollTop } = event.currentTarget;
    if (scrollTop === scrolled.current) return;
    scrolled.current = scrollTop;
    setTop(scale.rowAt(scrollTop) * columns);
  };
  const range = selected === null ? null : ([Math.min(selected, anchor ?? selected), Math.max(selected, anchor ?? selected) + 1] as const);
  const copy = async (): Promise<void> => {
    if (range === null) return;
    const outcome = await app.inspector.bytesAt(view, range[0], Math.min(MOST_COPIED, range[1] - range[0]));
    if (outcome?.ok === true) await navigator.clipboard.writeText(copiedText(outcome.value.data));
  };
  const span = selected === null ? null : bytes.spanAt(selected);
  const shown: number[] = [];
  for (let index = row; index < Math.min(rows, row + visible); index++) shown.push(index);

  return (
    <div className="inspector-column">
      <div className="inspector-tools">
        <div className="segmented" role="radiogroup" aria-label="View">
          {(["host", "guest"] as const).map((choice) => (
            <button key={choice} type="button" role="radio" aria-checked={view === choice} data-state={view === choice ? "checked" : "unchecked"} onClick={() => (setAnchor(null), app.inspector.setHexView(choice))}>
              {choice === "host" ? "File" : "Disk"}
            </button>
          ))}
        </div>
        <GoToBox from={selected ?? 0} total={bytes.total} onGo={(offset) => select(offset, false)} />
        <SearchBox from={selected ?? 0} onFound={(offset) => select(offset, false)} />
        <button type="button" className="button small" disabled={range === null} onClick={() => void copy()}>
          Copy {range === null ? "" : `${formatCount(range[1] - range[0])} B`}
        </button>
      </div>
      {bytes.failure !== null && <p className="inspector-alert">{bytes.failure}</p>}
      <div className="hex-scroll" ref={box} tabIndex={0} role="group" aria-label={view === "host" ? "Bytes of the file" : "Bytes of the disk"} aria-describedby="hex-told" onKeyDown={onKeyDown} onScroll={onScroll}>
        <div style={{ height: scale.height }}>
          <div className="hex-window" style={{ height: size.height }}>
            {shown.map((index) => (
              <HexRow key={index} offset={index * columns} columns={columns} bytes={bytes} range={range} onSelect={select} />
            ))}
          </div>
        </div>
      </div>
      <p className="hex-told" id="hex-told" role="status">
        {selected === null ? `${formatCount(bytes.total)} bytes. Click one to learn what it is.` : `${view === "host" ? "File" : "Disk"} offset ${formatHex(selected)} (${formatCount(selected)})${span === null ? "" : `: ${visibleText(span.structure)}${span.field === "" ? "" : `, ${visibleText(span.field)}`}, ${formatCount(span.lengthBytes)} bytes from ${formatHex(span.hostOffset)}`}`}
      </p>
    </div>
  );
}

/** Structures alternate in two grounds, and metadata has an underline: what belongs together is seen, whatever it is. */
function classOf(bytes: ShownBytes, offset: number): string {
  const span = bytes.spanAt(offset);
  if (span === null) return "";
  if (/data|unused|free/i.test(span.structure)) return "";
  return Math.floor(span.hostOffset / Math.max(1, span.lengthBytes)) % 2 === 0 ? "meta even" : "meta odd";
}

interface RowProps {
  readonly offset: number;
  readonly columns: number;
  readonly bytes: ShownBytes;
  readonly range: readonly [number, number] | null;
  readonly onSelect: (offset: number, extend: boolean) => void;
}

function HexRow({ offset, columns, bytes, range, onSelect }: RowProps) {
  const cells: { readonly at: number; readonly byte: number; readonly look: string }[] = [];
  for (let at = offset; at < Math.min(bytes.total, offset + columns); at++) {
    const byte = bytes.byteAt(at);
    if (byte === null) break;
    const marked = range !== null && at >= range[0] && at < range[1] ? " marked" : "";
    cells.push({ at, byte, look: `${classOf(bytes, at)}${byte === 0 ? " zero" : ""}${marked}` });
  }
  const onClick = (event: React.MouseEvent): void => {
    const at = (event.target as HTMLElement).dataset["at"];
    if (at !== undefined) onSelect(Number(at), event.shiftKey);
  };
  return (
    <div className="hex-row mono" style={{ height: ROW_HEIGHT }} onClick={onClick}>
      <span className="hex-offset">{offset.toString(16).padStart(10, "0")}</span>
      <span className="hex-bytes">
        {cells.map(({ at, byte, look }) => (
          <span key={at} data-at={at} className={look}>
            {hexByte(byte)}
          </span>
        ))}
        {cells.length === 0 && "…"}
      </span>
      <span className="hex-text" aria-hidden="true">
        {cells.map(({ at, byte, look }) => (
          <span key={at} data-at={at} className={look}>
            {byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·"}
          </span>
        ))}
      </span>
    </div>
  );
}

function GoToBox({ from, total, onGo }: { from: number; total: number; onGo: (offset: number) => void }) {
  const [text, setText] = useState("");
  const offset = parseOffset(text, from);
  const wrong = text.trim() !== "" && (offset === null || offset >= total);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (offset !== null && !wrong) onGo(offset);
      }}
    >
      <input className="input search" aria-label="Go to offset" title="0x10000, 64k, 1.5G, 128s in sectors, +4k from here" placeholder="0x10000, 64k" autoComplete="off" spellCheck={false} aria-invalid={wrong} value={text} onChange={(event) => setText(event.target.value)} />
    </form>
  );
}

function SearchBox({ from, onFound }: { from: number; onFound: (offset: number) => void }) {
  const app = useApp();
  const view = useAppState((state) => state.inspector.hexView);
  const [text, setText] = useState("");
  const [hex, setHex] = useState(false);
  const [told, setTold] = useState("");
  const [searching, setSearching] = useState(false);
  const needle = text === "" ? null : parseNeedle(text, hex);
  const search = async (backwards: boolean): Promise<void> => {
    if (needle === null || searching) return;
    setSearching(true);
    setTold("Searching…");
    const outcome = await app.inspector.search(view, needle, backwards ? from : from + 1, backwards);
    setSearching(false);
    if (outcome === null) return;
    if (!outcome.ok) return setTold(outcome.error.kind === "cancelled" ? "Cancelled" : textOf(outcome.error).why);
    const { offset } = outcome.value;
    setTold(offset === null ? (backwards ? "Not found before this" : "Not found behind this") : `Found at ${formatHex(offset)}`);
    if (offset !== null) onFound(offset);
  };
  return (
    <form
      className="hex-search"
      onSubmit={(event) => {
        event.preventDefault();
        void search(false);
      }}
    >
      <input className="input search" aria-label="Search bytes" placeholder={hex ? "51 46 49 fb" : "Search text"} autoComplete="off" spellCheck={false} aria-invalid={text !== "" && needle === null} value={text} onChange={(event) => setText(event.target.value)} />
      <label className="check">
        <input type="checkbox" checked={hex} onChange={(event) => setHex(event.target.checked)} /> hex
      </label>
      {searching ? (
        <button type="button" className="button small" onClick={() => app.inspector.cancel("search")}>
          Cancel
        </button>
      ) : (
        <>
          <button type="submit" className="button small" disabled={needle === null}>
            Next
          </button>
          <button type="button" className="button small" disabled={needle === null} onClick={() => void search(true)}>
            Previous
          </button>
        </>
      )}
      <span role="status" className="quiet">
        {told}
      </span>
    </form>
  );
}
