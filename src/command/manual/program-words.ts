/** The words of the programs' pages, and of what the console has beside. */
import { BLKZONE_USAGE } from "../blkzone.ts";
import { CRASH_USAGE } from "../crash.ts";
import { DIALECT_USAGE } from "../dialect.ts";
import { INSPECT_USAGE } from "../inspect.ts";
import { LESSON_USAGE } from "../lesson.ts";
import { LINK_USAGE } from "../link.ts";
import { PROFILE_USAGE } from "../profile.ts";
import { QEMU_IO_USAGE } from "../qemu-io.ts";
import { WEAR_USAGE } from "../wear.ts";
import { WORKLOAD_USAGE } from "../workload.ts";
import type { ManualWords } from "./page.ts";

/** What each prints for --help; qemu-img has pages by command in place of it. */
export const USAGES: Readonly<Record<string, string>> = {
  "qemu-io": QEMU_IO_USAGE,
  blkzone: BLKZONE_USAGE,
  dialect: DIALECT_USAGE,
  inspect: INSPECT_USAGE,
  profile: PROFILE_USAGE,
  crash: CRASH_USAGE,
  link: LINK_USAGE,
  lesson: LESSON_USAGE,
  wear: WEAR_USAGE,
  workload: WORKLOAD_USAGE,
};

const OURS = "A program of this one alone.";

/** Lines for `profile compare`. */
const PARTING = "# Two writes, the second above the pointer\nwrite 1M 4k\nwrite 1040K 4k\nzf 2M 1M\n";

/** The shortest lesson that there is. */
const SHORT_LESSON = `{
  "format": "zonescope-lesson", "version": 1,
  "id": "short", "title": "A short lesson", "summary": "One append.",
  "disk": { "size": "4M", "zoneSize": "1M", "maxAppend": "64K" },
  "steps": [
    { "text": "Append 4 KiB to zone 0.", "hint": "Press Append.",
      "check": { "check": "advanced", "by": "4K", "zone": 0 } }
  ],
  "questions": []
}
`;

export const PROGRAM_WORDS: Readonly<Record<string, ManualWords>> = {
  "qemu-io": {
    args: "[OPTIONS]... [-c COMMAND]... [IMAGE]",
    about: "Opens an image and runs commands on it, those of -c or those of standard input, a line each. docs/commands has a page for each. In the console the commands run bare on the attached image.",
    examples: [{ says: "Two commands.", disk: "zoned", lines: ["qemu-io -c 'zap -p 1M 4k' -c 'zrp 1M 1' disk.qcow2"] }],
    status: "0: the image opened and every command went well. 1: otherwise.",
    differs: "In what they say, cache and aio modes are checked as in QEMU. What they do: writes are durable at the next flush and at the end, with -t writethrough and directsync when their command returns. Every line of output is printed as it is made. The trace events are the two of the series.",
  },
  blkzone: {
    args: "COMMAND [OPTIONS] IMAGE",
    about: "Zone commands of util-linux on an image file in place of a device. The pointer in a report counts from the zone's start, and what is opened is closed again when the command ends, since the image is.",
    examples: [
      { says: "A report.", disk: "zoned", lines: ["qemu-io -c 'zap 1M 4k' disk.qcow2", "blkzone report -c 3 disk.qcow2"] },
      { says: "What can be written in all.", disk: "zoned", lines: ["blkzone capacity disk.qcow2"] },
      { says: "Two zones made full, and one reset.", disk: "zoned", lines: ["blkzone finish -v -o 2048 -c 2 disk.qcow2", "blkzone reset -o 2048 -c 1 disk.qcow2", "blkzone report -o 2048 -c 2 disk.qcow2"] },
    ],
    status: "0: done. 1: a mistake in the command, or refused.",
    differs: "An image in place of a device: -f has nothing to force. The flags reset and non-seq of a report are of ATA disks and are 0.",
  },
  dialect: {
    args: "IMAGE [v4|v7|v9]",
    about: "Tells which of the posted layouts of the zoned format an image has, and why, or rewrites it in another. docs/format.md has the layouts.",
    examples: [{ says: "From the one that stock programs open to the one that they refuse.", disk: "zoned", lines: ["dialect disk.qcow2", "dialect disk.qcow2 v9", "dialect disk.qcow2"] }],
    status: "0: told or rewritten. 1: no zones, or it cannot be.",
    differs: OURS,
  },
  inspect: {
    args: "[--output=human|json] IMAGE",
    about: "Tells what a file is by its bytes: its format, what lies on its disk, every field of its header with its place, its extensions, and how many clusters hold what. The file need not open as an image; a field that cannot be is marked with !, an odd one with ?.",
    examples: [{ says: "A zoned image.", disk: "zoned", lines: ["inspect disk.qcow2"] }],
    status: "0: a sound header. 1: the file cannot be read. 2: a header that cannot be.",
    differs: OURS,
  },
  profile: {
    args: "[NAME | compare FILE [IMAGE] | compare last N]",
    about: "Under whose rules a zoned disk works: this program's own, the series as it was posted, or those of NVMe, SCSI and Linux's null_blk. The switch holds until the image is detached; compare runs the same commands under all of them on scratch disks and tells where they part.",
    examples: [
      { says: "What there is.", lines: ["profile"] },
      { says: "Where they part.", files: { "lines.txt": PARTING }, disk: "zoned", lines: ["profile compare lines.txt disk.qcow2"] },
    ],
    status: "0: done, also where the profiles part. 1: it cannot be.",
    differs: OURS,
  },
  crash: {
    args: "[OPTIONS]... [IMAGE]",
    about: "Runs commands on a scratch copy, cuts the power in the flush that follows, opens what is left and tells what became of the data. docs/crash-lab.md has the model and the rules.",
    examples: [
      { says: "What a flush sends to the disk.", disk: "zoned", lines: ["crash -c 'write 1M 4k' --list disk.qcow2"] },
      { says: "The power fails before anything is sent.", disk: "zoned", lines: ["crash -c 'write 1M 4k' --cut 0 disk.qcow2"] },
    ],
    status: "0: nothing is lost that must not be. 2: something is. 1: it could not be tried.",
    differs: OURS,
  },
  link: {
    args: "[OPTION]... FILE | --guest NAME | --lesson NAME | --show LINK",
    about: "Makes links that play console lines in the page, open a lesson or offer a session of Linux, and reads them. It makes no request and opens no link. docs/links.md has the forms.",
    examples: [
      { says: "To be read and written by hand.", files: { "lines.txt": "zap 2M 4k\nzf 2M 1M\n" }, lines: ["link --readable --base https://example.org/ lines.txt", "link lines.txt"] },
      { says: "A session of Linux, which begins at a click.", lines: ["link --base https://example.org/ --guest order"] },
      { says: "Back to its lines.", lines: ["link --show 'https://example.org/#run=zap%202M%204k%0Azf%202M%201M&step=1'"] },
    ],
    status: "0: made or read. 1: it cannot be.",
    differs: OURS,
  },
  lesson: {
    args: "check FILE... | link [--base URL] FILE",
    about: "Looks through a lesson that somebody wrote, and packs it in a link. What is wrong is told with its place in the file; the lesson's disk is made and prepared in memory, so that one that cannot be is found. docs/lessons.md has how a lesson is written.",
    examples: [
      { says: "A lesson that asks for a zone which its disk does not have.", files: { "short.lesson.json": SHORT_LESSON.replace('"zone": 0', '"zone": 9') }, lines: ["lesson check short.lesson.json"] },
      { says: "To be sent to learners.", files: { "short.lesson.json": SHORT_LESSON }, lines: ["lesson check short.lesson.json", "lesson link --base https://example.org/ short.lesson.json"] },
    ],
    status: "0: nothing is wrong with any file. 1: something is, or it cannot be read.",
    differs: OURS,
  },
  wear: {
    args: "read-only|offline OFFSET...",
    about: "Has zones of the attached image fail as those of worn media do. A zone that is READ_ONLY is read and not written any more, one that is OFFLINE neither. In a shell nothing is attached, so that it has nothing to work on there.",
    examples: [],
    status: "0: done. 1: a zone stays as it is, or a mistake in the command.",
    differs: "A program of this one alone: a device does it by itself, no standard has a command for it, and no image stores it. It lasts until the image is opened anew.",
  },
  workload: {
    args: "[-p] [--output=human|json] [IMAGE] rw=KIND [WORD=VALUE]...",
    about: "Does to an image what a job of fio would, with its words. -p shows how far it is. docs/workload.md has what the words mean and how the figures are made.",
    examples: [{ says: "One zone filled by appends.", disk: "zoned", lines: ["workload disk.qcow2 rw=append bs=64k offset=1M zones=1"] }],
    status: "0: the job ended as it was asked to. 2: a block was not what it should be. 1: otherwise.",
    differs: "One job, zonemode=zbd and no ioengine. fio has words beyond these, which are refused by name; when_full, zone_reset_threshold and the store (rw=logstore) are this program's or are read in its way.",
  },
};

/** What the console alone has. */
export const CONSOLE_WORDS: Readonly<Record<string, ManualWords & { readonly oneline: string; readonly args: string }>> = {
  set: {
    args: "[explain on|off]",
    oneline: "shows or changes how the console talks",
    about: "explain: whether a refusal is followed by the rule that refused it, what would have worked, and what an NVMe, SCSI or virtio disk would have said. In a shell that is --explain in front of the program.",
    examples: [],
    status: "0: done. 1: not understood.",
    differs: OURS,
  },
};
