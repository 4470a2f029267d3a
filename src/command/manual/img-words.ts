/** The words of qemu-img's pages, by command. */
import type { ManualWords } from "./page.ts";

const ZONED_STANDS_ALONE = "A zoned image is refused by name: its pointers belong to the disk as it is.";
const SAME = "Nothing that was found: output and exit status are QEMU 10.0's.";

export const IMG_WORDS: Readonly<Record<string, ManualWords>> = {
  amend: {
    about: "Changes what an image is without copying its data: its version, the width of its refcounts, lazy refcounts, its size, its backing file's name. Each change is ordered so that a crash leaves the image as it was or as it is to be.",
    examples: [{ says: "To version 2, and back.", disk: "plain", lines: ["qemu-img amend -o compat=0.10 disk.qcow2", "qemu-img amend -o compat=1.1 disk.qcow2"] }],
    differs: "Options about encryption are refused, since no image is decrypted here. A zoned image keeps version 3, its size and eager refcounts; one that another program made of version 2 or gave lazy refcounts is for reading until amend takes that away.",
  },
  bench: {
    about: "Sends many requests of one size to an image, each a step behind the last, and tells how long they took: reads, or with -w writes. It goes on at the start of the disk where the disk ends.",
    examples: [{ says: "Three reads of 64 KiB, and no write.", disk: "plain", lines: ["qemu-io -c 'write 0 1M' disk.qcow2", "qemu-img bench -c 3 -s 64k disk.qcow2"] }],
    differs: "Requests are made one after the other, whatever depth is asked for.",
  },
  bitmap: {
    about: "Changes the persistent bitmaps of an image, which record what was written since they were made: what a backup needs. Several actions may stand in one command; they are done in order.",
    examples: [
      {
        says: "A bitmap that records a write.",
        disk: "plain",
        lines: ["qemu-img bitmap --add -g 64K disk.qcow2 since-monday", "qemu-io -c 'write 1M 4k' disk.qcow2", "qemu-img info disk.qcow2"],
      },
    ],
    differs: SAME,
  },
  check: {
    about:
      "Walks all tables of an image, counts who refers to each cluster, and compares that with the refcounts. On a zoned image the clusters of the write pointers count as used, and findings about zones follow QEMU's lines: a type that two places tell differently, a pointer that is no multiple of 512, data where no read shows it.\n\nStock qemu-img does not know of the write pointers: it calls their clusters leaked, and its -r leaks frees them.",
    examples: [
      { says: "A zoned image in order.", disk: "zoned", lines: ["qemu-img check disk.qcow2"] },
      { says: "The same for a script.", disk: "zoned", lines: ["qemu-img check --output=json disk.qcow2"] },
    ],
    status: "0: nothing is wrong. 1: the check could not be made. 2: corruption. 3: leaked clusters alone. 63: the format has no check. Findings about zones do not change it.",
    differs: "Findings about zones, and -r all gives back data that a crash or preallocation left above a write pointer. Leaks stay where they may belong to an extension that is not known here.",
  },
  commit: {
    about: "Writes what an image has over its backing file into that file, and empties the image. A backing file that is shorter is lengthened first.",
    examples: [
      {
        says: "A change goes down into the base.",
        disk: "plain",
        lines: ["qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 top.qcow2", "qemu-io -c 'write -P 7 0 4k' top.qcow2", "qemu-img commit top.qcow2", "qemu-io -r -c 'read -P 7 0 4k' disk.qcow2"],
      },
    ],
    differs: "The rate limit is checked and does nothing. Nothing is committed into a zoned image.",
  },
  compare: {
    about: "Reads two disks and tells whether they hold the same bytes; formats may differ. A longer disk may still be the same if the rest reads as zeros, unless it is strict.",
    examples: [
      {
        says: "One byte is another.",
        disk: "plain",
        lines: ["qemu-img convert -O qcow2 disk.qcow2 copy.qcow2", "qemu-img compare disk.qcow2 copy.qcow2", "qemu-io -c 'write -P 1 1M 512' copy.qcow2", "qemu-img compare disk.qcow2 copy.qcow2"],
      },
    ],
    status: "0: the same. 1: they differ. 2: a mistake in the command or an image that does not open. 3: a disk's map cannot be read. 4: its bytes cannot.",
    differs: SAME,
  },
  convert: {
    about:
      "Copies disks, one behind the other where there are several, into a new image of any format, or into one that is there. Zones are not copied unless the target's options make it zoned: then pointers and data are carried over, where the target's zones can hold them. A disk without zones fills each zone to the last sector that is not zeros; where that takes more active zones than the target may have, those that were filled first are finished.",
    examples: [
      { says: "A zoned disk as a plain one, compressed.", disk: "zoned", lines: ["qemu-io -c 'zap 1M 64k' disk.qcow2", "qemu-img convert -O qcow2 -c disk.qcow2 plain.qcow2", "qemu-img compare disk.qcow2 plain.qcow2"] },
      {
        says: "A zoned disk into the v9 dialect, its pointers with it.",
        disk: "zoned",
        lines: ["qemu-io -c 'zap 1M 64k' disk.qcow2", "qemu-img convert -O qcow2 -o zone.mode=host-managed,zone.size=1M,zone.capacity=768K,zone.conventional_zones=1 disk.qcow2 copy.qcow2", "qemu-io -r -c 'zrp 1M 1' copy.qcow2"],
      },
    ],
    differs: "Requests are made one after the other: -m, -W, -C and -r are checked and do nothing. Targets are qcow2 and raw. To zones -c copies as without it: nothing in them is compressed.",
  },
  create: {
    about:
      "Makes an image. With zone_model=1 or zone.mode=host-managed it is zoned; the first spelling writes the v4 dialect of the zoned format, which stock programs open as an ordinary disk, the second v9, which they refuse. The two are not mixed in one command. Without a size, a backing file's is taken.",
    examples: [
      { says: "Twelve zones, as in the series' cover letter.", lines: ["qemu-img create -f qcow2 test.qcow2 -o size=768M -o zone_size=64M -o zone_capacity=64M -o nr_conv_zones=0 -o max_append_sectors=512 -o max_open_zones=0 -o max_active_zones=0 -o zone_model=1"] },
      { says: "An overlay.", disk: "plain", lines: ["qemu-img create -f qcow2 -b disk.qcow2 -F qcow2 top.qcow2"] },
      { says: "The options there are.", lines: ["qemu-img create -f qcow2 -o help"] },
    ],
    differs: "Formats are qcow2 and raw. preallocation=falloc writes zeros as full does: no store here can reserve room without writing. A zoned image has no backing file, no external data file and no lazy refcounts, and is of version 3.",
  },
  dd: {
    args: "[--image-opts] [-U] [-f fmt] [-O output_fmt] [bs=block_size] [count=blocks] [skip=blocks] if=input of=output",
    about: "Copies blocks of a disk into a new image. bs is the length of a block in bytes, 512 where nothing is said; count is how many at most, from the input's beginning; skip is how many of them are left out.",
    examples: [{ says: "The second MiB alone.", disk: "plain", lines: ["qemu-img dd -f qcow2 -O raw bs=1M skip=1 count=2 if=disk.qcow2 of=part.raw", "qemu-img info -f raw part.raw"] }],
    differs: "As in QEMU, count counts from the beginning of the input, and not from what was skipped.",
  },
  info: {
    about: "Tells what an image is from its header: sizes, version, what features it has, snapshots, bitmaps, and of a zoned one its dialect, geometry, limits and where the write pointers are.",
    examples: [{ says: "A zoned image.", disk: "zoned", lines: ["qemu-img info disk.qcow2"] }],
    differs: "The zoned extension among the format specific information.",
  },
  map: {
    about: "Tells which ranges of a disk have data, zeros or nothing, and where in the file they lie. The table for people has ranges with data only; JSON has all.",
    examples: [
      { says: "One write.", disk: "plain", lines: ["qemu-io -c 'write 1M 64k' disk.qcow2", "qemu-img map disk.qcow2", "qemu-img map --output=json disk.qcow2"] },
    ],
    differs: "The map tells of clusters, also where a zoned disk reads as zeros whatever they hold: at and above a write pointer, and above a capacity.",
  },
  measure: {
    about: "Tells how long the file of a new image would be, with the data of an image that is named or for an empty disk of a size: required, and at most once it is full.",
    examples: [{ says: "An empty disk of 1 GiB, and one with data.", disk: "plain", lines: ["qemu-img measure -O qcow2 --size 1G", "qemu-io -c 'write 0 1M' disk.qcow2", "qemu-img measure -O qcow2 disk.qcow2"] }],
    differs: "Options of zones are refused; a zoned image needs, beside, 8 bytes a zone in whole clusters.",
  },
  rebase: {
    about: "Puts an image on another backing file. What reads differently there is copied into the image first, so that the disk stays as it was; with -u the name alone is changed.",
    examples: [
      {
        says: "An overlay that needs no base any more.",
        disk: "plain",
        lines: ["qemu-io -c 'write -P 7 0 64k' disk.qcow2", "qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 top.qcow2", "qemu-img rebase -b '' top.qcow2", "qemu-io -r -c 'read -P 7 0 64k' top.qcow2"],
      },
    ],
    differs: "A zoned image has no backing file, and gets none.",
  },
  resize: {
    about: "Gives a disk another size in bytes, or with + or - in front so much more or less.",
    examples: [{ says: "Larger, and smaller only when told to.", disk: "plain", lines: ["qemu-img resize disk.qcow2 +8M", "qemu-img resize disk.qcow2 4M", "qemu-img resize --shrink disk.qcow2 4M"] }],
    differs: ZONED_STANDS_ALONE,
  },
  snapshot: {
    about: "Takes, lists, applies and deletes internal snapshots: states of the disk that share clusters with it. Without an action the image is opened and closed, and nothing is printed.",
    examples: [
      {
        says: "Back to what was.",
        disk: "plain",
        lines: ["qemu-io -c 'write -P 1 0 4k' disk.qcow2", "qemu-img snapshot -c before disk.qcow2", "qemu-io -c 'write -P 2 0 4k' disk.qcow2", "qemu-img snapshot -a before disk.qcow2", "qemu-io -r -c 'read -P 1 0 4k' disk.qcow2"],
      },
    ],
    differs: "The snapshots of a zoned image are not changed, for the data would go back and the pointers would not. Those that another program made are listed and read.",
  },
};
