/** The ready-made sessions, typed into the committed kernel: each line ends as is said of it, and says what is said of it. */
import { expect, test } from "vitest";
import { SESSIONS, memoryMib } from "../../src/guest/sessions.ts";
import type { GuestSession } from "../../src/guest/sessions.ts";
import { MIB } from "../../src/testing/engine-fixture.ts";
import { Session } from "./session.ts";

const LONG_MS = 240_000;
/** The others take as long again as all the tests of the guest together: `GUEST_SESSIONS=all` runs them too. */
const QUICK = ["order", "zonefs"];
const wanted = SESSIONS.filter(({ name }) => QUICK.includes(name) || process.env["GUEST_SESSIONS"] === "all");

test.each(wanted)("$name", async (session: GuestSession) => {
  const guest = await Session.start([session.disk], memoryMib(session.extras) * MIB, session.extras);
  for (const { type, fails = false, answer } of session.lines) {
    const { text, status } = await guest.run(type);
    const told = `${type}\n${text}`;
    if (fails) expect(status, told).not.toBe(0);
    else expect(status, told).toBe(0);
    if (answer !== undefined) expect(text, told).toMatch(answer);
  }
  await guest.machine.cutPower();
}, LONG_MS);
