/** A file system that writes logs, over zones: what it puts where, and what cleaning costs. */
import type { Lesson } from "../lesson.ts";

export const F2FS_ON_ZONES: Lesson = {
  id: "f2fs-on-zones",
  title: "f2fs on zones",
  summary: "A file system that only appends, on a disk that only takes appends: its logs, the holes in them, and the cleaning.",
  disk: { size: "128M", zoneSize: "2M", conventionalZones: 8, maxAppend: "128K" },
  steps: [
    {
      text: "Give the disk to Linux: press Attach Linux in the tab Terminal, and wait for the prompt. Then make a file system of it.",
      hint: "At the prompt, type `zoned:~# mkfs.f2fs -q -m -f /dev/vda` but for the prompt itself.",
      check: { check: "gauge", of: "active", least: 1 },
      then: "Maps and checkpoints went to the conventional zones, where they can be overwritten. Sequential zones got the first blocks of logs.",
    },
    {
      text: "Mount it, write 16 files of 512 KiB, and sync.",
      hint: "Type `zoned:~# mount -t f2fs /dev/vda /mnt` and `zoned:~# for i in $(seq 16); do dd if=/bin/busybox of=/mnt/$i bs=512k count=1 2>/dev/null; done; sync` at the prompt.",
      check: { check: "count", condition: "FULL", least: 3 },
      then: "File after file went into one log, which fills zone after zone, four files in each. What files are called and where they lie is in other logs, of their own zones.",
    },
    {
      text: "Delete every other file, and make f2fs clean up at once.",
      hint: "Type `zoned:~# rm /mnt/*[13579]; sync` and `zoned:~# echo 1 >/sys/fs/f2fs/vda/gc_urgent; sleep 5; sync` at the prompt, and look at the map between the two.",
      check: { check: "reached", condition: "EMPTY", from: "FULL", by: "reset" },
      then: "Half of the data was gone, and no zone was empty for it: each had files left between the holes. Cleaning wrote what they still held once more, to other zones, and reset them. Nobody had asked for these writes: they are the price of the room.",
    },
    {
      text: "Unmount it, and reset all zones behind its back.",
      hint: "Type `zoned:~# umount /mnt; blkzone reset /dev/vda` at the prompt.",
      check: { check: "count", condition: "EMPTY", least: 56 },
      then: "To the disk that was a reset like any other. To the file system it was the end: its maps still stand in the conventional zones, and tell of blocks that are gone.",
    },
  ],
  questions: [
    {
      text: "Half of all files were deleted. Why was no zone emptied by that alone?",
      choices: ["A zone can only be emptied whole, and each one still held blocks of other files", "f2fs waits for a day before it empties a zone", "Deleted files are kept until the disk is full"],
      right: 0,
      why: "The disk knows reset, for a whole zone, and nothing smaller. What is still needed has to be moved away first.",
    },
    {
      text: "Cleaning moved 4 MiB to give 8 MiB back. How much is won, and what did it cost?",
      choices: ["8 MiB, for nothing", "4 MiB, for 4 MiB of writes", "12 MiB, for 8 MiB of writes"],
      right: 1,
      why: "Four zones came free and two were filled: two zones, 4 MiB, are won. For each byte won one byte was written that no program had asked for.",
    },
    {
      text: "A zoned disk has no conventional zones. What could f2fs not do?",
      choices: ["Write files", "Overwrite its maps and checkpoints in place", "Clean"],
      right: 1,
      why: "It keeps a few structures at fixed places and overwrites them. Without conventional zones it wants a second disk for them.",
    },
  ],
};
