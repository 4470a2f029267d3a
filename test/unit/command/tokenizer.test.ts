import { describe, expect, it } from "vitest";
import { splitIoCommand, splitShellLine } from "../../../src/command/tokenizer.ts";

describe("a console line", () => {
  const check = (line: string, expected: readonly string[]): void =>
    it(JSON.stringify(line), () => expect(splitShellLine(line)).toEqual({ ok: true, value: expected }));
  check("", []);
  check("   # only a comment", []);
  check("zrp 0 12", ["zrp", "0", "12"]);
  check("  zrp\t0   12 ", ["zrp", "0", "12"]);
  check("zrp 0 1 # the first", ["zrp", "0", "1"]);
  check("a#b", ["a#b"]);
  check("qemu-io -c 'write -P 5 0 4k' x.qcow2", ["qemu-io", "-c", "write -P 5 0 4k", "x.qcow2"]);
  check('qemu-io -c "zrp 0 1" x', ["qemu-io", "-c", "zrp 0 1", "x"]);
  check("a\\ b c", ["a b", "c"]);
  check("'a'\"b\"c", ["abc"]);
  check("'' x", ["", "x"]);
  check('"a \\" b \\n"', ['a " b \\n']);
  check("'a \\'", ["a \\"]);
  check("end\\", ["end"]);
  it("an open quote is told with its place", () => {
    expect(splitShellLine("a 'b")).toEqual({ ok: false, error: { code: "open-quote", quote: "'", column: 2 } });
    expect(splitShellLine('"a \\"')).toEqual({ ok: false, error: { code: "open-quote", quote: '"', column: 0 } });
  });
});

describe("a command of qemu-io", () => {
  const check = (line: string, expected: readonly string[]): void => it(JSON.stringify(line), () => expect(splitIoCommand(line)).toEqual(expected));
  check("", []);
  check("   ", []);
  check(" read  0 4k ", ["read", "0", "4k"]);
  check("read\t0", ["read\t0"]);
  check('read "0" # x', ["read", '"0"', "#", "x"]);
});
