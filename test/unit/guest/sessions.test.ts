/** The ready-made sessions are what a link, a menu and an engine can take. That their lines do what they say is test/guest's. */
import { describe, expect, test } from "vitest";
import { guestRefusal } from "../../../src/guest/block-config.ts";
import { PROMPT, SESSIONS, memoryMib, sessionNamed, sessionOfLesson } from "../../../src/guest/sessions.ts";
import { CATALOG } from "../../../src/lessons/catalog/index.ts";
import { bytesOf } from "../../../src/lessons/index.ts";
import { engineFixture } from "../../../src/testing/engine-fixture.ts";

describe.each(SESSIONS)("$name", (session) => {
  test("is found by its name, which needs no encoding in a link", () => {
    expect(session.name).toMatch(/^[a-z0-9-]+$/);
    expect(sessionNamed(session.name)).toBe(session);
  });

  test("has a disk that the engine makes and Linux takes", async () => {
    const fixture = engineFixture();
    await fixture.ok("create", { file: "disk", options: session.disk });
    const { facts } = await fixture.ok("open", { file: "disk", format: "qcow2", readOnly: false });
    expect(guestRefusal(facts)).toBe(null);
  });

  test("types lines that are shorter than the kernel's line of a terminal, and says what each shows", () => {
    for (const { type, says } of session.lines) {
      expect(type).toMatch(/^[ -~]{1,1000}$/);
      expect(says).toMatch(/[.:]$|\.$/);
    }
  });
});

test("two sessions go through a lesson each, on a disk of the lesson's geometry", async () => {
  const taught = SESSIONS.filter(({ lesson }) => lesson !== undefined);
  expect(taught.map(({ name, lesson }) => [name, lesson])).toEqual([["blkzone", "linux-sees-zones"], ["f2fs", "f2fs-on-zones"]]);
  for (const session of taught) {
    const lesson = CATALOG.find(({ id }) => id === session.lesson);
    const { size, zoneSize, zoneCapacity = zoneSize, conventionalZones = 0, maxOpen = 0, maxActive = 0, maxAppend } = lesson!.disk;
    expect(session.disk).toMatchObject({
      sizeBytes: bytesOf(size),
      zoned: { zoneSize: bytesOf(zoneSize), zoneCapacity: bytesOf(zoneCapacity), conventionalZones, maxOpenZones: maxOpen, maxActiveZones: maxActive, maxAppendBytes: bytesOf(maxAppend) },
    });
    expect(sessionOfLesson(lesson!.id)).toBe(session);
  }
  expect(sessionOfLesson("zones")).toBe(undefined);
});

test("no two sessions have one name", () => {
  expect(new Set(SESSIONS.map(({ name }) => name)).size).toBe(SESSIONS.length);
  expect(sessionNamed("nothing")).toBe(undefined);
});

test("a guest with more files has more memory", () => {
  expect(memoryMib([])).toBe(48);
  expect(memoryMib(["btrfs"])).toBe(128);
  expect(memoryMib(["fio", "btrfs"])).toBe(memoryMib(["fio"]) + memoryMib(["btrfs"]) - memoryMib([]));
});

test("the prompt is one at the end alone", () => {
  expect(PROMPT.test("done\nzoned:~# ")).toBe(true);
  expect(PROMPT.test("zoned:/mnt/seq# ")).toBe(true);
  expect(PROMPT.test("zoned:~# ls\n")).toBe(false);
});
