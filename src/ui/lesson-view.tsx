/** One lesson: its steps with the present one lit, what just happened, a hint for whoever asks, and the questions at the end. */
import { Check, ChevronLeft, Download, Lightbulb, Link, Play, RotateCcw } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { bytesOf, isDone, stepsDone } from "../lessons/index.ts";
import type { Lesson, Progress } from "../lessons/index.ts";
import { sessionOfLesson } from "../state/guest-session.ts";
import { shownProgress } from "../state/lessons.ts";
import type { ListedLesson } from "../state/listed-lesson.ts";
import { formatCount } from "../state/units.ts";
import { useApp, useAppState, useFormat, useHouses } from "./context.ts";
import { CopyField } from "./copy-field.tsx";
import { LessonQuestions } from "./lesson-questions.tsx";
import { Prose } from "./prose.tsx";
import { Tip } from "./tip.tsx";

const ICON = 14;

export function LessonView({ entry }: { entry: ListedLesson }) {
  const app = useApp();
  const progress = useAppState(shownProgress);
  const { lesson } = entry;
  return (
    <article className="lesson" aria-label={lesson.title}>
      <div className="lesson-head">
        <Tip text="All lessons">
          <button type="button" className="button quiet icon small" aria-label="All lessons" onClick={() => app.lessons.close()}>
            <ChevronLeft size={16} aria-hidden="true" />
          </button>
        </Tip>
        <h3>{lesson.title}</h3>
        {progress !== null && (
          <div className="push head-tools">
            <Tip text="Save the result as a file">
              <button type="button" className="button quiet icon small" aria-label="Save result" onClick={() => app.lessons.saveResult()}>
                <Download size={ICON} aria-hidden="true" />
              </button>
            </Tip>
            <Tip text={`Makes ${progress.image} anew and begins at the first step`}>
              <button type="button" className="button quiet small" onClick={() => void app.lessons.start()}>
                <RotateCcw size={13} aria-hidden="true" />
                Restart
              </button>
            </Tip>
          </div>
        )}
      </div>
      {progress === null ? <Intro entry={entry} /> : <Begun entry={entry} progress={progress} />}
    </article>
  );
}

function Intro({ entry: { lesson, own } }: { entry: ListedLesson }) {
  const app = useApp();
  const size = useFormat();
  const busy = useAppState((state) => state.busy !== null);
  const { steps, questions } = lesson;
  return (
    <div className="lesson-intro">
      <p>{lesson.summary}</p>
      <p className="quiet">
        {steps.length} {steps.length === 1 ? "step" : "steps"}
        {questions.length === 0 ? "" : questions.length === 1 ? " and a question" : ` and ${questions.length} questions`}, on a disk of {size(bytesOf(lesson.disk.size) ?? 0)} that is made for it.
        {own ? " Somebody else wrote it; it reaches nothing but that disk." : ""}
      </p>
      <div className="button-line">
        <button type="button" className="button primary" disabled={busy} onClick={() => void app.lessons.start()}>
          Start lesson
        </button>
      </div>
      {own && <PassOn lesson={lesson} />}
    </div>
  );
}

/** The ways to give a lesson of one's own to others. */
function PassOn({ lesson }: { lesson: Lesson }) {
  const app = useApp();
  const houses = useHouses();
  const [open, setOpen] = useState(false);
  const made = useMemo(() => (open ? app.share.lessonLink(lesson, houses.base()) : null), [open, app, houses, lesson]);
  return (
    <>
      <div className="button-line">
        <button type="button" className="button quiet small" onClick={() => app.lessons.saveLesson()}>
          <Download size={13} aria-hidden="true" />
          Save the lesson
        </button>
        <button type="button" className="button quiet small" aria-expanded={open} onClick={() => setOpen(!open)}>
          <Link size={13} aria-hidden="true" />
          Link to it
        </button>
      </div>
      {made !== null && ("url" in made ? <CopyField label="Link" text={made.url} note={`${formatCount(made.url.length)} characters; it carries the lesson`} /> : <p className="lesson-aside">{made.why}</p>)}
    </>
  );
}

function Begun({ entry, progress }: { entry: ListedLesson; progress: Progress }) {
  const { lesson } = entry;
  const over = stepsDone(lesson, progress);
  const done = progress.steps.length;
  const said = over ? "All steps are done." : `Step ${done + 1} of ${lesson.steps.length}: ${lesson.steps[done]!.text}`;
  return (
    <>
      {!over && <Waiting progress={progress} />}
      {!over && !entry.own && <Played lesson={lesson} />}
      <ol className="steps" aria-label="Steps">
        {lesson.steps.map((step, index) => (
          <Step key={index} lesson={lesson} index={index} done={done} text={step.text} />
        ))}
      </ol>
      {over && <LessonQuestions lesson={lesson} progress={progress} />}
      {isDone(lesson, progress) && <Ending entry={entry} />}
      <p className="visually-hidden" role="status">
        {said}
      </p>
    </>
  );
}

/** Another image is attached, or the disk is not what it was when the step began. */
function Waiting({ progress }: { progress: Progress }) {
  const app = useApp();
  const file = useAppState((state) => state.attached?.file ?? null);
  const there = useAppState((state) => state.library.files.some(({ name }) => name === progress.image));
  const resumed = useAppState((state) => state.lessons.resumed);
  const ready = useAppState((state) => state.ready && state.busy === null);
  if (!ready) return null;
  if (file === progress.image) {
    return resumed ? <p className="lesson-aside">The page was opened anew since, which is a power cycle to the disk: zones that were open are closed. If a step cannot be done any more, restart the lesson.</p> : null;
  }
  if (!there) return <p className="lesson-aside">The lesson’s disk, {progress.image}, is not in the library any more. Restart makes it anew.</p>;
  return (
    <div className="lesson-aside">
      <p>The lesson waits: another image is attached. Its own disk is {progress.image}.</p>
      <button type="button" className="button" onClick={() => void app.lessons.resume()}>
        Back to the lesson’s disk
      </button>
    </div>
  );
}

/** A lesson in the terminal can be watched: its lines are typed by themselves, on its own disk, and its steps are done by them. */
function Played({ lesson }: { lesson: Lesson }) {
  const app = useApp();
  const free = useAppState((state) => state.guest.phase === "off" && state.ready && state.busy === null);
  const session = sessionOfLesson(lesson.id);
  if (session === undefined || !free) return null;
  const play = async (): Promise<void> => {
    if (!(await app.lessons.start())) return;
    app.inspector.show("Terminal");
    const guest = await app.guest().catch(() => null);
    await guest?.session.begin(session.name, true, "attached");
  };
  return (
    <div className="lesson-aside">
      <p>Type it yourself, or watch: the session “{session.title}” goes through all steps, from the first, on this disk made anew.</p>
      <button type="button" className="button" onClick={() => void play()}>
        <Play size={13} aria-hidden="true" />
        Play the session
      </button>
    </div>
  );
}

/** A panel of fewer pixels shows the present step from its top. */
const ROOM_FOR_TWO = 260;

function Step({ lesson, index, done, text }: { lesson: Lesson; index: number; done: number; text: string }) {
  const app = useApp();
  const hint = useAppState((state) => state.lessons.hint);
  const present = index === done;
  const line = useRef<HTMLLIElement>(null);
  const told = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    // The present step comes into view inside the panel; the page itself stays where it is.
    const box = line.current?.closest<HTMLElement>(".lessons-body");
    if (!present || line.current === null || box === null || box === undefined) return;
    // Under the lesson's head, which stays, and below the step before where there is room for both.
    const head = box.querySelector<HTMLElement>(".lesson-head")?.offsetHeight ?? 0;
    const before = box.clientHeight < ROOM_FOR_TWO ? null : (line.current.previousElementSibling as HTMLElement | null);
    box.scrollTo({ top: (before ?? line.current).offsetTop - head - 4 });
  }, [present]);
  const { then, hint: hintText } = lesson.steps[index]!;
  return (
    <li ref={line} className={present ? "step present" : index < done ? "step done" : "step"} aria-current={present ? "step" : undefined}>
      <span className="step-mark" aria-hidden="true">
        {index < done ? <Check size={13} /> : index + 1}
      </span>
      <div className="step-body">
        <p className="step-text" title={present ? undefined : text.replaceAll("`", "")}>
          {index < done && <span className="visually-hidden">Done: </span>}
          <Prose text={text} />
        </p>
        {index === done - 1 && then !== undefined && (
          <p className="step-then">
            <Prose text={then} />
          </p>
        )}
        {present &&
          (hint ? (
            <p className="step-hint" ref={told} tabIndex={-1}>
              <Prose text={hintText} />
            </p>
          ) : (
            <button type="button" className="button quiet small hint" onClick={() => (flushSync(() => app.lessons.showHint()), told.current?.focus({ preventScroll: true }))}>
              <Lightbulb size={13} aria-hidden="true" />
              Hint
            </button>
          ))}
      </div>
    </li>
  );
}

function Ending({ entry }: { entry: ListedLesson }) {
  const app = useApp();
  const list = useAppState((state) => state.lessons.list);
  const next = list[list.findIndex(({ key }) => key === entry.key) + 1] ?? null;
  return (
    <div className="lesson-ending">
      <p>
        <Check size={ICON} aria-hidden="true" /> The lesson is done.
      </p>
      <button type="button" className="button" onClick={() => app.lessons.saveResult()}>
        Save the result
      </button>
      {next !== null && (
        <button type="button" className="button primary" onClick={() => void app.lessons.open(next.key)}>
          Next: {next.lesson.title}
        </button>
      )}
    </div>
  );
}
