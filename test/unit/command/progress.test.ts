/** The progress line of -p, byte for byte as qemu-img writes it, and who prints it. */
import { expect, test } from "vitest";
import { callShown } from "../../../src/command/program.ts";
import { out, run } from "../../../src/command/program.ts";
import type { Program } from "../../../src/command/program.ts";
import { progressShown } from "../../../src/command/progress.ts";

test("a line by percent that passed, each over the last, and a newline at the end", () => {
  const { begin, shown, end } = progressShown(true);
  const fractions = [0, 0.005, 0.0101, 0.015, 0.1234, 0.5, 1];
  expect(begin() + fractions.map(shown).join("") + end(true)).toBe(
    "    (0.00/100%)\r    (1.01/100%)\r    (12.34/100%)\r    (50.00/100%)\r    (100.00/100%)\r\n",
  );
});

test("work that is soon done goes from 0 to 100, and work that failed does not", () => {
  const done = progressShown(true);
  expect(done.begin() + done.end(true)).toBe("    (0.00/100%)\r    (100.00/100%)\r\n");
  const failed = progressShown(true);
  expect(failed.begin() + failed.shown(0.5) + failed.end(false)).toBe("    (0.00/100%)\r    (50.00/100%)\r\n");
});

test("nothing where it was not asked for", () => {
  const { begin, shown, end } = progressShown(false);
  expect(begin() + shown(0.5) + end(true)).toBe("");
});

test("the pump prints it while the call goes on, before what follows", async () => {
  const progress = progressShown(true);
  function* program(): Program {
    yield* callShown("flush", { handle: 1 }, progress.shown);
    yield out("after\n");
    return 0;
  }
  let printed = "";
  await run(
    program(),
    async (_name, _request, listen) => {
      listen?.(0.25);
      printed += "|";
      return { ok: true, value: { done: true } } as never;
    },
    (text) => (printed += text),
  );
  expect(printed).toBe("    (25.00/100%)\r|after\n");
});
