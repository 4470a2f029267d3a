/** What of a data file is given back: the places that are named, and no byte around them. */
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { readExactly } from "../../../src/bytes/byte-store.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { giveBack } from "../../../src/qcow2/release-data.ts";
import type { DataPlace } from "../../../src/qcow2/release-data.ts";
import { FaultyStore } from "../../../src/testing/faulty-store.ts";

const CLUSTER = 512;

test("places are zeros afterwards, and everything else and the length stay, wherever something else lies", () => {
  const random = new Random(5);
  for (let round = 0; round < 300; round++) {
    const length = 1 + random.below(40 * CLUSTER);
    const bytes = new Uint8Array(length);
    const expected = new Uint8Array(length);
    const places: DataPlace[] = [];
    const mostOthers = round % 3;
    // The last place may end behind the file, or begin there.
    for (let start = 0, others = 0; start < length + 2 * CLUSTER; start += CLUSTER) {
      if (random.chance(0.5)) {
        places.push({ start, end: start + CLUSTER });
        bytes.fill(1, start, start + CLUSTER);
      } else if (random.chance(0.3) && others++ < mostOthers) {
        bytes.fill(7, start, start + CLUSTER);
        expected.fill(7, start, start + CLUSTER);
      }
    }
    const store = new MemoryStore("data", MemoryContents.of(bytes));
    giveBack(store, places);
    expect(store.size()).toBe(length);
    expect(Buffer.from(readExactly(store, 0, length)).equals(expected), `round ${round}`).toBe(true);
  }
});

test.each(["write", "truncate"] as const)("a store that refuses a %s keeps what it has, and nobody is told: no entry leads there", (operation) => {
  const bytes = new Uint8Array(4 * CLUSTER).fill(7);
  const store = new FaultyStore(new MemoryStore("data", MemoryContents.of(bytes)), [{ operation, nth: 1 }]);
  giveBack(store, [{ start: operation === "write" ? 0 : 3 * CLUSTER, end: operation === "write" ? CLUSTER : 4 * CLUSTER }]);
  expect(readExactly(store, 0, bytes.length)).toEqual(bytes);
});
