/** The region "Link" above the others: the link's script beside what each line did, the transport, and the ways out. */
import { BookOpen, ChevronDown, ChevronRight, HardDriveDownload, LogOut } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import type { LinkHouse } from "../state/link-house.ts";
import type { Playback } from "../state/playback.ts";
import { useAppState, useFormat, useHouses, useNarrow } from "./context.ts";
import { CurrentLine, markedRow, Transport, usePlayback } from "./transport.tsx";
import { showRow, useRows } from "./use-rows.ts";

const ICON = 15;
const ROW_HEIGHT = 22;
/** Where there is no room beside a line, what it did stands below it. */
const NARROW_ROW_HEIGHT = 40;
const OVERSCAN = 10;
const WORD = "Its disk is in memory; your images are not touched.";

export function LinkStrip({ house: { playback, link } }: { house: LinkHouse }) {
  const houses = useHouses();
  const plays = playback.commandCount > 0;
  const narrow = useNarrow();
  const [open, setOpen] = useState(!narrow); // There is room for the regions or the script, not for both.
  const attached = useAppState((state) => state.attached !== null);
  const done = usePlayback(playback, (state) => state.done);
  const share = playback.commandCount === 0 ? 0 : done / playback.commandCount;
  return (
    <section className="link-strip" aria-label="Link">
      <div className="link-head">
        {playback.rows.length > 0 && (
          <button type="button" className="button quiet icon small" aria-label={open ? "Fold the script" : "Show the script"} aria-expanded={open} onClick={() => setOpen(!open)}>
            {open ? <ChevronDown size={ICON} aria-hidden="true" /> : <ChevronRight size={ICON} aria-hidden="true" />}
          </button>
        )}
        <h2 className="panel-title">Link</h2>
        {plays && <Transport playback={playback} />}
        {!plays || (open && !narrow) ? <p className="current-line link-word">{plays ? WORD : `A lesson. ${WORD}`}</p> : <CurrentLine playback={playback} />}
        <div className="link-ways">
          {link.lessonText !== null && (
            <button type="button" className="button quiet" onClick={() => void houses.keepLesson()}>
              <BookOpen size={ICON} aria-hidden="true" />
              Keep lesson
            </button>
          )}
          <button type="button" className="button quiet" disabled={!attached} onClick={() => void houses.keep()}>
            <HardDriveDownload size={ICON} aria-hidden="true" />
            Keep as image
          </button>
          <button type="button" className="button quiet" onClick={() => houses.leave()}>
            <LogOut size={ICON} aria-hidden="true" />
            Leave
          </button>
        </div>
      </div>
      {plays && (
        <div className="link-progress" aria-hidden="true">
          <div style={{ transform: `scaleX(${share})` }} />
        </div>
      )}
      {open && playback.rows.length > 0 && <Script playback={playback} />}
    </section>
  );
}

function Script({ playback }: { playback: Playback }) {
  const box = useRef<HTMLDivElement>(null);
  const { rows } = playback;
  const rowHeight = useNarrow() ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const running = usePlayback(playback, (state) => state.running);
  const done = usePlayback(playback, (state) => state.done);
  const results = usePlayback(playback, (state) => state.results);
  const seen = useRows(box, rows.length, rowHeight, OVERSCAN);
  const size = useFormat();
  const marked = markedRow(playback, { running, done });
  useEffect(() => {
    // The row behind the marked one is in view too: what comes next.
    if (marked !== null) showRow(box.current, Math.min(rows.length - 1, marked + 1), rowHeight, 0);
    else box.current?.scrollTo({ top: 0 });
  }, [marked, rows.length, rowHeight]);
  const shown = rows.slice(seen.first, seen.end);
  return (
    <div className="script" ref={box} tabIndex={-1}>
      <div style={{ height: rows.length * rowHeight, position: "relative" }}>
        <ol className="script-rows" aria-label="Script" style={{ transform: `translateY(${seen.first * rowHeight}px)` }}>
          {shown.map((row, at) => {
            const index = seen.first + at;
            const result = results.get(index);
            const said = result?.text(size) ?? "";
            const { command } = row;
            const later = command !== null && command >= done && running !== index;
            const isMarked = index === marked;
            return (
              <li key={index} aria-setsize={rows.length} aria-posinset={index + 1} className={`script-row${isMarked ? " marked" : ""}${later ? " later" : ""}`}>
                <span className="script-number" aria-hidden="true">
                  {command === null ? "" : command + 1}
                </span>
                {command === null ? (
                  <span className="script-comment">{row.text}</span>
                ) : (
                  <button type="button" className="script-line" aria-current={isMarked ? "step" : undefined} title={`${row.text.trim()}\nClick to go here: the link is played up to this line`} onClick={() => playback.seek(command + 1)}>
                    {row.text}
                  </button>
                )}
                <span className={`script-result ${result?.how ?? ""}`} title={said}>
                  {running === index ? "…" : said}
                </span>
              </li>
            );
          })}
        </ol>
      </div>
    </div>
  );
}
