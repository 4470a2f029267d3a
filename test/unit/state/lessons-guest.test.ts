/** A lesson's steps hear what a guest does: its refusals, what was carried out, and the power that fails under it. */
import { readFileSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import type { Check, Lesson } from "../../../src/lessons/index.ts";
import { shownProgress } from "../../../src/state/lessons.ts";
import { frames, stubWindow } from "./app-fixture.ts";
import { APPEND, FINISH, FLUSH, IN, OPEN, OUT, RESET, guestPage } from "./guest-fixture.ts";
import type { GuestPage } from "./guest-fixture.ts";

beforeEach(stubWindow);

const MIB = 2 ** 20;
const EXAMPLE = JSON.parse(readFileSync("docs/example.lesson.json", "utf8")) as Lesson;

const DISK: Lesson["disk"] = { size: "4M", zoneSize: "1M", maxAppend: "128K" };

async function taught(...checks: readonly Check[]): Promise<GuestPage & { readonly done: () => Promise<number> }> {
  const page = await guestPage("qemu-img create -q -f qcow2 other.qcow2 8M");
  page.giveBack();
  const steps = checks.map((check) => ({ text: "Do it.", hint: "Somehow.", check }));
  await page.app.lessons.openText(JSON.stringify({ ...EXAMPLE, disk: DISK, steps }), "test");
  await page.app.lessons.start();
  expect(shownProgress(page.app.store.getState())).toMatchObject({ steps: [] });
  page.lend();
  const done = async (): Promise<number> => {
    await frames();
    return shownProgress(page.app.store.getState())!.steps.length;
  };
  return { ...page, done };
}

test("a refusal that the guest met ends a step that asks for it, and no other refusal does", async () => {
  const { ask, done, giveBack } = await taught({ check: "refused", code: "not-at-write-pointer", zone: 2, operation: "write" }, { check: "refused", times: 2 });
  expect(await ask(OUT, 2 * MIB, new Uint8Array(4096))).toBe(0);
  expect(await ask(APPEND, 2 * MIB, new Uint8Array(2 * MIB))).toBe(3);
  expect(await ask(OUT, 1 * MIB + 4096, new Uint8Array(4096))).toBe(4);
  expect(await done()).toBe(0);
  expect(await ask(OUT, 2 * MIB + 8192, new Uint8Array(4096))).toBe(4);
  expect(await done()).toBe(1);
  // Each counts once, although it is an event as well.
  expect(await ask(OUT, 2 * MIB + 8192, new Uint8Array(4096))).toBe(4);
  expect(await done()).toBe(1);
  expect(await ask(RESET, 2 * MIB + 512)).toBe(3);
  expect(await done()).toBe(2);
  giveBack();
});

test("what the guest had carried out counts, by zone and by place", async () => {
  const { ask, done, giveBack } = await taught(
    { check: "done", operation: "write", zone: 1, at: "4K" },
    { check: "done", operation: "append", zone: 2 },
    { check: "done", operation: "read", zone: 1 },
    { check: "done", operation: "flush" },
    { check: "all", of: [{ check: "done", operation: "open" }, { check: "reached", zone: 3, condition: "FULL", from: "EXPLICIT_OPEN", by: "finish" }] },
  );
  expect(await ask(OUT, MIB, new Uint8Array(4096))).toBe(0);
  expect(await done()).toBe(0);
  const requests: readonly (readonly [number, number, Uint8Array?])[] = [[OUT, MIB + 4096, new Uint8Array(4096)], [APPEND, 2 * MIB, new Uint8Array(512)], [IN, MIB], [FLUSH, 0]];
  for (const [index, request] of requests.entries()) {
    expect(await ask(...request)).toBe(0);
    expect(await done()).toBe(index + 1);
  }
  await ask(OPEN, 3 * MIB);
  expect(await done()).toBe(4);
  await ask(FINISH, 3 * MIB);
  expect(await done()).toBe(5);
  giveBack();
});

test("a power cut under the guest is a power cycle to the disk", async () => {
  const { done, cut } = await taught({ check: "power-cycled" });
  expect(await done()).toBe(0);
  await cut();
  expect(await done()).toBe(1);
});
