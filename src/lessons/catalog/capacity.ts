/** Zones that hold less than they are long. */
import type { Lesson } from "../lesson.ts";

export const CAPACITY: Lesson = {
  id: "capacity",
  title: "Capacity below size",
  summary: "A zone can be shorter to write than the step from one zone to the next. The rest of it is never written.",
  disk: { size: "8M", zoneSize: "1M", zoneCapacity: "768K", maxAppend: "128K", prepare: ["write -P 0x11 1m 764k"] },
  steps: [
    {
      text: "Zones lie 1 MiB apart and hold 768 KiB. Zone 1 has 764 KiB in it: write 8 KiB more.",
      hint: "Select zone 1, set Length to 8K and press Write. Or type `write 1788k 8k`",
      check: { check: "refused", zone: 1, code: "exceeds-capacity" },
      then: "Refused as a whole: only 4 KiB are left below the capacity, and half a write is never done.",
    },
    {
      text: "Write the 4 KiB that fit.",
      hint: "Set Length to 4K and press Write. Or type `write 1788k 4k`",
      check: { check: "reached", zone: 1, condition: "FULL", by: "write" },
      then: "FULL at 768 KiB, with 256 KiB of the zone's length left. They are no room.",
    },
    {
      text: "Read 4 KiB there, at 1,792 KiB: 1 MiB + 768 KiB.",
      hint: "Set Offset to 1792K and press Read. Or type `read 1792k 4k`",
      check: { check: "done", operation: "read", zone: 1, at: "768K" },
      then: "Above the capacity one reads zeros. A host that counts in zones need not step around the gap.",
    },
    {
      text: "Write on where the next zone starts: 4 KiB at 2 MiB.",
      hint: "Select zone 2, clear Offset and press Write. Or type `write 2m 4k`",
      check: { check: "advanced", zone: 2, by: "4K" },
      then: "Zone n starts at n MiB, whatever the capacity: a power of two between starts is easy to count with.",
    },
    {
      text: "Have the disk report its zones: `zrp 0 8`",
      hint: "Type that line at the prompt: a report of 8 zones from offset 0.",
      check: { check: "done", operation: "report" },
      then: "In sectors of 512 bytes: len 0x800 is 1 MiB, cap 0x600 is 768 KiB.",
    },
  ],
  questions: [
    {
      text: "How much can be written to this disk of 8 MiB at most?",
      choices: ["8 MiB", "6 MiB", "768 KiB"],
      right: 1,
      why: "8 zones of 768 KiB are 6 MiB. The other 2 MiB are addresses and no room.",
    },
    {
      text: "The pointer of zone 3 stands at 3 MiB + 700 KiB. What becomes of a write of 128 KiB there?",
      choices: ["It is refused and nothing is written", "68 KiB are written, the rest is refused", "It goes on in zone 4"],
      right: 0,
      why: "It would end above the capacity, so it is refused as a whole. A write never crosses into another sequential zone.",
    },
  ],
};
