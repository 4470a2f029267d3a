/** What patterns cost in memory, and the promises of every store. */
import { describe, expect, test } from "vitest";
import { UniformStore } from "../../../src/bytes/uniform-store.ts";
import { storeChecks } from "../../../src/testing/store-conformance.ts";

describe("UniformStore", () => {
  for (const check of storeChecks) test(check.name, () => check.run({ make: async () => new UniformStore("uniform"), reopen: null }));

  test("pages of one byte cost nothing, a page that is no longer one costs itself, and one that is again nothing", () => {
    const store = new UniformStore("uniform");
    const page = 64 * 1024;
    for (let at = 0; at < 100; at++) store.write(at * page, new Uint8Array(page).fill(at));
    expect(store.heldBytes).toBe(0);
    store.write(3 * page + 5, Uint8Array.of(3));
    expect(store.heldBytes).toBe(0);
    store.write(3 * page + 5, Uint8Array.of(4));
    expect(store.heldBytes).toBe(page);
    const into = new Uint8Array(3);
    store.read(3 * page + 4, into);
    expect([...into]).toEqual([3, 4, 3]);
    store.write(3 * page, new Uint8Array(page).fill(9));
    expect(store.heldBytes).toBe(0);
  });
});
