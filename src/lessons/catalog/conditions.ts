/** EMPTY, IMPLICIT_OPEN, EXPLICIT_OPEN, CLOSED, FULL: one zone led through all of them. */
import type { Lesson } from "../lesson.ts";

export const CONDITIONS_LESSON: Lesson = {
  id: "conditions",
  title: "The five conditions",
  summary: "EMPTY, IMPLICIT_OPEN, EXPLICIT_OPEN, CLOSED and FULL: lead one zone through all five, and know what each means.",
  disk: { size: "8M", zoneSize: "1M", maxAppend: "128K" },
  steps: [
    {
      text: "Zone 3 is EMPTY. Write 4 KiB to it.",
      hint: "Select zone 3 and press Write. Or type `write 3m 4k`",
      check: { check: "reached", zone: 3, condition: "IMPLICIT_OPEN", from: "EMPTY", by: "write" },
      then: "IMPLICIT_OPEN: a write needed the zone open, so the disk opened it, and may close it again when it needs the room.",
    },
    {
      text: "Open zone 3.",
      hint: "Press Open, or the arrow “open” of the state machine. Or type `zo 3m 1m`",
      check: { check: "reached", zone: 3, condition: "EXPLICIT_OPEN", by: "open" },
      then: "EXPLICIT_OPEN: now you have asked for it, and the disk keeps it open until you close it.",
    },
    {
      text: "Close zone 3.",
      hint: "Press Close. Or type `zc 3m 1m`",
      check: { check: "reached", zone: 3, condition: "CLOSED", by: "close" },
      then: "CLOSED: it is partly written and still active, but takes none of the few places of open zones.",
    },
    {
      text: "Finish zone 3.",
      hint: "Press Finish. Or type `zf 3m 1m`",
      check: { check: "reached", zone: 3, condition: "FULL", by: "finish" },
      then: "FULL: no write is accepted any more, although only 4 KiB were ever written.",
    },
    {
      text: "Reset zone 3.",
      hint: "Press Reset. Or type `zrs 3m 1m`",
      check: { check: "reached", zone: 3, condition: "EMPTY", from: "FULL", by: "reset" },
      then: "EMPTY again, with the pointer at the start. That was all of the circle.",
    },
    {
      text: "One thing more: open zone 4, and close it without a write.",
      hint: "Select zone 4, press Open, then Close. Or type `zo 4m 1m`, then `zc 4m 1m`",
      check: { check: "reached", zone: 4, condition: "EMPTY", from: "EXPLICIT_OPEN", by: "close" },
      then: "A zone with nothing in it becomes EMPTY when it is closed, not CLOSED: there is nothing to keep it active for.",
    },
  ],
  questions: [
    {
      text: "A zone holds 4 KiB and nobody has it open. Which condition is it in?",
      choices: ["EMPTY", "CLOSED", "IMPLICIT_OPEN"],
      right: 1,
      why: "It has data and room left, and is not open: CLOSED. A write opens it again, by itself.",
    },
    {
      text: "From which of these conditions can a zone not be opened?",
      choices: ["CLOSED", "IMPLICIT_OPEN", "FULL"],
      right: 2,
      why: "Opening a FULL zone is refused as an invalid transition. Opening one that is implicitly open makes it explicit.",
    },
  ],
};
