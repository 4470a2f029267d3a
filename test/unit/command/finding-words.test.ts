/** Where findings of a check lead to. */
import { expect, test } from "vitest";
import { findingWords } from "../../../src/command/finding-words.ts";

test("a wrong COPIED flag leads to what its entry leads to, and an entry that leads nowhere to nothing", () => {
  const copied = (entry: string) => findingWords({ finding: "copied-flag", structure: "L2 table", index: 0, entry, refcount: 2 }, 65536).spot;
  expect(copied("8000000000050000")).toEqual({ hostOffset: 0x50000 });
  expect(copied("50000")).toEqual({ hostOffset: 0x50000 });
  expect(copied("8000000000000000")).toBeNull();
  // The reserved bits are no part of the place; one above what numbers hold exactly is none.
  expect(findingWords({ finding: "reserved-bits", structure: "L1 table", entry: "8100000000050002" }, 65536).spot).toEqual({ hostOffset: 0x50000 });
  expect(copied("80ffffffffffff00")).toBeNull();
});
