/** A log of a hundred thousand events: what filtering, going through time and saving cost, counted in events looked at. */
import { beforeEach, expect, test, vi } from "vitest";
import { EVENT_LIMIT } from "../../../src/state/core.ts";
import { ClosingOrders } from "../../../src/state/closing-orders.ts";
import type { LogEvent } from "../../../src/state/history.ts";
import { jsonLines } from "../../../src/state/scripts.ts";
import { started, stubWindow } from "./app-fixture.ts";

beforeEach(stubWindow);

test("nothing goes through the log more than once, and what follows costs what is new", async () => {
  const app = await started();
  const { events, matches } = app;
  const MIB = 2 ** 20;
  const push = (seq: number): void => {
    const zone = 2 + (seq % 10);
    events.push({ seq, timeMs: seq, type: "pointer", zone, from: zone * MIB, to: zone * MIB + 512, operation: "append" });
  };
  for (let seq = 0; seq < EVENT_LIMIT + 5_000; seq++) push(seq);
  expect(events.length).toBe(EVENT_LIMIT);
  const at = vi.spyOn(events, "at");
  const cost = (task: () => unknown): number => {
    at.mockClear();
    task();
    return at.mock.calls.length;
  };
  app.page.setEventFilter({ kinds: [], zone: 5, words: "" });
  matches.setFilter(app.store.getState().eventFilter);
  expect(cost(() => matches.count())).toBe(EVENT_LIMIT);
  expect(matches.count()).toBe(EVENT_LIMIT / 10);
  expect(cost(() => matches.count())).toBe(0);
  expect(cost(() => matches.lastBefore(events.forgotten + 50_000))).toBe(0);
  for (let seq = 0; seq < 170; seq++) push(seq);
  expect(cost(() => matches.count())).toBe(170);
  // Back by n events costs n, wherever that is; a step costs one.
  expect(cost(() => app.time.seek(events.total - 60_000))).toBe(60_000);
  expect(cost(() => app.time.step(-1))).toBe(1);
  expect(cost(() => app.time.step(1))).toBe(1);
  expect(cost(() => app.time.seek(events.total - 61_000))).toBe(1_000);
  expect(cost(() => app.time.seek(null))).toBe(0);
  const all = function* (): Generator<LogEvent> {
    for (let index = 0; index < events.length; index++) yield events.at(index)!;
  };
  let text = "";
  expect(cost(() => (text = jsonLines(all())))).toBe(EVENT_LIMIT);
  expect(text.split("\n")).toHaveLength(EVENT_LIMIT + 1);
}, 30_000);

test("orders of closing are kept within a budget, the newest of them", async () => {
  const app = await started();
  const { zones } = app.store.getState().attached!;
  const now = { implicitOpen: 1, explicitOpen: 0, closed: 0, maxOpen: 3, maxActive: 5, implicitOrder: [] };
  zones!.set(4, 2, 4 * 2 ** 20);
  zones!.set(5, 2, 5 * 2 ** 20);
  const orders = new ClosingOrders(10_000);
  for (let at = 0; at < 100_000; at++) orders.note(at, { ...now, implicitOrder: at % 2 === 0 ? [4, 5] : [5, 4] });
  expect(orders.at(99_999, zones!, now).implicitOrder).toEqual([5, 4]);
  expect(orders.at(99_998, zones!, now).implicitOrder).toEqual([4, 5]);
  expect(orders.at(99_800, zones!, now).implicitOrder).toEqual([4, 5]);
  // Forgotten: not made up, and the counts are those of the zones all the same.
  expect(orders.at(50_000, zones!, now)).toMatchObject({ implicitOrder: null, implicitOpen: 2, maxOpen: 3 });
});
