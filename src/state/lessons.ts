/**
 * Lessons in the page: which is shown, how far it is, and the watching of its present step. Whatever the person does, by click, button
 * or line, comes from lesson-ear.ts; whether it was what the step wants, lessons/checks.ts decides.
 *
 * Source: product, "Regions of the page" (lessons) and "Links".
 */
import { LESSON_ENDING, MOST_LESSON_BYTES, TABS, begunNow, createLine, lessonFile, lessonImage, prepareLines, resultFile, stepsDone, watchFor } from "../lessons/index.ts";
import type { Progress, Situation, Watch } from "../lessons/index.ts";
import { runLineNow } from "./console.ts";
import type { Core } from "./core.ts";
import { attachAndTellNow, NO_HANDLE } from "./device.ts";
import { listen } from "./lesson-ear.ts";
import { keepLessons, loadLessons, MOST_OWN, readUnread } from "./lessons-kept.ts";
import type { LessonsState } from "./lessons-kept.ts";
import type { LessonTrouble, ListedLesson } from "./listed-lesson.ts";
import { saveText } from "./save-file.ts";
import type { AppState } from "./store.ts";

export interface LessonActions {
  /** Shows a lesson by its name: ours, or one that was brought along. It is not started. Where there is none the panel tells. */
  open(name: string): Promise<void>;
  /** Takes a lesson's file and shows the lesson, or what is wrong with it. */
  openFile(file: Pick<File, "name" | "size" | "text">): Promise<void>;
  /** The same of the file's text. @param from where it came from, for the words */
  openText(text: string, from: string): Promise<void>;
  /** Back to the list. */
  close(): void;
  /** Makes the lesson's disk anew and begins at the first step. @returns whether that came off */
  start(): Promise<boolean>;
  showHint(): void;
  answer(question: number, choice: number): void;
  /** Attaches the lesson's disk again. */
  resume(): Promise<void>;
  fold(folded: boolean): void;
  /** Forgets a lesson that was brought along. */
  remove(key: string): void;
  dismissTrouble(): void;
  /** Saves the lesson's result as a file. */
  saveResult(): void;
  /** Saves the lesson itself as a file. */
  saveLesson(): void;
}

export const shownLesson = ({ lessons }: Pick<AppState, "lessons">): ListedLesson | null => lessons.list.find(({ key }) => key === lessons.shown) ?? null;

/** Progress of the lesson that is shown; null while it was never started. */
export const shownProgress = ({ lessons }: Pick<AppState, "lessons">): Progress | null => (lessons.shown === null ? null : (lessons.progress[lessons.shown] ?? null));

/** Images that a lesson of that name may be given before somebody's own are simply too many. */
const MOST_NUMBER = 100;

export function createLessonActions(core: Core): LessonActions {
  const now = (): LessonsState => core.store.getState().lessons;
  // In a link's house nothing is remembered, and what is remembered is of the library's images.
  const remembers = core.home === "library";
  const patch = (change: Partial<LessonsState>): void => {
    core.set({ lessons: { ...now(), ...change } });
    if (remembers) keepLessons(now(), core.store.getState().library.kind === "opfs");
  };
  if (remembers) core.set({ lessons: loadLessons() });
  /** Done when the lessons are there. */
  const arrived = readUnread(now().unread!).then(
    (merged) => core.set({ lessons: merged(now()) }),
    () => core.set({ lessons: { ...now(), trouble: { title: "The lessons could not be loaded", lines: ["Reload the page to try again."] } } }),
  );

  /** The lesson whose steps are watched: shown, started and not at its end. */
  const running = (): { readonly entry: ListedLesson; readonly progress: Progress } | null => {
    const state = core.store.getState();
    const entry = shownLesson(state);
    const progress = shownProgress(state);
    return entry === null || progress === null || stepsDone(entry.lesson, progress) ? null : { entry, progress };
  };

  let watch: { readonly of: string; readonly watch: Watch } | null = null;
  const watched = (entry: ListedLesson, progress: Progress): Watch => {
    const of = `${entry.key} ${progress.startedMs} ${progress.steps.length}`;
    const zoneSize = core.store.getState().attached?.zones?.geometry.zoneSize ?? 1;
    if (watch?.of !== of) watch = { of, watch: watchFor(entry.lesson.steps[progress.steps.length]!.check, zoneSize) };
    return watch.watch;
  };

  const evaluate = (): void => {
    // Another image is attached, or this one is just being opened: what was heard of the lesson's disk waits.
    if (situationOf(core.store.getState(), running()?.progress.image ?? null) === null) return;
    const groups = ear.take();
    // The last time is for a step that is a matter of what is now: a click of the inspector makes no happening.
    for (const happenings of [...groups, []]) {
      const current = running();
      const situation = situationOf(core.store.getState(), current?.progress.image ?? null);
      if (current === null || situation === null) return;
      const { entry, progress } = current;
      const watching = watched(entry, progress);
      for (const happening of happenings) watching.hear(happening);
      if (watching.holds(situation)) stepDone(entry, progress);
    }
  };

  const stepDone = ({ key }: ListedLesson, progress: Progress): void => {
    const { progress: all, hint } = now();
    const next: Progress = { ...progress, steps: [...progress.steps, { doneMs: Date.now(), hinted: hint }] };
    patch({ progress: { ...all, [key]: next }, hint: false, resumed: false });
  };

  const look = (): void => {
    if (running() !== null) core.frame.request(evaluate);
  };
  const ear = listen(core, () => running()?.progress.image ?? null, look);
  core.store.subscribe((state, before) => {
    if (state.library.files !== before.library.files) forgetGone(state);
    if (state.zonesVersion !== before.zonesVersion || state.selected !== before.selected || state.inspector !== before.inspector || state.attached !== before.attached) look();
  });

  /** An image that is gone, or has another name now, is a lesson's no more: one that gets its name later is somebody's own. */
  const forgetGone = ({ library, lessons }: AppState): void => {
    const images = Object.entries(lessons.made);
    const there = images.filter(([image]) => library.files.some(({ name }) => name === image));
    if (there.length !== images.length) patch({ made: Object.fromEntries(there) });
  };

  /** The image that the lesson made before, or one of a name that is free: never somebody's own, nor that of a lesson with the same id. */
  const imageFor = ({ key, lesson }: ListedLesson): string | null => {
    const { made } = now();
    const { files } = core.store.getState().library;
    for (let number = 1; number <= MOST_NUMBER; number++) {
      const image = lessonImage(lesson.id, number);
      if (made[image] === key || !files.some(({ name }) => name === image)) return image;
    }
    return null;
  };

  const startNow = async (entry: ListedLesson): Promise<boolean> => {
    const { lesson, key } = entry;
    const image = imageFor(entry);
    if (image === null) {
      patch({ trouble: { title: "The lesson's disk was not made", lines: [`The library has ${MOST_NUMBER} images with the names that it could have. Rename or delete one of them.`] } });
      return false;
    }
    patch({ made: { ...now().made, [image]: key }, trouble: null });
    for (const line of [createLine(lesson, image), ...prepareLines(lesson)]) {
      const outcome = await runLineNow(core, line);
      const attached = core.store.getState().attached;
      if (outcome.failure === null && outcome.err === "" && attached?.file === image && attached.handle !== NO_HANDLE) continue;
      patch({ trouble: { title: "The lesson's disk could not be prepared", lines: [line, (outcome.err + outcome.out).trim()].filter((text) => text !== "") } });
      return false;
    }
    patch({ progress: { ...now().progress, [key]: begunNow(lesson, image, Date.now()) }, hint: false, resumed: false });
    ear.forget();
    watch = null;
    return true;
  };

  const show = (key: string): void => patch({ shown: key, folded: false, hint: false, resumed: (now().progress[key]?.steps.length ?? 0) > 0, trouble: null });

  const entryOf = (name: string): ListedLesson | undefined => {
    const { list } = now();
    return list.find(({ key }) => key === name) ?? list.findLast(({ lesson, own }) => own && lesson.id === name);
  };

  const troubled = (trouble: LessonTrouble): void => patch({ trouble, folded: false, shown: null });

  const openText = async (text: string, from: string): Promise<void> => {
    await arrived;
    const reader = await import("./lesson-text.ts").catch(() => null);
    if (reader === null) return troubled({ title: `${from} was not read`, lines: ["The part of the program that reads lessons could not be loaded. Reload the page and try again."] });
    const read = reader.readListed(text, from);
    if (!read.ok) return troubled(read.error);
    const entry = read.value;
    const { list, progress } = now();
    const before = list.findIndex(({ key }) => key === entry.key);
    if (before < 0 && list.filter(({ own }) => own).length >= MOST_OWN) {
      return troubled({ title: `${from} was not taken`, lines: [`${MOST_OWN} lessons that were brought along are kept at most. Forget one of them first.`] });
    }
    // Another edition: what was done of the one before is not done of this one.
    const same = before >= 0 && JSON.stringify(list[before]!.lesson) === JSON.stringify(entry.lesson);
    patch({ list: before < 0 ? [...list, entry] : list.with(before, entry), progress: same ? progress : without(progress, entry.key) });
    show(entry.key);
  };

  return {
    open: async (name) => {
      // At once where it is there, so that it can be started in the same breath.
      if (entryOf(name) === undefined) await arrived;
      const entry = entryOf(name);
      if (entry === undefined) troubled(unknown(name));
      else show(entry.key);
    },
    openFile: async (file) => {
      if (file.size > MOST_LESSON_BYTES) return troubled({ title: `${file.name} is no lesson that can be opened`, lines: [`It has ${file.size} bytes; a lesson has at most ${MOST_LESSON_BYTES}.`] });
      const text = await file.text().catch(() => null);
      if (text === null) return troubled({ title: `${file.name} cannot be read`, lines: ["The browser was refused it, or it was moved."] });
      await openText(text, file.name);
    },
    openText,
    close: () => patch({ shown: null, hint: false, trouble: null }),
    start: async () => {
      const entry = shownLesson(core.store.getState());
      return entry !== null && (await core.serial("Making the lesson's disk", () => startNow(entry)));
    },
    showHint: () => patch({ hint: true }),
    answer: (question, choice) => {
      const entry = shownLesson(core.store.getState());
      const progress = shownProgress(core.store.getState());
      if (entry === null || progress === null || !stepsDone(entry.lesson, progress)) return;
      if (progress.answers[question]?.includes(choice) !== false) return;
      const answers = progress.answers.map((taken, index) => (index === question ? [...taken, choice] : taken));
      patch({ progress: { ...now().progress, [entry.key]: { ...progress, answers } } });
    },
    resume: () =>
      core.serial("Opening", async () => {
        const image = shownProgress(core.store.getState())?.image;
        if (image !== undefined) await attachAndTellNow(core, image);
      }),
    fold: (folded) => patch({ folded }),
    remove: (key) => {
      const { list, progress, shown } = now();
      patch({ list: list.filter((entry) => entry.key !== key || !entry.own), progress: without(progress, key), shown: shown === key ? null : shown });
    },
    dismissTrouble: () => patch({ trouble: null }),
    saveResult: () => {
      const entry = shownLesson(core.store.getState());
      const progress = shownProgress(core.store.getState());
      if (entry !== null && progress !== null) saveText(`${entry.lesson.id}.result.json`, resultFile(entry.lesson, progress), "application/json");
    },
    saveLesson: () => {
      const entry = shownLesson(core.store.getState());
      if (entry !== null) saveText(`${entry.lesson.id}${LESSON_ENDING}`, lessonFile(entry.lesson), "application/json");
    },
  };
}

const without = (progress: LessonsState["progress"], key: string): LessonsState["progress"] => Object.fromEntries(Object.entries(progress).filter(([other]) => other !== key));

const unknown = (name: string): LessonTrouble => ({
  title: `There is no lesson "${name}" here`,
  lines: ["The lessons that there are stand in the list. A lesson of somebody's own comes as a file, or as a link that carries it."],
});

/** What is now, when the lesson's disk is the one that is attached and open; null while another one is. */
function situationOf({ attached, resources, selected, inspector }: AppState, image: string | null): Situation | null {
  if (attached === null || attached.file !== image || attached.handle === NO_HANDLE || attached.zones === null || resources === null) return null;
  const { file, place } = inspector;
  // The tabs behind the inspector's show nothing of the file.
  const tab = TABS.find((known) => known === inspector.tab) ?? null;
  return { zones: attached.zones, resources, selected, inspected: tab === null || file !== image ? null : { tab, spans: place?.spans ?? [] } };
}
