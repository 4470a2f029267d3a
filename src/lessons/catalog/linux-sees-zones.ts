/** The same zones from inside Linux. Whatever reaches the disk finishes a step, from the terminal or from anywhere else. */
import type { Lesson } from "../lesson.ts";

export const LINUX_SEES_ZONES: Lesson = {
  id: "linux-sees-zones",
  title: "Linux sees zones",
  summary: "What Linux has for zones: a command that switches them, and writes that have to stand at the pointer.",
  disk: { size: "32M", zoneSize: "2M", zoneCapacity: "1536K", conventionalZones: 1, maxOpen: 3, maxActive: 5, maxAppend: "128K" },
  steps: [
    {
      text: "Give the disk to Linux: press Attach Linux in the tab Terminal, and wait for the prompt. Then let Linux open zones 1 and 2.",
      hint: "At the prompt, type `zoned:~# blkzone open -o 0x1000 -c 2 /dev/vda` but for the prompt itself. Offsets are sectors of 512 bytes: 0x1000 is 2 MiB, where zone 1 starts.",
      check: {
        check: "all",
        of: [
          { check: "condition", zone: 1, condition: "EXPLICIT_OPEN" },
          { check: "condition", zone: 2, condition: "EXPLICIT_OPEN" },
        ],
      },
      then: "The disk is /dev/vda there. What Linux asks of it goes the way that a button goes here, and the map follows.",
    },
    {
      text: "Write 256 KiB from the start of zone 1.",
      hint: "Type `zoned:~# dd if=/bin/busybox of=/dev/vda bs=64k count=4 seek=32 oflag=direct` at the prompt. 32 times 64 KiB is 2 MiB; oflag=direct writes at once, past the page cache.",
      check: { check: "advanced", zone: 1, by: "256K", operation: "write" },
      then: "Four writes of 64 KiB, each where the one before had left the pointer.",
    },
    {
      text: "Close zone 1, and leave zone 2 open.",
      hint: "Type `zoned:~# blkzone close -o 0x1000 -c 1 /dev/vda` at the prompt.",
      check: { check: "all", of: [{ check: "condition", zone: 1, condition: "CLOSED" }, { check: "condition", zone: 2, condition: "EXPLICIT_OPEN" }] },
      then: "Zone 1 is open no more and active still. Linux keeps count of neither: it asks, and the disk refuses what is one too many.",
    },
    {
      text: "Finish zone 1.",
      hint: "Type `zoned:~# blkzone finish -o 0x1000 -c 1 /dev/vda` at the prompt.",
      check: { check: "condition", zone: 1, condition: "FULL" },
      then: "In a report, `zoned:~# blkzone report -c 3 /dev/vda`, it is (fu) now, and its pointer is not told: a full zone's says nothing.",
    },
    {
      text: "Ask for one open zone too many: open zones 3, 4 and 5.",
      hint: "Type `zoned:~# blkzone open -o 0x3000 -c 3 /dev/vda` at the prompt. 0x3000 is 6 MiB, where zone 3 starts.",
      check: { check: "refused", code: "too-many-open", operation: "open" },
      then: "Linux passed all three on. Three zones may be open, and zone 2 is: the last one was refused by the disk. It stands among the events, with the status that Linux was told; blkzone says no more than that it failed.",
    },
    {
      text: "Empty all zones.",
      hint: "Type `zoned:~# blkzone reset /dev/vda` at the prompt.",
      check: { check: "count", condition: "EMPTY", least: 15 },
      then: "15 of 16: zone 0 is conventional, and was left alone. Detach gives the disk back to the page.",
    },
  ],
  questions: [
    {
      text: "Linux has just written zone 3. A program writes to its start once more, and gets an I/O error, but the page shows no refusal. Who refused?",
      choices: ["Linux, which follows the pointers of the zones that it writes", "The disk, silently", "Nobody: the write is still in the page cache"],
      right: 0,
      why: "Linux knows where the pointer of such a zone is, and does not ask the disk for what must fail. In a zone that it has not written yet it asks, and the disk refuses.",
    },
    {
      text: "A report says: start 0x1000, length 0x1000, capacity 0xc00, pointer 0x200. How much can still be written to this zone?",
      choices: ["1,536 KiB", "1,792 KiB", "1,280 KiB"],
      right: 2,
      why: "0xc00 less 0x200 is 0xa00 sectors, which are 1,280 KiB. blkzone counts the pointer from the zone's start, and the zone ends at its capacity for a writer.",
    },
  ],
};
