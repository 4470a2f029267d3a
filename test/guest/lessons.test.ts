/**
 * The lessons that are done in the terminal, done there: what their texts and hints say is typed into the committed kernel, and each
 * step is finished by its own lines and by nothing before them. The sessions that go through them do all their steps.
 */
import { expect, test } from "vitest";
import { Condition } from "../../src/base/conditions.ts";
import { F2FS_ON_ZONES } from "../../src/lessons/catalog/f2fs-on-zones.ts";
import { LINUX_SEES_ZONES } from "../../src/lessons/catalog/linux-sees-zones.ts";
import { bytesOf, watchFor } from "../../src/lessons/index.ts";
import type { Happening, Lesson, Situation, Watch } from "../../src/lessons/index.ts";
import type { Notice, ZoneDescriptor, ZoneRefusal } from "../../src/protocol/index.ts";
import { createOptions } from "../../src/testing/engine-fixture.ts";
import { SESSIONS } from "../../src/guest/sessions.ts";
import { Session } from "./session.ts";

const LONG_MS = 240_000;
/** How a line for Linux begins in a lesson: as its prompt does. */
const PROMPT = "zoned:~# ";

const linesFor = (text: string): string[] => text.split("`").filter((piece, index) => index % 2 === 1 && piece.startsWith(PROMPT)).map((piece) => piece.slice(PROMPT.length));

/** The lesson's disk, as its qemu-img line makes it. */
const diskOf = ({ disk: { size, zoneSize, zoneCapacity = zoneSize, conventionalZones = 0, maxOpen = 0, maxActive = 0, maxAppend } }: Lesson) =>
  createOptions({
    sizeBytes: bytesOf(size)!,
    zoned: { zoneSize: bytesOf(zoneSize)!, zoneCapacity: bytesOf(zoneCapacity)!, conventionalZones, maxOpenZones: maxOpen, maxActiveZones: maxActive, maxAppendBytes: bytesOf(maxAppend)! },
  });

const refused = ({ code, zone, operation }: ZoneRefusal): Happening => ({ kind: "refused", code, zone, operation });

function happeningsOf(notices: readonly Notice[]): Happening[] {
  const events = notices.flatMap((notice) => (notice.notice === "device" ? notice.events : []));
  return events.flatMap((event): Happening[] => {
    if (event.type === "refusal") return [refused(event.refusal)];
    if (event.type === "transition") return [{ kind: "transition", zone: event.zone, from: event.from, to: event.to, by: event.operation }];
    return event.type === "pointer" ? [{ kind: "pointer", zone: event.zone, from: event.from, to: event.to, by: event.operation }] : [];
  });
}

function situationOf(zones: readonly ZoneDescriptor[]): Situation {
  const count = (condition: number): number => zones.filter((zone) => zone.condition === condition).length;
  return {
    zones: { count: zones.length, start: (zone) => zones[zone]!.start, conditionOf: (zone) => zones[zone]!.condition as Condition, countOf: count, writePointer: zones.map(({ writePointer }) => writePointer) },
    resources: { implicitOpen: count(Condition.IMPLICIT_OPEN), explicitOpen: count(Condition.EXPLICIT_OPEN), closed: count(Condition.CLOSED) },
    selected: null,
    inspected: null,
  };
}

const LESSONS = [LINUX_SEES_ZONES, F2FS_ON_ZONES];

/** A machine with the lesson's disk, and what its checks are decided on. */
async function begun(lesson: Lesson): Promise<{ guest: Session; holds: (watch: Watch) => Promise<boolean> }> {
  const guest = await Session.start([diskOf(lesson)]);
  const handle = guest.handles[0] ?? 0;
  await guest.fixture.ok("watch", { handle });
  const { notices } = guest.fixture;
  let heard = notices.length;
  const holds = async (watch: Watch): Promise<boolean> => {
    for (const happening of happeningsOf(notices.slice(heard))) watch.hear(happening);
    heard = notices.length;
    return watch.holds(situationOf(await guest.fixture.ok("report", { handle, offset: 0, count: 1000 })));
  };
  return { guest, holds };
}

const watchOf = (lesson: Lesson, step: number): Watch => watchFor(lesson.steps[step]!.check, bytesOf(lesson.disk.zoneSize)!);

test.each(LESSONS.map((lesson) => [lesson.id, lesson] as const))("%s", async (_, lesson) => {
  const { guest, holds } = await begun(lesson);
  for (const [index, { text, hint, check, then = "" }] of lesson.steps.entries()) {
    const watch = watchOf(lesson, index);
    expect(await holds(watch), `nothing is done before: ${text}`).toBe(false);
    const lines = [...linesFor(text), ...linesFor(hint)];
    expect(lines).not.toEqual([]);
    for (const line of lines) {
      const { text: said, status } = await guest.run(line);
      if (check.check === "refused") expect(status, `${line}\n${said}`).not.toBe(0);
      else expect(status, `${line}\n${said}`).toBe(0);
    }
    expect(await holds(watch), `${lines.join("\n")} does: ${text}`).toBe(true);
    for (const line of linesFor(then)) expect((await guest.run(line)).status, line).toBe(0);
  }
  await guest.machine.cutPower();
}, LONG_MS);

/** The one takes as long as the lessons together: `GUEST_SESSIONS=all` runs it too. */
const watched = SESSIONS.filter(({ name, lesson }) => lesson !== undefined && (name === "blkzone" || process.env["GUEST_SESSIONS"] === "all"));

test.each(watched)("the session $name does all steps of its lesson", async (session) => {
  const lesson = LESSONS.find(({ id }) => id === session.lesson)!;
  const { guest, holds } = await begun(lesson);
  let done = 0;
  let watch = watchOf(lesson, 0);
  const doneBy: string[] = [];
  for (const line of session.lines) {
    const { text, status } = await guest.run(line.type);
    if (line.fails === true) expect(status, `${line.type}\n${text}`).not.toBe(0);
    else expect(status, `${line.type}\n${text}`).toBe(0);
    while (done < lesson.steps.length && (await holds(watch))) {
      doneBy.push(line.type);
      done++;
      if (done < lesson.steps.length) watch = watchOf(lesson, done);
    }
  }
  expect(done, `the last step was done by ${doneBy.at(-1)}`).toBe(lesson.steps.length);
  // No line does two: whoever watches sees which did what.
  expect(new Set(doneBy).size).toBe(done);
  await guest.machine.cutPower();
}, LONG_MS);
