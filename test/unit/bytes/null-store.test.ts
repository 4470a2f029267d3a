/** A store that keeps nothing: its length stands, and what is written is gone. */
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { NullStore } from "../../../src/bytes/null-store.ts";

const codeOf = (act: () => void): string | null => {
  try {
    act();
  } catch (error) {
    if (error instanceof Fault && error.problem.kind === "store") return error.problem.code;
    throw error;
  }
  return null;
};

test("reads zeros up to its end, whatever was written", () => {
  const store = new NullStore("null-co://", 1000, false);
  store.write(990, new Uint8Array(10).fill(7));
  const into = new Uint8Array(20).fill(9);
  expect(store.read(990, into)).toBe(10);
  expect([...into]).toEqual([...new Array<number>(10).fill(0), ...new Array<number>(10).fill(9)]);
  expect([store.size(), store.allocated()]).toEqual([1000, 0]);
});

test("keeps its length, and is not written where it is for reading or closed", () => {
  const store = new NullStore("null-co://", 1000, false);
  expect(codeOf(() => store.write(991, new Uint8Array(10)))).toBe("no-space");
  expect(codeOf(() => store.truncate(999))).toBe("io");
  expect(codeOf(() => store.truncate(1000))).toBeNull();
  expect(codeOf(() => new NullStore("null-co://", 1000, true).write(0, new Uint8Array(1)))).toBe("read-only");
  store.close();
  expect(codeOf(() => store.flush())).toBe("closed");
});
