/**
 * What of lessons outlives the tab: how far they are, lessons that were brought along, and which images lessons made. The lessons
 * themselves are loaded beside the page; until they are there, what was kept of them stays as it was kept.
 */
import { lessonFile, readProgress } from "../lessons/index.ts";
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
  /** What was kept of lessons that are not there yet; null when they all are. */
  readonly unread: UnreadLessons | null;
}

/** As it was kept: files of lessons that were brought along, progress by key, and the lesson that was shown. */
export interface UnreadLessons {
  readonly files: readonly string[];
  readonly progress: Readonly<Record<string, unknown>>;
  readonly shown: string | null;
}

const KEY = "zonescope.lessons";
/** Lessons of one's own that are kept. */
export const MOST_OWN = 12;


const NOTHING_KEPT: UnreadLessons = { files: [], progress: {}, shown: null };
export const NO_LESSONS: LessonsState = { list: [], folded: null, shown: null, progress: {}, made: {}, hint: false, resumed: false, trouble: null, unread: NOTHING_KEPT };

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
const isString = (value: unknown): value is string => typeof value === "string";

/** What was kept; of what cannot be, the part that can. The lessons are there when readUnread has read them. */
export function loadLessons(text = readKept(KEY)): LessonsState {
  const kept = parsed(text);
  if (!isRecord(kept)) return NO_LESSONS;
  const { own, progress, shown, folded, made } = kept;
  return {
    ...NO_LESSONS,
    folded: typeof folded === "boolean" ? folded : null,
    made: isRecord(made) ? Object.fromEntries(Object.entries(made).filter((entry): entry is [string, string] => isString(entry[1]))) : {},
    unread: { files: Array.isArray(own) ? own.filter(isString).slice(0, MOST_OWN) : [], progress: isRecord(progress) ? progress : {}, shown: isString(shown) ? shown : null },
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
 * Loads our lessons, reads those that were brought along, and puts what was kept of them beside what there is by now: a lesson that came
 * meanwhile, and what was done of it, counts more.
 */
export async function readUnread({ files, progress, shown }: UnreadLessons): Promise<(now: LessonsState) => LessonsState> {
  const [{ CATALOG }, own] = await Promise.all([import("../lessons/catalog/index.ts"), readOwn(files)]);
  const list: ListedLesson[] = CATALOG.map((lesson) => ({ key: lesson.id, lesson, own: false }));
  for (const entry of own ?? []) if (!list.some(({ key }) => key === entry.key)) list.push(entry);
  return (now) => {
    const more = list.filter(({ key }) => !now.list.some((other) => other.key === key));
    const kept = progressOf(more, progress, now.shown === null && now.trouble === null ? shown : null);
    return {
      ...now,
      list: [...more, ...now.list],
      progress: { ...kept.progress, ...now.progress },
      ...(kept.shown === null ? {} : { shown: kept.shown, resumed: kept.resumed }),
      // Where the reader did not come, those of one's own stay as they were kept.
      unread: own === null ? { files, progress: Object.fromEntries(Object.entries(progress).filter(([key]) => isOwnKey(key))), shown: null } : null,
    };
  };
}

/** null where the part of the program that reads them did not come. */
async function readOwn(files: readonly string[]): Promise<readonly ListedLesson[] | null> {
  if (files.length === 0) return [];
  const reader = await import("./lesson-text.ts").catch(() => null);
  return reader === null ? null : files.map((file) => reader.readListed(file, "")).flatMap((read) => (read.ok ? [read.value] : []));
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
