/** The order in which zones are closed to make room, each rule against a plain list. Zone semantics, "Other profiles". */
import { describe, expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { zoneIndex } from "../../../src/base/units.ts";
import { ClosingOrder } from "../../../src/zoned/closing-order.ts";
import type { ClosingRule } from "../../../src/zoned/policy.ts";
import { ZoneBits } from "../../../src/zoned/zone-bits.ts";

const RULES: readonly ClosingRule[] = ["least-recently-written", "oldest-opened", "zone-0-else-newest", "round-robin"];

/** The same by sorting lists. */
class PlainOrder {
  opened: number[] = [];
  written: number[] = [];
  cursor = 0;
  leave(zone: number): void {
    this.opened = this.opened.filter((other) => other !== zone);
    this.written = this.written.filter((other) => other !== zone);
  }
  order(rule: ClosingRule): number[] {
    if (rule === "least-recently-written") return this.written;
    if (rule === "oldest-opened") return this.opened;
    const byNumber = [...this.opened].sort((a, b) => a - b);
    if (rule === "round-robin") return [...byNumber.filter((zone) => zone >= this.cursor), ...byNumber.filter((zone) => zone < this.cursor)];
    const newestFirst = [...this.opened].reverse();
    return newestFirst.includes(0) ? [0, ...newestFirst.filter((zone) => zone !== 0)] : newestFirst;
  }
}

describe.each(RULES)("%s", (rule) => {
  test("is what a plain list says, through opens, writes, closings and switches of the rule", () => {
    const random = new Random(RULES.indexOf(rule) + 1);
    const count = 100;
    const order = new ClosingOrder(count);
    const plain = new PlainOrder();
    order.setRule(rule);
    for (let step = 0; step < 4000; step++) {
      const zone = random.below(count);
      const next = order.next();
      if (random.chance(0.02)) {
        order.setRule(random.pick(RULES));
        order.setRule(rule);
        plain.cursor = 0;
      } else if (next !== null && random.chance(0.3)) {
        order.left(next);
        order.closedToMakeRoom(next);
        plain.leave(next);
        plain.cursor = next + 1;
      } else if (!plain.opened.includes(zone)) {
        order.opened(zoneIndex(zone));
        plain.opened.push(zone);
        plain.written.push(zone);
      } else if (random.chance(0.5)) {
        order.written(zoneIndex(zone));
        plain.written = [...plain.written.filter((other) => other !== zone), zone];
      } else {
        order.left(zoneIndex(zone));
        plain.leave(zone);
      }
      const expected = plain.order(rule);
      expect(order.order(Number.POSITIVE_INFINITY)).toEqual(expected);
      expect(order.next()).toBe(expected[0] ?? null);
      expect(order.size).toBe(expected.length);
    }
    expect(order.order(3)).toEqual(plain.order(rule).slice(0, 3));
  });
});

describe("ZoneBits", () => {
  test.each([1, 31, 32, 33, 1024, 1025, 2 ** 22])("finds the next member among %d zones", (count) => {
    const random = new Random(count);
    const bits = new ZoneBits(count);
    const members = new Set<number>();
    for (let step = 0; step < 300; step++) {
      const zone = random.chance(0.1) ? count - 1 : random.below(count);
      if (members.delete(zone)) bits.delete(zoneIndex(zone));
      else {
        bits.add(zoneIndex(zone));
        members.add(zone);
      }
      for (const from of [0, zone, zone + 1, random.below(count), count]) {
        const expected = [...members].filter((member) => member >= from).sort((a, b) => a - b)[0] ?? null;
        expect(bits.next(from)).toBe(expected);
      }
    }
  });
});
