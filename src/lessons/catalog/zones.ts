/** The first minute: a zone, its pointer, one rule met, and a reset. */
import type { Lesson } from "../lesson.ts";

export const ZONES: Lesson = {
  id: "zones",
  title: "What a zone is",
  summary: "A zoned disk is cut into zones. Each is written from its start to its end, and is given back as a whole.",
  disk: { size: "12M", zoneSize: "1M", zoneCapacity: "1M", maxAppend: "128K" },
  steps: [
    {
      text: "Append 4 KiB to zone 0.",
      hint: "Zone 0 is selected. Press Append in the region Zone; its length stands at 4K. Or type `zap -p 0 4k`",
      check: { check: "advanced", zone: 0, by: "4K", operation: "append" },
      then: "The write pointer of zone 0 moved on by 4 KiB, and EMPTY became IMPLICIT_OPEN: the disk opened the zone by itself.",
    },
    {
      text: "Append 4 KiB to it again.",
      hint: "Press Append once more.",
      check: { check: "advanced", zone: 0, by: "4K", operation: "append" },
      then: "The second piece lies right behind the first. A zone has one place where it can be written: its write pointer.",
    },
    {
      text: "Try to write over what is there: write 4 KiB at offset 0.",
      hint: "Type 0 into Offset and press Write. Or type `write 0 4k`",
      check: { check: "refused", zone: 0, code: "not-at-write-pointer" },
      then: "Refused, and nothing changed. What is below the write pointer can be read, but not written again.",
    },
    {
      text: "Read it instead: read 4 KiB at offset 0.",
      hint: "With 0 in Offset, press Read. Or type `read 0 4k`",
      check: { check: "done", operation: "read", zone: 0, at: "0" },
    },
    {
      text: "Select zone 5, on the map or in the table, and append 4 KiB to it.",
      hint: "Click the cell of zone 5, then Append. Or type `zap -p 5m 4k`",
      check: { check: "advanced", zone: 5, by: "4K", operation: "append" },
      then: "Every zone has a pointer of its own: zone 5 starts at 5 MiB, and its pointer stands 4 KiB above that.",
    },
    {
      text: "Reset zone 0.",
      hint: "Select zone 0 and press Reset. Or type `zrs 0 1m`",
      check: { check: "reached", zone: 0, condition: "EMPTY", by: "reset" },
      then: "The pointer is back at the start and the zone is EMPTY. What was in it reads as zeros; it can be written anew.",
    },
  ],
  questions: [
    {
      text: "Zone 5 of this disk holds 4 KiB. Where does the next write to it have to begin?",
      choices: ["At 5 MiB + 4 KiB, the write pointer", "At 5 MiB, the start of the zone", "Anywhere between 5 MiB and 6 MiB"],
      right: 0,
      why: "A sequential zone is written at its write pointer and nowhere else. It stands at 5 MiB + 4 KiB.",
    },
    {
      text: "4 KiB in the middle of a full zone are out of date. What frees their place?",
      choices: ["Writing over them", "A discard of these 4 KiB", "A reset of the whole zone"],
      right: 2,
      why: "A zone is given back as a whole. What else in it is still wanted has to be copied elsewhere first.",
    },
  ],
};
