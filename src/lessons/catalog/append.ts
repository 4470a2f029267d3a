/** Zone append: the disk says where it landed, so that writers need not agree beforehand. */
import type { Lesson } from "../lesson.ts";

export const APPEND: Lesson = {
  id: "append",
  title: "Append, and why it exists",
  summary: "An append names a zone, and the disk answers where the bytes landed. So several writers can fill one zone.",
  disk: { size: "12M", zoneSize: "1M", zoneCapacity: "1M", maxAppend: "64K" },
  steps: [
    {
      text: "Two writers both see the pointer of zone 1 at 1 MiB. The first one writes 4 KiB there.",
      hint: "Type `write 1m 4k`. Or select zone 1 and press Write.",
      check: { check: "advanced", zone: 1, by: "4K", operation: "write" },
    },
    {
      text: "Be the second writer, who has not heard of it: write 4 KiB at 1 MiB.",
      hint: "Type `write 1m 4k`. Or set Offset to 1M and press Write.",
      check: { check: "refused", zone: 1, code: "not-at-write-pointer" },
      then: "Too late: the pointer has moved on. With writes, everybody who fills a zone has to wait for the one before.",
    },
    {
      text: "Now append: 4 KiB to zone 1, addressed at the zone's start.",
      hint: "Press Append. Or type `zap -p 1m 4k`",
      check: { check: "advanced", zone: 1, by: "4K", operation: "append" },
      then: "It landed at the pointer, 1 MiB + 4 KiB. The answer told the place; nobody had to know it before.",
    },
    {
      text: "Append two pieces of 4 KiB and 8 KiB at once, in the console: `zap -p 1m 4k 8k`",
      hint: "Type that line at the prompt, and press Enter.",
      check: { check: "advanced", zone: 1, by: "12K", operation: "append" },
      then: "Several pieces in one append lie one behind the other.",
    },
    {
      text: "Address an append at 1 MiB + 4 KiB, which is not the start of a zone: `zap -p 1028k 4k`",
      hint: "Type that line: the button always takes the zone's start.",
      check: { check: "refused", code: "misaligned", operation: "append" },
      then: "The address of an append is the zone's start, whatever the pointer is. It says which zone, not where.",
    },
    {
      text: "Append 128 KiB to zone 1.",
      hint: "Set Length to 128K and press Append. Or type `zap -p 1m 128k`",
      check: { check: "refused", code: "append-too-large" },
      then: "This disk takes at most 64 KiB in one append. A write may be longer.",
    },
  ],
  questions: [
    {
      text: "Eight threads append 4 KiB each to an EMPTY zone at the same time. What is certain?",
      choices: ["All eight land, each at another place that it is told", "All eight land, in the order in which the threads were started", "One lands, seven are refused"],
      right: 0,
      why: "Each append takes the pointer as it finds it and answers with its place. The order among them is the disk's business.",
    },
    {
      text: "What has to be kept after an append that did not have to be after a write?",
      choices: ["Nothing", "The zone's condition before it", "The offset that the disk answered"],
      right: 2,
      why: "Who writes chose the place; who appends learns it from the answer, and has to keep it to find the data again.",
    },
  ],
};
