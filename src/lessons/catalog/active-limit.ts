/** The limit of active zones: open ones and closed ones. */
import type { Lesson } from "../lesson.ts";

export const ACTIVE_LIMIT: Lesson = {
  id: "active-limit",
  title: "Closed zones cost too",
  summary: "Every zone that is begun and not full is active, open or closed, and a disk has only so many of them.",
  disk: { size: "8M", zoneSize: "1M", maxOpen: 2, maxActive: 3, maxAppend: "128K" },
  steps: [
    {
      text: "At most 2 zones are open here, and 3 active. Write 4 KiB each to zones 0, 1 and 2.",
      hint: "Type `write 0 4k`, then `write 1m 4k`, then `write 2m 4k`. Or select each and press Write.",
      check: {
        check: "all",
        of: [
          { check: "advanced", zone: 0, by: "4K" },
          { check: "advanced", zone: 1, by: "4K" },
          { check: "advanced", zone: 2, by: "4K" },
        ],
      },
      then: "For the third one zone 0 was closed. Open is 2 of 2, and active 3 of 3: closed zones are counted there.",
    },
    {
      text: "Write 4 KiB to zone 3.",
      hint: "Type `write 3m 4k`. Or select zone 3 and press Write.",
      check: { check: "refused", zone: 3, code: "too-many-active" },
      then: "Refused. Closing another zone would make an open place, but no active one.",
    },
    {
      text: "See for yourself: close zone 1.",
      hint: "Select zone 1 and press Close. Or type `zc 1m 1m`",
      check: { check: "reached", zone: 1, condition: "CLOSED", by: "close" },
      then: "Open is 1 of 2 now. Active is still 3 of 3.",
    },
    {
      text: "Write 4 KiB to zone 3 again.",
      hint: "Type `write 3m 4k`. Or select zone 3 and press Write.",
      check: { check: "refused", zone: 3, code: "too-many-active" },
      then: "Still refused. To let go of an active place, a zone must become FULL or EMPTY.",
    },
    {
      text: "Finish zone 1, and keep its data.",
      hint: "Select zone 1 and press Finish. Or type `zf 1m 1m`",
      check: { check: "reached", zone: 1, condition: "FULL", by: "finish" },
      then: "Active is 2 of 3. The price is the room that was left in zone 1: 1,020 KiB.",
    },
    {
      text: "Write 4 KiB to zone 3 now.",
      hint: "Type `write 3m 4k`. Or select zone 3 and press Write.",
      check: { check: "reached", zone: 3, condition: "IMPLICIT_OPEN", from: "EMPTY" },
    },
    {
      text: "The other way: reset zone 0, whose 4 KiB are not wanted any more.",
      hint: "Select zone 0 and press Reset. Or type `zrs 0 1m`",
      check: { check: "reached", zone: 0, condition: "EMPTY", by: "reset" },
      then: "Active is 2 of 3 again.",
    },
  ],
  questions: [
    {
      text: "3 zones may be active. One is implicitly open, two are CLOSED. What does a write to one of the closed zones need?",
      choices: ["An active place, so it is refused", "A finish of another zone first", "An open place only, so it is carried out"],
      right: 2,
      why: "A closed zone is active already. Opening it takes an open place, and there are 2 of those.",
    },
    {
      text: "Which of these frees an active place?",
      choices: ["Closing a zone that holds data", "Writing a zone up to its capacity", "Opening a closed zone explicitly"],
      right: 1,
      why: "At its capacity a zone becomes FULL, and FULL is not active. A finish gets there without writing.",
    },
  ],
};
