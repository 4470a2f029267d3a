/** The rows of a table that follow changing zones: at once where that is quick, a little behind where it is not, and in the end always. */
import { expect, test } from "vitest";
import { Condition } from "../../../src/base/conditions.ts";
import type { ZoneGeometry } from "../../../src/protocol/index.ts";
import { FollowedRows } from "../../../src/state/table-view.ts";
import type { TableView } from "../../../src/state/table-view.ts";
import { ZoneModel } from "../../../src/state/zone-model.ts";

const COUNT = 8;
const words = (): Uint32Array => new Uint32Array(COUNT);

function model(): ZoneModel {
  const geometry = { deviceSize: COUNT * 4096, zoneSize: 4096, zoneCapacity: 4096, zoneCount: COUNT, conventionalZones: 0, maxOpenZones: 0, maxActiveZones: 0, maxAppendBytes: 0 } as ZoneGeometry;
  return new ZoneModel(geometry, {
    type: new Uint8Array(COUNT).fill(2), condition: new Uint8Array(COUNT).fill(Condition.EMPTY), writePointer: new Float64Array(COUNT),
    writes: words(), bytesWritten: new Float64Array(COUNT), resets: words(), finishes: words(), refusals: words(),
  });
}

const onlyFull: TableView = { conditions: [Condition.FULL], sort: "zone", descending: false };

/** A clock that is `tookMs` later each time it is looked at, so that looking through the zones takes that long. */
function clock(tookMs: number): { now: () => number; advance: (ms: number) => void } {
  let time = 0;
  return { now: () => (time += tookMs), advance: (ms) => void (time += ms) };
}

test("what takes no time follows every change", () => {
  const zones = model();
  const followed = new FollowedRows(clock(0).now);
  expect(followed.rows(zones, onlyFull, 1).rows.count).toBe(0);
  zones.set(3, Condition.FULL, 4096);
  const { rows, againInMs } = followed.rows(zones, onlyFull, 2);
  expect([rows.count, rows.zoneAt(0), againInMs]).toEqual([1, 3, null]);
});

test("what takes long is asked for again, and then shows the change", () => {
  const zones = model();
  const time = clock(50);
  const followed = new FollowedRows(time.now);
  followed.rows(zones, onlyFull, 1);
  zones.set(3, Condition.FULL, 4096);
  const behind = followed.rows(zones, onlyFull, 2);
  expect(behind.rows.count).toBe(0);
  expect(behind.againInMs).toBe(450);
  time.advance(behind.againInMs!);
  expect(followed.rows(zones, onlyFull, 2)).toMatchObject({ rows: { count: 1 }, againInMs: null });
});

test("another filter or other zones are never shown the rows of before", () => {
  const zones = model();
  const followed = new FollowedRows(clock(50).now);
  expect(followed.rows(zones, onlyFull, 1).rows.count).toBe(0);
  expect(followed.rows(zones, { ...onlyFull, conditions: [Condition.EMPTY] }, 1).rows.count).toBe(COUNT);
  const other = model();
  other.set(0, Condition.CLOSED, 512);
  expect(followed.rows(other, { ...onlyFull, conditions: [Condition.CLOSED] }, 1).rows.count).toBe(1);
});
