/** The region "Lessons": the list with what is done, or one lesson; folded away, its head is left. */
import { Check, ChevronDown, ChevronUp, CircleDashed, CircleDot, Trash2, X } from "lucide-react";
import { useState } from "react";
import { isDone } from "../lessons/index.ts";
import type { Progress } from "../lessons/index.ts";
import { visibleText } from "../state/visible-text.ts";
import { shownLesson } from "../state/lessons.ts";
import type { ListedLesson } from "../state/listed-lesson.ts";
import { useApp, useAppState, useOneScreen, useShort } from "./context.ts";
import { part } from "./part.tsx";

const LessonView = part(async () => (await import("./lesson-view.tsx")).LessonView);

const ICON = 15;

export function LessonsPanel() {
  const app = useApp();
  const { list, folded: chosen, progress, trouble } = useAppState((state) => state.lessons);
  // Where the page scrolls, the map comes first: the lessons lie folded over it until they are wanted.
  const oneScreen = useOneScreen();
  const entry = useAppState(shownLesson);
  const [tucked, untuck] = useTucked(entry !== null || trouble !== null);
  const folded = (chosen ?? !oneScreen) || tucked;
  const toggle = (): void => {
    untuck();
    // What was only put away is not unfolded by choice.
    if (!tucked || chosen === true) app.lessons.fold(!folded);
  };
  const done = list.filter(({ key, lesson }) => progress[key] !== undefined && isDone(lesson, progress[key])).length;
  const Arrow = folded ? ChevronDown : ChevronUp;
  // On a page that scrolls the list is folded from the start: what invites a stranger stands in its head.
  const invites = folded && !oneScreen && entry === null && list.length > 0 && list.every(({ key }) => progress[key] === undefined);
  return (
    <aside className={folded ? "panel panel-lessons folded" : "panel panel-lessons"} aria-label="Lessons">
      <div className="panel-head">
        <h2 className="panel-title">Lessons</h2>
        {invites ? (
          <button type="button" className="button quiet small invites" onClick={toggle}>
            New to zoned disks? Begin here
          </button>
        ) : (
          <p className="panel-note">{folded && entry !== null ? entry.lesson.title : list.length === 0 ? "" : done === 0 ? `${list.length}, each on a disk of its own` : `${done} of ${list.length} done`}</p>
        )}
        <button type="button" className="button quiet icon small push" aria-expanded={!folded} aria-label={folded ? "Show the lessons" : "Fold the lessons away"} onClick={toggle}>
          <Arrow size={ICON} aria-hidden="true" />
        </button>
      </div>
      {!folded && (
        <div className="lessons-body" tabIndex={-1}>
          {trouble !== null && <Trouble title={trouble.title} lines={trouble.lines} />}
          {entry === null ? list.length > 0 && <List list={list} progress={progress} /> : <LessonView key={entry.key} entry={entry} />}
        </div>
      )}
    </aside>
  );
}

/**
 * Whether the list is put away because the inspector was opened on a low screen: the zones beside it have the room then. It is no choice of
 * the person's and is not kept: the list comes back with the inspector's end, and when it is asked for.
 *
 * @param needed something is shown that is no list: it is not put away
 */
function useTucked(needed: boolean): readonly [boolean, () => void] {
  const short = useShort();
  const crowded = useAppState((state) => state.inspector.tab !== null) && short;
  const [before, setBefore] = useState(false);
  const [tucked, setTucked] = useState(false);
  if (crowded !== before) {
    setBefore(crowded);
    setTucked(crowded && !needed);
  } else if (tucked && needed) setTucked(false);
  return [tucked && !needed, () => setTucked(false)];
}

/** What a file or a start came to nothing for. The lines have text that somebody else wrote: shown, and no more. */
function Trouble({ title, lines }: { title: string; lines: readonly string[] }) {
  const app = useApp();
  return (
    <div className="lesson-trouble" role="alert">
      <div>
        <strong>{visibleText(title)}</strong>
        <ul>
          {lines.map((line) => (
            <li key={line}>{visibleText(line)}</li>
          ))}
        </ul>
      </div>
      <button type="button" className="button quiet icon small" aria-label="Dismiss" onClick={() => app.lessons.dismissTrouble()}>
        <X size={ICON} aria-hidden="true" />
      </button>
    </div>
  );
}

function List({ list, progress }: { list: readonly ListedLesson[]; progress: Readonly<Record<string, Progress>> }) {
  const app = useApp();
  const next = list.find(({ key, lesson }) => progress[key] === undefined || !isDone(lesson, progress[key])) ?? null;
  const begun = next !== null && progress[next.key] !== undefined;
  return (
    <>
      {next !== null && (
        <div className="invite">
          <p className="invite-kicker">{begun ? "Go on with" : list.every(({ key }) => progress[key] === undefined) ? "New to zoned disks? Begin here" : "Next"}</p>
          <h3>{next.lesson.title}</h3>
          <p>{next.lesson.summary}</p>
          <button
            type="button"
            className="button primary"
            onClick={() => {
              void app.lessons.open(next.key);
              if (!begun) void app.lessons.start();
            }}
          >
            {begun ? "Continue" : "Start lesson"}
          </button>
        </div>
      )}
      <ol className="lesson-list" aria-label="All lessons">
        {list.map(({ key, lesson, own }) => (
          <li key={key}>
            <button type="button" className="lesson-row" onClick={() => void app.lessons.open(key)}>
              <Mark entry={{ key, lesson, own }} progress={progress[key]} />
              <span className="lesson-name">{lesson.title}</span>
              <State progress={progress[key]} entry={{ key, lesson, own }} />
            </button>
            {own && (
              <button type="button" className="button quiet icon small" aria-label={`Forget the lesson ${lesson.title}`} onClick={() => app.lessons.remove(key)}>
                <Trash2 size={13} aria-hidden="true" />
              </button>
            )}
          </li>
        ))}
      </ol>
      <p className="lessons-note">
        Drop a .lesson.json file on the page to start one that somebody else wrote.{" "}
        <a href="docs/lessons.html" target="_blank" rel="noopener">
          How to write one
        </a>
      </p>
    </>
  );
}

interface Of {
  readonly entry: ListedLesson;
  readonly progress: Progress | undefined;
}

function Mark({ entry, progress }: Of) {
  if (progress === undefined) return <CircleDashed size={ICON} className="mark" aria-hidden="true" />;
  return isDone(entry.lesson, progress) ? <Check size={ICON} className="mark done" aria-hidden="true" /> : <CircleDot size={ICON} className="mark begun" aria-hidden="true" />;
}

function State({ entry, progress }: Of) {
  if (progress === undefined) return <span className="lesson-state">{entry.own ? "from a file" : ""}</span>;
  if (isDone(entry.lesson, progress)) return <span className="lesson-state">done</span>;
  return <span className="lesson-state">{progress.steps.length >= entry.lesson.steps.length ? "questions left" : `${progress.steps.length} of ${entry.lesson.steps.length}`}</span>;
}
