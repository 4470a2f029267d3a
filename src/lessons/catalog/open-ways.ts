/** Who opened a zone decides who may close it. */
import type { Lesson } from "../lesson.ts";

export const OPEN_WAYS: Lesson = {
  id: "implicit-explicit",
  title: "Implicit and explicit open",
  summary: "A zone that the disk opened, the disk may close. One that you opened, it may not.",
  disk: { size: "8M", zoneSize: "1M", maxOpen: 2, maxActive: 4, maxAppend: "128K" },
  steps: [
    {
      text: "This disk has 2 zones open at most. Write 4 KiB to zone 0.",
      hint: "Select zone 0 and press Write. Or type `write 0 4k`",
      check: { check: "reached", zone: 0, condition: "IMPLICIT_OPEN", by: "write" },
      then: "The disk opened zone 0 for the write. The region Resources shows it, and that it would be closed next.",
    },
    {
      text: "Open zone 1.",
      hint: "Select zone 1 and press Open. Or type `zo 1m 1m`",
      check: { check: "reached", zone: 1, condition: "EXPLICIT_OPEN", by: "open" },
      then: "2 of 2 are open: one implicitly, one explicitly.",
    },
    {
      text: "Write 4 KiB to zone 2.",
      hint: "Select zone 2 and press Write. Or type `write 2m 4k`",
      check: {
        check: "all",
        of: [
          { check: "reached", zone: 2, condition: "IMPLICIT_OPEN", by: "write" },
          { check: "reached", zone: 0, condition: "CLOSED", by: "write" },
        ],
      },
      then: "It was carried out: the disk closed zone 0 to make room. It never chooses zone 1, which you opened.",
    },
    {
      text: "Open zone 3.",
      hint: "Select zone 3 and press Open. Or type `zo 3m 1m`",
      check: {
        check: "all",
        of: [
          { check: "reached", zone: 3, condition: "EXPLICIT_OPEN", by: "open" },
          { check: "reached", zone: 2, condition: "CLOSED", by: "open" },
        ],
      },
      then: "Zone 2 had to make room in turn. Both open zones are explicitly open now.",
    },
    {
      text: "Write 4 KiB more to zone 0.",
      hint: "Select zone 0 and press Write. Or type `write 4k 4k`",
      check: { check: "refused", zone: 0, code: "too-many-open" },
      then: "Refused: no zone is open that the disk may close.",
    },
    {
      text: "Make room yourself: close zone 1.",
      hint: "Select zone 1 and press Close. Or type `zc 1m 1m`",
      check: { check: "reached", zone: 1, condition: "EMPTY", from: "EXPLICIT_OPEN", by: "close" },
      then: "Nothing was written to zone 1, so it is EMPTY again.",
    },
    {
      text: "Write the 4 KiB to zone 0 now.",
      hint: "Select zone 0 and press Write. Or type `write 4k 4k`",
      check: { check: "reached", zone: 0, condition: "IMPLICIT_OPEN", from: "CLOSED", by: "write" },
    },
  ],
  questions: [
    {
      text: "Why would a program open a zone explicitly before it writes to it?",
      choices: ["Writes are faster then", "Otherwise the first write is refused", "Its writes there can then not be refused because others took the open places"],
      right: 2,
      why: "An explicit open holds a place. An implicit one may be closed for another zone's sake, and finding a place again can fail.",
    },
  ],
};
