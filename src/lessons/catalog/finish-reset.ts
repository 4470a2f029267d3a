/** FINISH gives up the rest of a zone, RESET gives up all that is in it. */
import type { Lesson } from "../lesson.ts";

export const FINISH_RESET: Lesson = {
  id: "finish-reset",
  title: "Finish and reset",
  summary: "Finish gives up the room that is left in a zone, reset gives up what is in it. Both take one command and no data.",
  disk: { size: "4M", zoneSize: "256K", maxAppend: "128K", prepare: ["write -P 0x11 0 64k", "write -P 0x22 256k 256k"] },
  steps: [
    {
      text: "Zone 0 holds 64 KiB of its 256 KiB. Finish it.",
      hint: "Select zone 0 and press Finish. Or type `zf 0 256k`",
      check: { check: "reached", zone: 0, condition: "FULL", by: "finish" },
      then: "FULL, and the pointer went to 256 KiB. No byte was written for it, and 192 KiB of room are given up until a reset.",
    },
    {
      text: "Read 4 KiB at 128 KiB, where nothing was ever written.",
      hint: "Set Offset to 128K and press Read. Or type `read 128k 4k`",
      check: { check: "done", operation: "read", zone: 0, at: "128K" },
      then: "Zeros: a finish leaves zeros between what was written and the end.",
    },
    {
      text: "Try to append 4 KiB to zone 0.",
      hint: "Press Append. Or type `zap -p 0 4k`",
      check: { check: "refused", zone: 0, code: "zone-full" },
      then: "Refused: why one finishes a zone is that it holds none of the few active places any more.",
    },
    {
      text: "Zone 1 is full too. Reset zones 0 and 1, with one command over both or one for each.",
      hint: "Type `zrs 0 512k`. Or select one after the other and press Reset.",
      check: {
        check: "all",
        of: [
          { check: "reached", zone: 0, condition: "EMPTY", by: "reset" },
          { check: "reached", zone: 1, condition: "EMPTY", by: "reset" },
        ],
      },
      then: "A range is taken zone by zone. It must begin at the start of a zone and cover whole zones.",
    },
    {
      text: "Read 4 KiB at 256 KiB, the start of zone 1.",
      hint: "Type `read 256k 4k`. Or select zone 1, clear Offset and press Read.",
      check: { check: "done", operation: "read", zone: 1, at: "0" },
      then: "Zeros. The image gave the clusters of the zone back, once the pointer's way back was on the disk.",
    },
    {
      text: "Finish zone 2, which is EMPTY.",
      hint: "Select zone 2 and press Finish. Or type `zf 512k 256k`",
      check: { check: "reached", zone: 2, condition: "FULL", from: "EMPTY", by: "finish" },
      then: "That is allowed as well: a whole zone of zeros, and not one of them written.",
    },
  ],
  questions: [
    {
      text: "A zone holds 64 KiB of 256 KiB that are wanted, and nothing more will be written to it. Which command frees its active place and keeps the data?",
      choices: ["Finish", "Reset", "Close"],
      right: 0,
      why: "Finish makes it FULL, which is not active. Close keeps it active, and reset takes the data away.",
    },
    {
      text: "After `zrs 0 512k` one wants the data of zone 1 back. What can be done?",
      choices: ["Open the zone: the data is below the old pointer", "Nothing: it reads as zeros", "Finish the zone: its pointer goes to the end"],
      right: 1,
      why: "What is at or above the write pointer reads as zeros, and a finish of an EMPTY zone gives zeros too.",
    },
  ],
};
