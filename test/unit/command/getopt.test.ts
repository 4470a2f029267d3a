import { describe, expect, it } from "vitest";
import { getopt, imgMistakeWords, mistakeWords } from "../../../src/command/getopt.ts";

const LONGS = [
  { name: "cmd", takesValue: true, flag: "c" },
  { name: "read-only", takesValue: false, flag: "r" },
  { name: "cache", takesValue: true, flag: "t" },
];

/** "c=length r | words" or the words of the mistake. */
function shown(argv: string, longs: typeof LONGS = []): string {
  const parsed = getopt(argv.split(" "), "c:rqt:", longs);
  if (!parsed.ok) return mistakeWords(parsed.error);
  const options = parsed.value.options.map(({ flag, value }) => (value === "" ? flag : `${flag}=${value}`));
  return `${options.join(" ")} | ${parsed.value.words.join(" ")}`;
}
const check = (argv: string, expected: string, longs?: typeof LONGS): void => it(argv, () => expect(shown(argv, longs)).toBe(expected));

describe("short options", () => {
  check("-r x", "r | x");
  check("-rq x", "r q | x");
  check("-c length x", "c=length | x");
  check("-clength x", "c=length | x");
  check("-rclength x", "r c=length | x");
  check("x -r", "r | x");
  check("x -- -r", " | x -r");
  check("-", " | -");
  check("-x", "invalid option -- 'x'");
  check("-rx", "invalid option -- 'x'");
  check("-:", "invalid option -- ':'");
  check("-r -c", "option requires an argument -- 'c'");
});

describe("long options", () => {
  check("--cmd=a --read-only x", "c=a r | x", LONGS);
  check("--cmd a x", "c=a | x", LONGS);
  check("--cm a x", "c=a | x", LONGS);
  check("--c a", "option '--c' is ambiguous", LONGS);
  check("--foo", "unrecognized option '--foo'", LONGS);
  check("--read-only=1", "option '--read-only' doesn't allow an argument", LONGS);
  check("--cmd", "option '--cmd' requires an argument", LONGS);
});

describe("qemu-img's words", () => {
  const checkImg = (argv: string, expected: string): void =>
    it(argv, () => {
      const parsed = getopt(argv.split(" "), "f:", LONGS);
      expect(parsed.ok ? "" : imgMistakeWords(parsed.error)).toBe(expected);
    });
  checkImg("-x", "unrecognized option '-x'");
  checkImg("--foo", "unrecognized option '--foo'");
  checkImg("-f", "missing argument for option '-f'");
  checkImg("--cmd", "missing argument for option '--cmd'");
});
