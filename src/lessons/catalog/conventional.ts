/** Zones without a write pointer, beside those that have one. */
import type { Lesson } from "../lesson.ts";

export const CONVENTIONAL: Lesson = {
  id: "conventional",
  title: "Conventional zones",
  summary: "Some disks begin with zones that are written like any disk: anywhere, in any order, again and again.",
  disk: { size: "8M", zoneSize: "1M", conventionalZones: 2, maxAppend: "128K" },
  steps: [
    {
      text: "Zones 0 and 1 are conventional. Write 4 KiB in the middle of zone 0, at 512 KiB.",
      hint: "Select zone 0, set Offset to 512K and press Write. Or type `write 512k 4k`",
      check: { check: "done", operation: "write", zone: 0, at: "512K" },
      then: "No pointer had to agree: the zone has none. Its condition is NOT_WP and stays that.",
    },
    {
      text: "Write 4 KiB over the same place.",
      hint: "Press Write once more. Or type `write -P 0x77 512k 4k`",
      check: { check: "done", operation: "write", zone: 0, at: "512K" },
      then: "Overwriting in place is what a sequential zone cannot do.",
    },
    {
      text: "Append 4 KiB to zone 0.",
      hint: "Press Append. Or type `zap -p 0 4k`",
      check: { check: "refused", code: "conventional-zone", operation: "append" },
      then: "An append goes to the write pointer, so without one there is none.",
    },
    {
      text: "Reset zone 1.",
      hint: "Type `zrs 1m 1m`. The buttons are there for it as well: select zone 1 and press Reset.",
      check: { check: "refused", code: "conventional-zone", operation: "reset" },
      then: "Open, close, finish and reset are about the pointer and the condition; a conventional zone has neither to change.",
    },
    {
      text: "Write 8 KiB over the border of zones 0 and 1, at 1,020 KiB.",
      hint: "Type `write 1020k 8k`",
      check: {
        check: "all",
        of: [
          { check: "done", operation: "write", zone: 0, at: "1020K" },
          { check: "done", operation: "write", zone: 1, at: "0" },
        ],
      },
      then: "Between conventional zones a border means nothing to a write.",
    },
    {
      text: "Do the same over the border of zone 1 and zone 2, which is sequential: at 2,044 KiB.",
      hint: "Type `write 2044k 8k`",
      check: { check: "refused", operation: "write" },
      then: "Refused: a write must not cross into a sequential zone.",
    },
    {
      text: "Reset the whole disk at once: `zrs 0 8m`",
      hint: "Type that line at the prompt.",
      check: {
        check: "all",
        of: [
          { check: "done", operation: "reset", zone: 0 },
          { check: "done", operation: "reset", zone: 7 },
        ],
      },
      then: "This one is carried out: over the whole disk conventional zones are skipped, and what is in them stays.",
    },
  ],
  questions: [
    {
      text: "A file system keeps its log of changes in sequential zones. What does it like conventional zones for?",
      choices: ["For small metadata at a fixed place that is rewritten in place, such as a superblock", "For large files, because they are faster", "For nothing: it cannot write there"],
      right: 0,
      why: "A fixed place that is overwritten again and again is just what a sequential zone cannot give.",
    },
  ],
};
