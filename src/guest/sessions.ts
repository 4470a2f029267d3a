/**
 * Ready-made sessions of the guest, as data: the disk that each wants, and the lines that are typed for the user, one after the
 * other. A line is typed when the shell has its prompt, and has ended when the prompt is there again. Knows no terminal, no page and
 * no emulator.
 *
 * test/guest/sessions.test.ts types them into the committed kernel, and holds each line against what is said of it here.
 */
import { GUEST_SESSIONS, isGuestSession } from "../protocol/index.ts";
import type { CreateOptions, GuestSessionName, ZonedCreateOptions } from "../protocol/index.ts";

/** What the guest can have besides its initial file system: a file that is fetched only where it is asked for. */
export type GuestExtra = "fio" | "btrfs";

/** The file of public/guest of each; Linux unpacks what stands behind its initial file system, so that they are put end to end. */
export const EXTRA_FILES: Readonly<Record<GuestExtra, string>> = { fio: "fio.img", btrfs: "btrfs.img" };

/** MiB of memory that Linux has room in, without anything else. */
const MEMORY_MIB = 48;
/** What each needs more: its files lie in memory, and btrfs keeps much of what it knows there. */
const MORE_MEMORY_MIB: Readonly<Record<GuestExtra, number>> = { fio: 48, btrfs: 80 };

/** MiB of memory for a guest with these. */
export const memoryMib = (extras: readonly GuestExtra[]): number => extras.reduce((sum, extra) => sum + MORE_MEMORY_MIB[extra], MEMORY_MIB);

/** The end of what the guest has said while its shell waits for a line; control sequences and carriage returns are taken out before. */
export const PROMPT = /zoned:[^\n]*# $/;

export interface SessionLine {
  /** What is typed, without its end. */
  readonly type: string;
  /** What it shows, in a sentence, for whoever watches; said before the line is typed. */
  readonly says: string;
  /** The line is there to fail: its exit status is not 0. */
  readonly fails?: true;
  /** A part of what comes back; where it is absent the exit status alone tells. */
  readonly answer?: RegExp;
}

export interface GuestSession {
  /** The name in a link, `#guest=NAME`. */
  readonly name: GuestSessionName;
  readonly title: string;
  /** What one will have seen, in a sentence. */
  readonly summary: string;
  /** The disk that is /dev/vda, new and empty. */
  readonly disk: CreateOptions;
  readonly extras: readonly GuestExtra[];
  /** The lesson whose steps it goes through, all of them and in order, on a disk like its own; by its id. */
  readonly lesson?: string;
  readonly lines: readonly SessionLine[];
}

const KIB = 1024;
const MIB = 1024 * KIB;

const disk = (sizeBytes: number, zoned: Omit<ZonedCreateOptions, "dialect" | "maxAppendBytes">): CreateOptions => ({
  sizeBytes,
  clusterSize: 64 * KIB,
  refcountBits: 16,
  zoned: { dialect: "v4", maxAppendBytes: 128 * KIB, ...zoned },
});

/** 16 zones of 2 MiB, of which 1.5 MiB can be written; the first is conventional. */
const SMALL_DISK = disk(32 * MIB, { zoneSize: 2 * MIB, zoneCapacity: 1536 * KIB, conventionalZones: 1, maxOpenZones: 3, maxActiveZones: 5 });

const BLKZONE: GuestSession = {
  name: "blkzone",
  title: "blkzone: look at zones, and switch them",
  summary: "What Linux knows of the disk, and the tool that opens, closes, finishes and resets its zones.",
  disk: SMALL_DISK,
  extras: [],
  lesson: "linux-sees-zones",
  lines: [
    { type: "cat /sys/block/vda/queue/zoned", says: "Linux asks the disk what it is: the host has to write its zones in order.", answer: /^host-managed$/m },
    { type: "(cd /sys/block/vda/queue; grep . nr_zones max_open_zones max_active_zones zone_append_max_bytes)", says: "Zones and limits, as on the map.", answer: /^max_open_zones:3$/m },
    { type: "blkzone report -c 4 /dev/vda", says: "The first four zones: start, length, capacity and write pointer, in sectors of 512 bytes.", answer: /\(em\)/ },
    { type: "blkzone capacity /dev/vda", says: "How many sectors can be written in all. The zones are larger than their capacity.", answer: /^0x00000c400$/m },
    { type: "blkzone open -o 0x1000 -c 2 /dev/vda", says: "Zones 1 and 2 are opened: see the map." },
    { type: "dd if=/bin/busybox of=/dev/vda bs=64k count=4 seek=32 oflag=direct", says: "256 KiB at the start of zone 1, past the page cache.", answer: /4\+0 records out/ },
    { type: "blkzone close -o 0x1000 -c 1 /dev/vda", says: "Zone 1 is closed: it stays active, but is open no more." },
    { type: "blkzone finish -o 0x1000 -c 1 /dev/vda", says: "Zone 1 is finished: it is full, although most of it was never written." },
    { type: "blkzone open -o 0x3000 -c 3 /dev/vda", says: "Three more at once are one too many: three zones may be open, and zone 2 is.", fails: true, answer: /BLKOPENZONE ioctl failed/ },
    { type: "blkzone report -c 6 /dev/vda", says: "What has become of them.", answer: /\(fu\)/ },
    { type: "blkzone reset /dev/vda", says: "All zones are emptied. The conventional one has no pointer, and is left alone." },
  ],
};

const ORDER: GuestSession = {
  name: "order",
  title: "Write in order, and out of order",
  summary: "A write at the pointer is taken. One anywhere else is an I/O error in Linux, and the page says why.",
  disk: SMALL_DISK,
  extras: [],
  lines: [
    { type: "dd if=/bin/busybox of=/dev/vda bs=64k count=2 seek=32 oflag=direct", says: "128 KiB at the start of zone 1, where its pointer stands.", answer: /2\+0 records out/ },
    { type: "blkzone report -o 0x1000 -c 1 /dev/vda", says: "The pointer has moved by 0x100 sectors.", answer: /wptr 0x000100/ },
    { type: "dd if=/bin/busybox of=/dev/vda bs=64k count=1 seek=72 oflag=direct", says: "Zone 2 is empty, and this is in its middle: the disk refuses it.", fails: true, answer: /Input\/output error/ },
    { type: "dd if=/bin/busybox of=/dev/vda bs=64k count=1 seek=32 oflag=direct", says: "The start of zone 1 once more. Linux has seen its pointer move, and does not even ask the disk.", fails: true, answer: /Input\/output error/ },
    { type: "dd if=/bin/busybox of=/dev/vda bs=64k count=1 seek=34 skip=2 oflag=direct", says: "After an error Linux no longer trusts the pointer that it knows, and refuses the right place too.", fails: true, answer: /Input\/output error/ },
    { type: "blkzone report -o 0x1000 -c 1 /dev/vda", says: "A report tells it where the pointer is: where it was.", answer: /wptr 0x000100/ },
    { type: "dd if=/bin/busybox of=/dev/vda bs=64k count=2 seek=34 skip=2 oflag=direct", says: "Now it goes on there.", answer: /2\+0 records out/ },
    { type: "dd if=/dev/vda bs=64k skip=32 count=4 iflag=direct 2>/dev/null | cmp -n 262144 - /bin/busybox && echo same", says: "What was written is what is read.", answer: /^same$/m },
    { type: "dd if=/bin/busybox of=/dev/vda bs=4k count=1 seek=77 oflag=direct", says: "Zone 0 is conventional: it is written anywhere.", answer: /1\+0 records out/ },
    { type: "blkzone reset -o 0x1000 -c 1 /dev/vda", says: "To write zone 1 from its start again, it is reset." },
    { type: "dd if=/bin/busybox of=/dev/vda bs=64k count=1 seek=32 oflag=direct", says: "Now its start is where the pointer stands.", answer: /1\+0 records out/ },
  ],
};

const ZONEFS: GuestSession = {
  name: "zonefs",
  title: "zonefs: a file for every zone",
  summary: "The simplest file system for zones: each zone is a file, its size is the pointer, and writing appends.",
  disk: SMALL_DISK,
  extras: [],
  lines: [
    { type: "mkzonefs -f /dev/vda", says: "The file system needs one zone for itself: the first.", answer: /15 usable zones/ },
    { type: "mount -t zonefs /dev/vda /mnt", says: "It is mounted." },
    { type: "ls -l /mnt/seq | head -5", says: "A file for every sequential zone, empty.", answer: / 0 \S+ +\S+ +\S+ 10$/m },
    { type: "dd if=/bin/busybox of=/mnt/seq/0 bs=64k count=4 oflag=direct,append conv=notrunc", says: "256 KiB are appended to the first one.", answer: /4\+0 records out/ },
    { type: "stat -c '%s bytes, at most %b blocks of 512' /mnt/seq/0", says: "The size of the file is what the pointer says.", answer: /^262144 bytes/m },
    { type: "dd if=/bin/busybox of=/mnt/seq/0 bs=64k count=1 oflag=direct conv=notrunc", says: "At its start nothing can be written any more.", fails: true, answer: /Input\/output error/ },
    { type: "cmp -n 262144 /bin/busybox /mnt/seq/0 && echo same", says: "It is read as any file.", answer: /^same$/m },
    { type: "truncate -s 1536k /mnt/seq/1", says: "To make a file as large as it can be finishes its zone." },
    { type: "truncate -s 0 /mnt/seq/0", says: "To make one empty resets its zone." },
    { type: "umount /mnt && blkzone report -c 4 /dev/vda", says: "Zone 1 is empty, zone 2 is full.", answer: /\(fu\)/ },
  ],
};

const F2FS: GuestSession = {
  name: "f2fs",
  title: "f2fs: copy a tree, and watch it clean",
  summary: "A log-structured file system in zones: what is deleted leaves holes, and cleaning moves what is left to give zones back.",
  disk: disk(128 * MIB, { zoneSize: 2 * MIB, zoneCapacity: 2 * MIB, conventionalZones: 8, maxOpenZones: 0, maxActiveZones: 0 }),
  extras: [],
  lesson: "f2fs-on-zones",
  lines: [
    { type: "mkfs.f2fs -q -m -f /dev/vda", says: "The conventional zones keep what has to be written in place; files go to the others." },
    { type: "mount -t f2fs /dev/vda /mnt", says: "It is mounted. Logs are opened when something is written to them." },
    { type: "cp -a /usr/sbin /mnt && sync", says: "A tree is copied. Watch the pointers: data and file nodes go to logs of their own." },
    { type: "for i in $(seq 16); do dd if=/bin/busybox of=/mnt/$i bs=512k count=1 2>/dev/null; done; sync", says: "And 16 files of 512 KiB, four to a zone." },
    { type: "rm /mnt/*[13579]; sync; cat /sys/fs/f2fs/vda/dirty_segments", says: "Every other one is deleted. So many zones have holes now, which nothing can be written to.", answer: /^\d+$/m },
    { type: "blkzone report /dev/vda | grep -c '(em)'", says: "So many zones are empty.", answer: /^\d+$/m },
    { type: "echo 1 >/sys/fs/f2fs/vda/gc_urgent; sleep 5; sync", says: "Cleaning is made urgent: what is still needed moves to other zones, and the old ones are reset. Watch the map." },
    { type: "cat /sys/fs/f2fs/vda/dirty_segments", says: "Fewer zones with holes.", answer: /^\d+$/m },
    { type: "cmp /mnt/2 /mnt/16 && cmp -n 131072 /mnt/16 /bin/busybox && echo same", says: "The files that were moved are what they were.", answer: /^same$/m },
    { type: "umount /mnt && fsck.f2fs /dev/vda | tail -4", says: "It is unmounted, and the check finds all in order." },
    { type: "blkzone reset /dev/vda", says: "At last all zones are reset behind its back. Its maps still stand in the conventional zones, and tell of blocks that are gone." },
  ],
};

const BTRFS: GuestSession = {
  name: "btrfs",
  title: "btrfs on zones",
  summary: "A file system that never writes in place: in zones it needs no conventional one, and its data arrives by appends.",
  disk: disk(256 * MIB, { zoneSize: 4 * MIB, zoneCapacity: 4 * MIB, conventionalZones: 0, maxOpenZones: 0, maxActiveZones: 0 }),
  extras: ["btrfs"],
  lines: [
    { type: "mkfs.btrfs -q -f -m single -d single /dev/vda", says: "Even the superblock is a log: it goes from zone 0 to zone 1 and back." },
    { type: "mount -t btrfs /dev/vda /mnt", says: "It is mounted: block groups are zones." },
    { type: "cp -a /usr/sbin /mnt && sync", says: "A tree is copied. In the list of events, data is appended: the disk says where it landed." },
    { type: "btrfs subvolume snapshot /mnt /mnt/before", says: "A snapshot shares everything." },
    { type: "rm -r /mnt/sbin && sync && btrfs filesystem usage /mnt | grep -E 'unusable|zone size|Used'", says: "What is deleted here is still in the snapshot.", answer: /zone size/ },
    { type: "btrfs subvolume delete -c /mnt/before && btrfs filesystem sync /mnt && sleep 2", says: "The snapshot goes too." },
    { type: "btrfs balance start -dusage=0 -f /mnt; sync", says: "Block groups that hold nothing are given back: their zones are reset." },
    { type: "umount /mnt && btrfs check /dev/vda 2>&1 | grep -E 'checking|error'", says: "The check at the end.", answer: /checking root refs/ },
  ],
};

const FIO: GuestSession = {
  name: "fio",
  title: "fio: a load that knows zones",
  summary: "fio's zoned mode turns any load into writes at write pointers, and resets zones when it needs room.",
  disk: disk(32 * MIB, { zoneSize: 2 * MIB, zoneCapacity: 2 * MIB, conventionalZones: 0, maxOpenZones: 4, maxActiveZones: 4 }),
  extras: ["fio"],
  lines: [
    { type: "fio --name=seq --filename=/dev/vda --zonemode=zbd --direct=1 --rw=write --bs=64k --size=8m --eta=never | grep -E 'err=|IOPS='", says: "8 MiB in order: four zones, one after the other.", answer: /err= 0/ },
    { type: "blkzone report -c 6 /dev/vda", says: "Four zones are full.", answer: /\(fu\)/ },
    { type: "fio --name=rand --filename=/dev/vda --zonemode=zbd --direct=1 --rw=randwrite --bs=16k --size=32m --io_size=4m --max_open_zones=3 --eta=never | grep -E 'err=|IOPS='", says: "4 MiB at random: the zone is random, the place in it is its pointer. Three zones are open at a time.", answer: /err= 0/ },
    { type: "fio --name=read --filename=/dev/vda --zonemode=zbd --direct=1 --rw=randread --bs=16k --size=32m --io_size=2m --eta=never | grep -E 'err=|IOPS='", says: "Reads below the pointers.", answer: /err= 0/ },
  ],
};

const BY_NAME: Readonly<Record<GuestSessionName, GuestSession>> = { blkzone: BLKZONE, order: ORDER, zonefs: ZONEFS, f2fs: F2FS, btrfs: BTRFS, fio: FIO };

/** In the order in which they are offered. */
export const SESSIONS: readonly GuestSession[] = GUEST_SESSIONS.map((name) => BY_NAME[name]);

export const sessionNamed = (name: string): GuestSession | undefined => (isGuestSession(name) ? BY_NAME[name] : undefined);

/** The session that goes through a lesson of ours. @param id of the lesson */
export const sessionOfLesson = (id: string): GuestSession | undefined => SESSIONS.find(({ lesson }) => lesson === id);
