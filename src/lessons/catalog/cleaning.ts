/** A log-structured store by hand: live and dead blocks, a cleaner, and write amplification in numbers. */
import type { Lesson } from "../lesson.ts";

export const CLEANING: Lesson = {
  id: "cleaning",
  title: "Cleaning, and what it costs",
  summary: "Without overwriting, old blocks pile up. Be the cleaner: copy what is live, reset the zone, and count the bytes.",
  disk: {
    size: "1M",
    zoneSize: "128K",
    maxAppend: "64K",
    prepare: ["write -P 0xa1 0 32k", "write -P 0xb1 32k 32k", "write -P 0xc1 64k 32k", "write -P 0xd1 96k 32k", "write -P 0xa2 128k 32k", "write -P 0xc2 160k 32k", "write -P 0xb2 192k 32k"],
  },
  steps: [
    {
      text: "A store keeps blocks A, B, C, D of 32 KiB. It wrote all four to zone 0, then newer A, C and B to zone 1. In zone 0 only D is still live: read its 32 KiB at 96 KiB.",
      hint: "Type `read -P 0xd1 96k 32k`. Or select zone 0, set Length to 32K and Offset to 96K, and press Read.",
      check: { check: "done", operation: "read", zone: 0, at: "96K" },
      then: "The bytes are 0xd1: D as it was written first. The other 96 KiB of zone 0 are dead, and no write can use their place.",
    },
    {
      text: "Copy D to the end of the log: write 32 KiB at the pointer of zone 1.",
      hint: "Type `write -P 0xd1 224k 32k`. Or select zone 1, set Pattern to 0xd1, clear Offset and press Append.",
      check: { check: "advanced", zone: 1, by: "32K" },
      then: "D lives in zone 1 now, which is FULL. These 32 KiB are no work of the store's user: the cleaner wrote them.",
    },
    {
      text: "Nothing in zone 0 is live any more. Reset it.",
      hint: "Select zone 0 and press Reset. Or type `zrs 0 128k`",
      check: { check: "reached", zone: 0, condition: "EMPTY", by: "reset" },
      then: "The user wrote 7 blocks, 224 KiB; the disk took 8, 256 KiB. Write amplification: 256 / 224 = 1.14.",
    },
    {
      text: "The user writes newer A and D, 64 KiB: put them at the start of zone 0.",
      hint: "Type `write -P 0xa3 0 32k`, then `write -P 0xd2 32k 32k`. Or select zone 0, set Length to 64K and press Append.",
      check: { check: "advanced", zone: 0, by: "64K" },
      then: "In zone 1 the blocks C and B are live, A and D are dead: it is half dead.",
    },
    {
      text: "Clean zone 1: read C at 160 KiB and B at 192 KiB, and write these 64 KiB to zone 0.",
      hint: "Type `read 160k 64k`, then `write -P 0xc2 64k 32k`, then `write -P 0xb2 96k 32k`",
      check: {
        check: "all",
        of: [
          { check: "done", operation: "read", zone: 1, at: "32K" },
          { check: "done", operation: "read", zone: 1, at: "64K" },
          { check: "advanced", zone: 0, by: "64K" },
        ],
      },
    },
    {
      text: "Reset zone 1.",
      hint: "Select zone 1 and press Reset. Or type `zrs 128k 128k`",
      check: { check: "reached", zone: 1, condition: "EMPTY", by: "reset" },
      then: "The user wrote 9 blocks, 288 KiB; the disk took 12, 384 KiB: 1.33. The fuller the zones that are cleaned, the more it costs.",
    },
  ],
  questions: [
    {
      text: "Two full zones of 4 blocks: X has 3 live ones, Y has 1. Which one does a greedy cleaner take, and what does it gain?",
      choices: ["X: 3 blocks are saved", "Y: it copies 1 block and gains room for 3", "Either: both give a whole zone"],
      right: 1,
      why: "Copying goes into other zones. Y costs one block and frees a zone of four: three are won. X would win one for three copies.",
    },
    {
      text: "In the long run every zone that is cleaned is half live. What is the write amplification?",
      choices: ["1.5", "2", "4"],
      right: 1,
      why: "For each cleaned zone half a zone is copied, and half a zone is won for the user's writes: (1/2 + 1/2) / (1/2) = 2.",
    },
  ],
};
