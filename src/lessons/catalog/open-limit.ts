/** The limit of open zones, and which one makes room. */
import type { Lesson } from "../lesson.ts";

export const OPEN_LIMIT: Lesson = {
  id: "open-limit",
  title: "The open limit and its order",
  summary: "Only so many zones are open at once. The disk closes the one that was written least recently.",
  disk: { size: "8M", zoneSize: "1M", maxOpen: 3, maxAppend: "128K" },
  steps: [
    {
      text: "Write 4 KiB each to zones 0, 1 and 2, in this order.",
      hint: "Type `write 0 4k`, then `write 1m 4k`, then `write 2m 4k`. Or select each and press Write.",
      check: {
        check: "all",
        of: [
          { check: "advanced", zone: 0, by: "4K" },
          { check: "advanced", zone: 1, by: "4K" },
          { check: "advanced", zone: 2, by: "4K" },
        ],
      },
      then: "3 of 3 are open. Resources lists the order in which they would be closed: 0, 1, 2.",
    },
    {
      text: "Write 4 KiB to zone 3.",
      hint: "Type `write 3m 4k`. Or select zone 3 and press Write.",
      check: { check: "reached", zone: 0, condition: "CLOSED", by: "write" },
      then: "Zone 0 was closed: of the three, its last write was longest ago.",
    },
    {
      text: "The order is 1, 2, 3 now. Write 4 KiB more to zone 1.",
      hint: "Type `write 1028k 4k`. Or select zone 1 and press Write.",
      check: { check: "advanced", zone: 1, by: "4K" },
      then: "Now it is 2, 3, 1. What counts is the last write, not when a zone was opened.",
    },
    {
      text: "Have the disk close zone 2, without closing it yourself.",
      hint: "Write to a zone that is not open: `write 4m 4k`",
      check: { check: "reached", zone: 2, condition: "CLOSED", by: "write" },
    },
    {
      text: "Open zones 1, 3 and 4 explicitly.",
      hint: "Type `zo 1m 1m`, then `zo 3m 2m`, which covers zones 3 and 4. Or select each and press Open.",
      check: { check: "gauge", of: "explicit", least: 3 },
      then: "All three places are taken by zones that the disk must leave open.",
    },
    {
      text: "Write 4 KiB to zone 5.",
      hint: "Type `write 5m 4k`. Or select zone 5 and press Write.",
      check: { check: "refused", zone: 5, code: "too-many-open" },
      then: "Refused, and nothing changed: not zone 5, and not the order of the others.",
    },
  ],
  questions: [
    {
      text: "At most 3 zones are open. They were written in the order 6, 4, 5, 4, all implicitly open. Which one is closed for zone 7?",
      choices: ["Zone 4", "Zone 5", "Zone 6"],
      right: 2,
      why: "The last write of zone 6 is longest ago. Zone 4 was written again and is the newest.",
    },
  ],
};
