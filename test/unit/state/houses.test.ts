/** Which house is shown: the address decides, what goes is ended, and what stays is as it was. */
import { readFileSync } from "node:fs";
import { beforeEach, expect, test, vi } from "vitest";
import { PLAIN_LINK, writeLink } from "../../../src/share/index.ts";
import type { Address } from "../../../src/state/address.ts";
import { readAddress } from "../../../src/state/address.ts";
import type { App } from "../../../src/state/app.ts";
import { openHouses } from "../../../src/state/houses.ts";
import type { Houses } from "../../../src/state/houses.ts";
import { openLinkHouse } from "../../../src/state/link-house.ts";
import { linkEngine, started, stubWindow } from "./app-fixture.ts";
import type { FakeLinkEngine } from "./app-fixture.ts";

beforeEach(stubWindow);

interface Stage {
  readonly houses: Houses;
  readonly engines: FakeLinkEngine[];
  readonly ordinary: App;
  /** How often the ordinary app was opened. */
  readonly opened: () => number;
  readonly go: (hash: string) => void;
  readonly hash: () => string;
}

async function stage(first: string): Promise<Stage> {
  const ordinary = await started();
  const engines: FakeLinkEngine[] = [];
  let hash = first;
  let opened = 0;
  let heard = (): void => undefined;
  const address: Address = {
    hash: () => hash,
    follow: (listener) => {
      heard = listener;
      return () => (heard = () => undefined);
    },
    leave: () => {
      hash = "";
      heard();
    },
    base: () => "https://example.org/",
  };
  const houses = openHouses({
    address,
    openOrdinary: () => {
      opened++;
      return ordinary;
    },
    openLink: (link) => {
      const engine = linkEngine();
      engines.push(engine);
      return openLinkHouse(engine, link);
    },
  });
  return { houses, engines, ordinary, opened: () => opened, hash: () => hash, go: (next) => ((hash = next), heard()) };
}

test("a link has a house of its own, which is ended when it goes; the ordinary one is opened when it is wanted", async () => {
  const { houses, engines, ordinary, opened, go } = await stage("#run=zf%202M%201M&autoplay=0");
  const first = houses.store.getState();
  expect(first.link).not.toBeNull();
  expect(first.app).toBe(first.link!.app);
  expect(opened()).toBe(0);
  go("#run=zf%203M%201M&autoplay=0");
  const second = houses.store.getState();
  expect(engines.map((engine) => engine.disposed())).toEqual([true, false]);
  expect(second.number).not.toBe(first.number);
  houses.leave();
  const third = houses.store.getState();
  expect(engines.map((engine) => engine.disposed())).toEqual([true, true]);
  expect(third).toMatchObject({ link: null, problem: null });
  expect(third.app).toBe(ordinary);
  go("#nothing-of-ours");
  // The same house goes on: what is typed into it stays.
  expect(houses.store.getState().number).toBe(third.number);
  go("#z=1.x");
  expect(houses.store.getState()).toMatchObject({ number: third.number, link: null, problem: { title: "The link is damaged" } });
  go("");
  expect(houses.store.getState().problem).toBeNull();
  expect(opened()).toBe(1);
});

test("a broken link for a frame opens nothing at all", async () => {
  const { houses, engines, opened } = await stage("#z=2.x&embed=1");
  expect(houses.store.getState()).toMatchObject({ app: null, link: null, problem: { title: "The link is of a newer kind" } });
  expect([engines.length, opened()]).toEqual([0, 0]);
  expect(readAddress("#run=%&embed=10")).toMatchObject({ kind: "broken", embed: false });
});

test("theme and units go along from house to house", async () => {
  const { houses, ordinary, go } = await stage("");
  ordinary.page.setTheme("dark");
  go("#run=flush&autoplay=0");
  const { app } = houses.store.getState();
  expect(app!.store.getState().theme).toBe("dark");
  app!.page.setUnits("sectors");
  houses.leave();
  expect(ordinary.store.getState().units).toBe("sectors");
});

test("a lesson's link opens the lesson in the ordinary house; one that is not known is told", async () => {
  const { houses, ordinary, go } = await stage("#lesson=write-pointer");
  expect(houses.store.getState()).toMatchObject({ link: null, problem: null });
  await vi.waitFor(() => expect(ordinary.store.getState().lessons.shown).toBe("write-pointer"));
  go("#lesson=no-such-lesson");
  await vi.waitFor(() => expect(ordinary.store.getState().lessons.trouble?.title).toContain("no-such-lesson"));
});

test("a lesson that a link brings is in a house of its own, starts there on a disk in memory, and is kept at a word", async () => {
  const text = readFileSync("docs/example.lesson.json", "utf8");
  const written = writeLink({ ...PLAIN_LINK, lessonText: text }, "z");
  if (!written.ok) throw new Error(JSON.stringify(written.error));
  const { houses, ordinary, engines, go } = await stage(written.value);
  const { link } = houses.store.getState();
  const { app } = link!;
  await vi.waitFor(() => expect(app.store.getState().lessons).toMatchObject({ shown: expect.stringMatching(/^own:/) as string, trouble: null }));
  // There is no disk before the lesson makes one.
  expect(app.store.getState()).toMatchObject({ attached: null, ready: true });
  await app.lessons.start();
  const { id } = JSON.parse(text) as { id: string };
  expect(app.store.getState().attached?.file).toBe(`lesson-${id}.qcow2`);
  expect(ordinary.store.getState().library.files.map(({ name }) => name)).toEqual(["welcome.qcow2"]);
  expect(window.localStorage.getItem("zonescope.lessons")).toBeNull();
  await houses.keepLesson();
  expect(houses.store.getState()).toMatchObject({ app: ordinary, link: null });
  expect(engines[0]!.disposed()).toBe(true);
  expect(ordinary.store.getState().lessons).toMatchObject({ shown: expect.stringMatching(/^own:/) as string, trouble: null });
  // One that is none is told where it would have stood.
  const broken = writeLink({ ...PLAIN_LINK, lessonText: text.replace('"steps"', '"stops"') }, "z");
  go(broken.ok ? broken.value : "");
  const second = houses.store.getState().link!.app;
  await vi.waitFor(() => expect(second.store.getState().lessons.trouble).not.toBeNull());
  expect(second.store.getState().lessons.trouble).toMatchObject({ title: "The link's lesson is no lesson that can be opened", lines: expect.arrayContaining([expect.stringMatching(/^steps: found nothing; wanted: a list of 1 to 40/)]) as string[] });
});

test("a disk that stands on another is not kept alone, and the link stays", async () => {
  const { houses, ordinary, hash } = await stage("#run=zf%203M%201M&autoplay=0");
  const { link } = houses.store.getState();
  await link!.app.console.run("qemu-img create -f qcow2 -b disk.qcow2 -F qcow2 top.qcow2");
  await houses.keep();
  expect(hash()).not.toBe("");
  expect(JSON.stringify(link!.app.store.getState().banners)).toContain("stands on disk.qcow2");
  expect(ordinary.store.getState().library.files.map(({ name }) => name)).toEqual(["welcome.qcow2"]);
});
