/** What of lessons outlives the tab: how far they are, lessons that were brought along, and which images lessons made. */
import { CATALOG, lessonFile, readLesson, readProgress } from "../lessons/index.ts";
import type { Lesson, Progress } from "../lessons/index.ts";
import { keep, readKept } from "./theme.ts";

/** A lesson in the list. Those of a file or a link have another key than ours of the same id. */
export interface ListedLesson {
  readonly key: string;
  readonly lesson: Lesson;
  readonly own: boolean;
}

export interface LessonsState {
  readonly list: readonly ListedLesson[];
  /** The panel is folded away. */
  readonly folded: boolean;
  /** The lesson that is shown; null for the list. */
  readonly shown: string | null;
  /** By key; a lesson that was never started has none. */
  readonly progress: Readonly<Record<string, Progress>>;
  /** Images that lessons made and that are there still: those that a lesson may replace. */
  readonly made: readonly string[];
  /** Whether the hint of the present step is shown. */
  readonly hint: boolean;
  /** The present step began before the page was opened: what happened to the disk since is not known. */
  readonly resumed: boolean;
  /** Why the last lesson's file, or the last start, came to nothing: a title and lines. */
  readonly trouble: { readonly title: string; readonly lines: readonly string[] } | null;
}

const KEY = "zonescope.lessons";
/** Lessons of one's own that are kept. */
export const MOST_OWN = 12;

export const ownKey = (id: string): string => `own:${id}`;
const builtIn = (): ListedLesson[] => CATALOG.map((lesson) => ({ key: lesson.id, lesson, own: false }));

export const NO_LESSONS: LessonsState = { list: builtIn(), folded: false, shown: null, progress: {}, made: [], hint: false, resumed: false, trouble: null };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const isString = (value: unknown): value is string => typeof value === "string";

/** What was kept; of what cannot be, the part that can. */
export function loadLessons(text = readKept(KEY)): LessonsState {
  const kept = parsed(text);
  if (!isRecord(kept)) return NO_LESSONS;
  const list = builtIn();
  for (const file of Array.isArray(kept["own"]) ? kept["own"].filter(isString).slice(0, MOST_OWN) : []) {
    const read = readLesson(file);
    const key = read.ok ? ownKey(read.value.id) : "";
    if (read.ok && !list.some((other) => other.key === key)) list.push({ key, lesson: read.value, own: true });
  }
  const progress: Record<string, Progress> = {};
  for (const { key, lesson } of list) {
    const read = isRecord(kept["progress"]) && Object.hasOwn(kept["progress"], key) ? readProgress(kept["progress"][key], lesson) : null;
    if (read !== null) progress[key] = read;
  }
  const { shown } = kept;
  return {
    ...NO_LESSONS,
    list,
    folded: kept["folded"] === true,
    shown: isString(shown) && list.some(({ key }) => key === shown) ? shown : null,
    progress,
    made: Array.isArray(kept["made"]) ? kept["made"].filter(isString) : [],
    resumed: isString(shown) && (progress[shown]?.steps.length ?? 0) > 0,
  };
}

function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text);
  } catch {
    return null;
  }
}

/** @param withImages false where the library is gone with the tab: an image of that name next time is another one */
export function keepLessons({ list, folded, shown, progress, made }: LessonsState, withImages: boolean): void {
  const own = list.filter((entry) => entry.own).map(({ lesson }) => lessonFile(lesson));
  keep(KEY, JSON.stringify({ own, folded, shown, progress, made: withImages ? made : [] }));
}
