/** Every lesson from its first step to its last over the real engine: what is wrong finishes no step, what is right finishes exactly one. */
import { beforeEach, describe, expect, test } from "vitest";
import { CATALOG } from "../../../src/lessons/catalog/index.ts";
import { lessonFile } from "../../../src/lessons/index.ts";
import { readLesson } from "../../../src/lessons/read-lesson.ts";
import type { App } from "../../../src/state/app.ts";
import { shownProgress } from "../../../src/state/lessons.ts";
import { parseSize } from "../../../src/state/units.ts";
import { WAYS } from "../../../src/testing/lesson-ways.ts";
import type { Act } from "../../../src/testing/lesson-ways.ts";
import { frames, started, stubWindow } from "../state/app-fixture.ts";

beforeEach(() => stubWindow());

const stepsOf = (app: App): number => shownProgress(app.store.getState())?.steps.length ?? -1;

async function act(app: App, doing: Act): Promise<void> {
  if (typeof doing === "string") await app.console.run(doing);
  else if ("button" in doing) {
    app.device.select(doing.zone);
    const offset = doing.offset === undefined ? null : parseSize(doing.offset);
    await app.zones.perform({ operation: doing.button.toLowerCase() as "open", zone: doing.zone, offset, lengthBytes: parseSize(doing.length ?? "4K")!, pattern: 0xab });
  } else if ("press" in doing) await app.device.powerCycle();
  else if ("select" in doing) app.device.select(doing.select);
  else if ("tab" in doing) {
    app.inspector.show(doing.tab);
    await app.inspector.lookInto(app.store.getState().attached!.file);
  } else {
    await app.inspector.refresh();
    const { header } = app.store.getState().inspector.inspection!;
    const field = [...header!.fields, ...header!.extensions.flatMap(({ fields }) => fields)].find((each) => each.field === doing.field)!;
    await app.inspector.goTo({ hostOffset: field.hostOffset }, "Header");
  }
  await frames();
}

describe.each(CATALOG.map((lesson) => [lesson.id, lesson] as const))("the lesson %s", (id, lesson) => {
  test("is done step by step", async () => {
    const app = await started();
    await app.lessons.open(id);
    await app.lessons.start();
    await frames();
    expect(app.store.getState().lessons.trouble).toBeNull();
    expect(app.store.getState().attached?.file).toBe(`lesson-${id}.qcow2`);
    const ways = WAYS[id]!;
    expect(ways).toHaveLength(lesson.steps.length);
    for (const [index, { wrong, right }] of ways.entries()) {
      expect(stepsOf(app), `nothing is done before step ${index + 1}`).toBe(index);
      for (const doing of wrong) {
        await act(app, doing);
        expect(stepsOf(app), `${JSON.stringify(doing)} does not do step ${index + 1}`).toBe(index);
      }
      for (const [at, doing] of right.entries()) {
        await act(app, doing);
        if (at < right.length - 1) expect(stepsOf(app), `${JSON.stringify(doing)} is not all of step ${index + 1}`).toBe(index);
      }
      expect(stepsOf(app), `${JSON.stringify(right)} does step ${index + 1}`).toBe(index + 1);
    }
  });

  test("is done by the lines of its texts and hints alone, where they have any", async () => {
    const app = await started();
    await app.lessons.open(id);
    await app.lessons.start();
    await frames();
    for (const [index, { text, hint }] of lesson.steps.entries()) {
      const lines = linesIn(text).length > 0 ? linesIn(text) : linesIn(hint);
      const way = WAYS[id]![index]!;
      for (const doing of lines.length > 0 ? lines : [...way.wrong, ...way.right]) await act(app, doing);
      expect(stepsOf(app), `${JSON.stringify(lines)} does step ${index + 1}`).toBe(index + 1);
    }
  });

  test("has what its file may have, whole", () => {
    expect(readLesson(lessonFile(lesson))).toEqual({ ok: true, value: lesson });
  });
});

/** What stands between backticks, but for lines that are for Linux, which test/guest types into one. */
const linesIn = (text: string): readonly string[] => text.split("`").filter((piece, index) => index % 2 === 1 && !piece.startsWith("zoned:~# "));
