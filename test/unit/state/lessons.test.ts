/** A lesson of somebody's own in the page: taken as a file, refused by place, on an image of its own, kept and forgotten. */
import { readFileSync } from "node:fs";
import { beforeEach, expect, test, vi } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { MOST_LESSON_BYTES } from "../../../src/lessons/index.ts";
import type { Lesson } from "../../../src/lessons/index.ts";
import type { App } from "../../../src/state/app.ts";
import { MOST_OWN } from "../../../src/state/lessons-kept.ts";
import { shownLesson, shownProgress } from "../../../src/state/lessons.ts";
import { frames, started, stubWindow } from "./app-fixture.ts";

beforeEach(() => stubWindow());

const EXAMPLE = JSON.parse(readFileSync("docs/example.lesson.json", "utf8")) as Lesson;
const text = (change: object = {}): string => JSON.stringify({ ...EXAMPLE, ...change });
const file = (content: string, name = "a.lesson.json"): File => new File([content], name);
const lessons = (app: App): ReturnType<App["store"]["getState"]>["lessons"] => app.store.getState().lessons;
const attached = (app: App): string | undefined => app.store.getState().attached?.file;

test("a lesson's file among others is opened as one, shown, started and done; the others are opened as images", async () => {
  const app = await started();
  await app.library.openFiles([file(text(), "two.lesson (1).json"), new File([new Uint8Array(4096)], "disk.raw")]);
  expect(shownLesson(app.store.getState())).toMatchObject({ own: true, lesson: { id: "two-logs" } });
  expect(app.store.getState().inspector.file).toMatch(/disk\.raw$/);
  await app.lessons.start();
  expect(attached(app)).toBe("lesson-two-logs.qcow2");
  for (const line of ["zap -p 1m 8k", "zap -p 2m 4k", "zap -p 3m 4k", "zrs 1m 1m", "zap -p 3m 4k"]) {
    await app.console.run(line);
    await frames();
  }
  expect(shownProgress(app.store.getState())?.steps).toHaveLength(4);
});

test("a line that was pasted with a prompt in front is the command that a step waits for", async () => {
  const app = await started();
  const step = { ...EXAMPLE.steps[0], check: { check: "command", words: ["zrp"] } };
  await app.lessons.openText(text({ steps: [step, step, step] }), "a");
  await app.lessons.start();
  for (const line of ["$ zrp 0 1", "qemu-io> zrp 0 1", "zonescope zrp 0 1", "length # zrp"]) {
    await app.console.run(line);
    await frames();
  }
  expect(shownProgress(app.store.getState())?.steps).toHaveLength(3);
});

test("what is wrong is told by its place, and nothing of it is taken", async () => {
  const app = await started();
  const wrong = { ...EXAMPLE, id: "Two Logs", steps: [{ ...EXAMPLE.steps[0], check: { check: "condition", zone: 4, condition: "OPEN" } }], more: "‮<b>" };
  await app.library.openFiles([file(JSON.stringify(wrong), "bad.lesson.json")]);
  expect(lessons(app).trouble).toEqual({
    title: "bad.lesson.json is no lesson that can be opened",
    lines: [
      'id: found "Two Logs"; wanted: 1 to 64 small letters, digits and dashes, no dash first',
      "steps[0].check.zone: found 4; wanted: a whole number from 0 to 3",
      'steps[0].check.condition: found "OPEN"; wanted: one of NOT_WP, EMPTY, IMPLICIT_OPEN, EXPLICIT_OPEN, CLOSED, READ_ONLY, FULL, OFFLINE',
      'more: found "‹U+202E›<b>"; wanted: no field of that name',
    ],
  });
  expect(lessons(app).list.filter(({ own }) => own)).toEqual([]);
  await app.lessons.openFile(file(`${" ".repeat(MOST_LESSON_BYTES)}{}`, "long.lesson.json"));
  expect(lessons(app).trouble?.lines).toEqual([`It has ${MOST_LESSON_BYTES + 2} bytes; a lesson has at most ${MOST_LESSON_BYTES}.`]);
  await app.lessons.openFile({ name: "gone.lesson.json", size: 10, text: () => Promise.reject(new DOMException("gone", "NotFoundError")) });
  expect(lessons(app).trouble?.title).toBe("gone.lesson.json cannot be read");
  await app.lessons.openText(`{"format":${"[".repeat(30_000)}${"]".repeat(30_000)}}`, "deep");
  expect(lessons(app).trouble?.title).toBe("deep is no lesson that can be opened");
});

test("lessons with one id have images of their own; another edition of a lesson has the image of the one before", async () => {
  const app = await started();
  await app.lessons.open("zones");
  await app.lessons.start();
  expect(attached(app)).toBe("lesson-zones.qcow2");
  await app.console.run("write -P 0x11 0 4k");
  await app.lessons.openText(text({ id: "zones" }), "a");
  await app.lessons.start();
  expect(attached(app)).toBe("lesson-zones-2.qcow2");
  await app.lessons.openText(text({ id: "zones", title: "Of somebody else" }), "b");
  await app.lessons.start();
  expect(attached(app)).toBe("lesson-zones-3.qcow2");
  await app.lessons.openText(text({ id: "zones", summary: "The second edition." }), "c");
  // What was done of the first edition is not done of this one.
  expect(shownProgress(app.store.getState())).toBeNull();
  await app.lessons.start();
  expect(attached(app)).toBe("lesson-zones-2.qcow2");
  // The lesson of that name without a file is ours, and its disk is as it was left.
  await app.lessons.open("zones");
  expect(shownLesson(app.store.getState())?.own).toBe(false);
  await app.lessons.resume();
  await app.console.run("read -P 0x11 0 4k");
  expect(attached(app)).toBe("lesson-zones.qcow2");
  expect(app.store.getState().console.map((entry) => JSON.stringify(entry)).join("")).not.toContain("Pattern verification failed");
  expect(shownProgress(app.store.getState())?.image).toBe("lesson-zones.qcow2");
});

test("it is kept with what was done of it, until it is forgotten; somebody's image of its name is left alone", async () => {
  const files = new MemoryFiles();
  const app = await started(files);
  await app.console.run("qemu-img create -f qcow2 lesson-two-logs.qcow2 1M");
  await app.lessons.openText(text(), "a");
  await app.lessons.start();
  expect(attached(app)).toBe("lesson-two-logs-2.qcow2");
  await app.console.run("zap -p 1m 8k");
  await frames();
  app.lessons.fold(true);
  await app.device.attach("welcome.qcow2");

  const again = await started(files);
  await vi.waitFor(() => expect(lessons(again).unread).toBeNull());
  expect(shownLesson(again.store.getState())).toMatchObject({ own: true, lesson: { id: "two-logs" } });
  expect(shownProgress(again.store.getState())?.steps).toHaveLength(1);
  expect(lessons(again)).toMatchObject({ folded: true, resumed: true, unread: null });
  const { key } = shownLesson(again.store.getState())!;
  again.lessons.remove(key);
  expect(lessons(again)).toMatchObject({ shown: null });
  const third = await started(files);
  await vi.waitFor(() => expect(lessons(third).unread).toBeNull());
  expect(lessons(third).list.some(({ own }) => own)).toBe(false);
  expect(lessons(third).list.length).toBeGreaterThan(12);
});

test("what is done before the lessons are there does not lose what was kept", async () => {
  const files = new MemoryFiles();
  const app = await started(files);
  await app.lessons.openText(text(), "a");
  await app.lessons.start();
  const again = await started(files);
  // The page is not there for a moment, and the person folds the panel at once.
  again.lessons.fold(true);
  await frames();
  const third = await started(files);
  await vi.waitFor(() => expect(lessons(third).unread).toBeNull());
  expect(shownProgress(third.store.getState())?.image).toBe("lesson-two-logs.qcow2");
});

test("only so many are kept: one more is refused, and a new edition of one is not", async () => {
  const app = await started();
  for (let index = 0; index < MOST_OWN; index++) await app.lessons.openText(text({ id: `l${index}` }), `${index}`);
  await app.lessons.openText(text({ id: "more" }), "more.lesson.json");
  expect(lessons(app).trouble).toMatchObject({ title: "more.lesson.json was not taken" });
  await app.lessons.openText(text({ id: "l3", summary: "Another edition." }), "l3");
  expect(lessons(app)).toMatchObject({ trouble: null, shown: expect.stringContaining("l3") as string });
  expect(lessons(app).list.filter(({ own }) => own)).toHaveLength(MOST_OWN);
});
