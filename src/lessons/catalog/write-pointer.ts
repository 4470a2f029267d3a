/** Writes at, below and above the write pointer, and a full zone. */
import type { Lesson } from "../lesson.ts";

export const WRITE_POINTER: Lesson = {
  id: "write-pointer",
  title: "The write pointer",
  summary: "A sequential zone is written at its write pointer: not below, not above, until it is full.",
  disk: { size: "4M", zoneSize: "256K", zoneCapacity: "256K", maxAppend: "128K" },
  steps: [
    {
      text: "Write 64 KiB at the write pointer of zone 1, which stands at its start, 256 KiB.",
      hint: "Select zone 1, set Length to 64K and press Write. Or type `write 256k 64k`",
      check: { check: "advanced", zone: 1, by: "64K", operation: "write" },
      then: "The pointer went to 320 KiB: a write moves it by what was written.",
    },
    {
      text: "Write 4 KiB above the pointer: at 384 KiB, so that a gap would be left.",
      hint: "Set Length to 4K and Offset to 384K, and press Write. Or type `write 384k 4k`",
      check: { check: "refused", zone: 1, code: "not-at-write-pointer", operation: "write" },
      then: "Refused. Between the pointer and the write there would be bytes that nobody wrote.",
    },
    {
      text: "Read 4 KiB there.",
      hint: "Leave Offset at 384K and press Read. Or type `read 384k 4k`",
      check: { check: "done", operation: "read", zone: 1, at: "128K" },
      then: "Reading is allowed anywhere. Above the write pointer there are zeros.",
    },
    {
      text: "Fill zone 1: write the 192 KiB that are left.",
      hint: "Clear Offset, set Length to 192K and press Write. Or type `write 320k 192k`",
      check: { check: "reached", zone: 1, condition: "FULL", by: "write" },
      then: "At its capacity the zone became FULL by itself, and it is not open any more.",
    },
    {
      text: "Try to write 4 KiB more to zone 1.",
      hint: "Set Length to 4K and Offset to 256K, and press Write. Or type `write 256k 4k`",
      check: { check: "refused", zone: 1, code: "zone-full" },
      then: "A full zone takes no write, wherever it is aimed. Only a reset makes room in it.",
    },
  ],
  questions: [
    {
      text: "The pointer of zone 2 stands at 512 KiB, its start. Which write is carried out?",
      choices: ["4 KiB at 516 KiB", "256 KiB at 256 KiB", "4 KiB at 512 KiB"],
      right: 2,
      why: "It begins at the write pointer. The first leaves a gap, and the last is aimed at zone 1, which is full.",
    },
  ],
};
