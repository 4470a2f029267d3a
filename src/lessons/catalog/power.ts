/** What a power cycle leaves, and what a flush promises. */
import type { Lesson } from "../lesson.ts";

export const POWER: Lesson = {
  id: "power",
  title: "Power loss, and what survives",
  summary: "Data and pointers survive, being open does not. And between acknowledged and durable there is a flush.",
  disk: { size: "8M", zoneSize: "1M", maxAppend: "128K" },
  steps: [
    {
      text: "Write 64 KiB to zone 0.",
      hint: "Select zone 0, set Length to 64K and press Write. Or type `write -P 0xab 0 64k`",
      check: { check: "advanced", zone: 0, by: "64K" },
      then: "The disk has acknowledged it. Whether it would survive a power loss is another question.",
    },
    {
      text: "Make it durable: type `flush`",
      hint: "Type that word at the prompt, and press Enter.",
      check: { check: "done", operation: "flush" },
      then: "When a flush returns, all that was acknowledged before it began survives. This page also flushes when nothing was done for 100 ms.",
    },
    {
      text: "Open zone 1, and leave it empty.",
      hint: "Select zone 1 and press Open. Or type `zo 1m 1m`",
      check: { check: "reached", zone: 1, condition: "EXPLICIT_OPEN" },
    },
    {
      text: "Open zone 2, and write 4 KiB to it.",
      hint: "Select zone 2, press Open, set Length to 4K and press Write. Or type `zo 2m 1m`, then `write 2m 4k`",
      check: {
        check: "all",
        of: [
          { check: "reached", zone: 2, condition: "EXPLICIT_OPEN" },
          { check: "advanced", zone: 2, by: "4K" },
        ],
      },
    },
    {
      text: "Finish zone 3.",
      hint: "Select zone 3 and press Finish. Or type `zf 3m 1m`",
      check: { check: "reached", zone: 3, condition: "FULL", by: "finish" },
      then: "Now there is one zone of each kind: implicitly open, explicitly open without and with data, and full.",
    },
    {
      text: "Press Power cycle, in the top bar.",
      hint: "The button stands at the right of Save .qcow2. It flushes, closes and reopens the disk.",
      check: { check: "power-cycled" },
      then: "Zones 0 and 2 are CLOSED, zone 1 is EMPTY, zone 3 is still FULL. Pointers and data were kept; being open was not.",
    },
    {
      text: "Read the 64 KiB of zone 0.",
      hint: "Type `read 0 64k`. Or select zone 0, set Length to 64K and press Read.",
      check: {
        check: "all",
        of: [
          { check: "done", operation: "read", zone: 0, at: "0" },
          { check: "done", operation: "read", zone: 0, at: "60K" },
        ],
      },
      then: "All there.",
    },
    {
      text: "Write 4 KiB more to zone 0.",
      hint: "Type `write 64k 4k`. Or select zone 0, set Length to 4K and press Write.",
      check: { check: "reached", zone: 0, condition: "IMPLICIT_OPEN", from: "CLOSED", by: "write" },
      then: "It goes on where the pointer was, and the write opened the zone again.",
    },
  ],
  questions: [
    {
      text: "A write was acknowledged, and the power failed before any flush. Where may the zone's pointer stand afterwards?",
      choices: ["Anywhere between where the last flush saw it and where the write put it", "Exactly where the write put it", "Above the data that survived"],
      right: 0,
      why: "What was not flushed may be lost or kept. But the pointer never runs ahead of the data: all below it is what was written.",
    },
    {
      text: "A host had a zone explicitly open when the power failed. What has it to do before it writes there again?",
      choices: ["Nothing, or open it again if it wants the place for sure", "Reset the zone", "Finish the zone"],
      right: 0,
      why: "A zone with data is CLOSED then. A write opens it implicitly; an open takes the place as before.",
    },
  ],
};
