/** What of lessons outlives the tab: how far they are, lessons that were brought along, and which images lessons made. */
import { CATALOG, lessonFile, readProgress } from "../lessons/index.ts";
import type { Progress } from "../lessons/index.ts";
import { isOwnKey } from "./listed-lesson.ts";
import type { LessonTrouble, ListedLesson } from "./listed-lesson.ts";
import { keep, readKept } from "./theme.ts";

export interface LessonsState {
  readonly list: readonly ListedLesson[];
  /** Whether the panel is folded away, as the person chose; null where they never did, and the page's width decides. */
  readonly folded: boolean | null;
  /** The lesson that is shown; null for the list. */
  readonly shown: string | null;
  /** By key; a lesson that was never started has none. */
  readonly progress: Readonly<Record<string, Progress>>;
  /** Images that lessons made and that are there still, each with the key of its lesson, which alone may replace it. */
  readonly made: Readonly<Record<string, string>>;
  /** Whether the hint of the present step is shown. */
  readonly hint: boolean;
  /** The present step began before the page was opened: what happened to the disk since is not known. */
  readonly resumed: boolean;
  /** What the last lesson's file, or the last start, came to nothing for. */
  readonly trouble: LessonTrouble | null;
  /** Lessons that were brought along earlier and are not read yet; null when there are none. */
  readonly unread: UnreadLessons | null;
}

/** As they were kept. */
export interface UnreadLessons {
  readonly files: readonly string[];
  readonly progress: Readonly<Record<string, unknown>>;
  readonly shown: string | null;
}

const KEY = "zonescope.lessons";
/** Lessons of one's own that are kept. */
export const MOST_OWN = 12;

const builtIn = (): ListedLesson[] => CATALOG.map((lesson) => ({ key: lesson.id, lesson, own: false }));

export const NO_LESSONS: LessonsState = { list: builtIn(), folded: null, shown: null, progress: {}, made: {}, hint: false, resumed: false, trouble: null, unread: null };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const isString = (value: unknown): value is string => typeof value === "string";

/** What was kept; of what cannot be, the part that can. Lessons that were brought along are there when readUnread has read them. */
export function loadLessons(text = readKept(KEY)): LessonsState {
  const kept = parsed(text);
  if (!isRecord(kept)) return NO_LESSONS;
  const list = builtIn();
  const files = Array.isArray(kept["own"]) ? kept["own"].filter(isString).slice(0, MOST_OWN) : [];
  const all = isRecord(kept["progress"]) ? kept["progress"] : {};
  const { shown } = kept;
  const isOwn = isString(shown) && isOwnKey(shown);
  return {
    ...NO_LESSONS,
    list,
    folded: typeof kept["folded"] === "boolean" ? kept["folded"] : null,
    ...progressOf(list, all, isString(shown) ? shown : null),
    made: isRecord(kept["made"]) ? Object.fromEntries(Object.entries(kept["made"]).filter((entry): entry is [string, string] => isString(entry[1]))) : {},
    unread: files.length === 0 ? null : { files, progress: Object.fromEntries(Object.entries(all).filter(([key]) => isOwnKey(key))), shown: isOwn ? shown : null },
  };
}

function progressOf(list: readonly ListedLesson[], all: Readonly<Record<string, unknown>>, shown: string | null): Pick<LessonsState, "progress" | "shown" | "resumed"> {
  const progress: Record<string, Progress> = {};
  for (const { key, lesson } of list) {
    const read = Object.hasOwn(all, key) ? readProgress(all[key], lesson) : null;
    if (read !== null) progress[key] = read;
  }
  const there = shown !== null && list.some(({ key }) => key === shown);
  return { progress, shown: there ? shown : null, resumed: there && (progress[shown]?.steps.length ?? 0) > 0 };
}

/**
 * The lessons that were brought along earlier, put beside what there is by now: a lesson that came meanwhile, and what was done of it,
 * counts more than what was kept.
 */
export async function readUnread({ files, progress, shown }: UnreadLessons): Promise<(now: LessonsState) => LessonsState> {
  const { readListed } = await import("./lesson-text.ts");
  const list: ListedLesson[] = [];
  for (const file of files) {
    const read = readListed(file, "");
    if (read.ok && !list.some(({ key }) => key === read.value.key)) list.push(read.value);
  }
  return (now) => {
    const more = list.filter(({ key }) => !now.list.some((other) => other.key === key));
    const kept = progressOf(more, progress, now.shown === null && now.trouble === null ? shown : null);
    const own = now.list.filter((entry) => entry.own);
    return {
      ...now,
      list: [...now.list.filter((entry) => !entry.own), ...more, ...own],
      progress: { ...kept.progress, ...now.progress },
      ...(kept.shown === null ? {} : { shown: kept.shown, resumed: kept.resumed }),
      unread: null,
    };
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
export function keepLessons({ list, folded, shown, progress, made, unread }: LessonsState, withImages: boolean): void {
  const own = [...(unread?.files ?? []), ...list.filter((entry) => entry.own).map(({ lesson }) => lessonFile(lesson))];
  keep(KEY, JSON.stringify({ own, folded, shown: shown ?? unread?.shown ?? null, progress: { ...unread?.progress, ...progress }, made: withImages ? made : {} }));
}
