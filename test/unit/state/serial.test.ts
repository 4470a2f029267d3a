/** The serial line: when the shell waits, what is typed without being shown, and what is kept. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Serial } from "../../../src/state/serial.ts";
import { stubWindow } from "./app-fixture.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const PROMPT = "\r\n\x1b[1mzoned:~# \x1b[0m";

let sent: string;
let shown: string;
let serial: Serial;
beforeEach(() => {
  vi.useFakeTimers();
  stubWindow();
  sent = "";
  shown = "";
  serial = new Serial((typed) => (sent += new TextDecoder().decode(typed)));
  serial.listen((said) => (shown += new TextDecoder().decode(said)));
  serial.open();
  shown = "";
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Whether the promise is settled, and with what. */
async function now<Value>(promise: Promise<Value>): Promise<Value | "waits"> {
  return Promise.race([promise, Promise.resolve().then(() => Promise.resolve()).then(() => "waits" as const)]);
}

test("the prompt is known whatever colours it has and however it is cut, and not while something was typed", async () => {
  const there = serial.atPrompt();
  serial.heard(bytes("Booting\r\nzoned:"));
  expect(await now(there)).toBe("waits");
  serial.heard(bytes("/mnt/a b# "));
  expect(await now(there)).toBe(true);
  expect(await now(serial.atPrompt())).toBe(true);
  serial.type("ls\r");
  expect(sent).toBe("ls\r");
  expect(await now(serial.atPrompt())).toBe("waits");
  serial.heard(bytes(`ls\r\nthe prompt is not zoned:~# here${PROMPT}`));
  expect(await now(serial.atPrompt())).toBe(true);
});

test("what a terminal answers by itself is no typing, and goes at once", async () => {
  serial.heard(bytes(`${PROMPT}\x1b[6n`));
  serial.type("\x1b[12;10R");
  expect(sent).toBe("\x1b[12;10R");
  expect(await now(serial.atPrompt())).toBe(true);
  expect(serial.typeQuietly("stty")).toBe(true);
  serial.type("\x1b[?1;2c");
  expect(sent).toBe("\x1b[12;10Rstty\r\x1b[?1;2c");
});

test("a line that is typed quietly is not seen, and what is typed meanwhile comes behind it", () => {
  expect(serial.typeQuietly("stty rows 5")).toBe(false);
  serial.heard(bytes(PROMPT));
  shown = "";
  expect(serial.typeQuietly("stty rows 5")).toBe(true);
  serial.type("df\r");
  expect(sent).toBe("stty rows 5\r");
  serial.heard(bytes("stty rows 5"));
  serial.heard(bytes(PROMPT));
  expect(shown).toBe("");
  expect(sent).toBe("stty rows 5\rdf\r");
  serial.heard(bytes("df\r\n"));
  expect(shown).toBe("df\r\n");
});

test("a quiet line that is not answered is shown after all", () => {
  serial.heard(bytes(PROMPT));
  shown = "";
  serial.typeQuietly("cat");
  serial.heard(bytes("cat\r\n"));
  expect(shown).toBe("");
  vi.advanceTimersByTime(20_000);
  expect(shown).toBe("cat\r\n");
});

test("who waits for a prompt is told that the machine is gone; what it said stays, bounded", async () => {
  const waits = serial.atPrompt();
  for (let index = 0; index < 300; index++) serial.heard(new Uint8Array(4096));
  serial.close();
  expect(await now(waits)).toBe(false);
  serial.type("lost");
  expect(sent).toBe("");
  const kept = serial.said().reduce((sum, { length }) => sum + length, 0);
  expect(kept).toBeGreaterThan(400_000);
  expect(kept).toBeLessThanOrEqual(512 * 1024);
});
