/**
 * What lies on a guest's disk: a partition table with what each partition begins with, or a file system at the disk's start. Numbers of
 * the tables are bounded before anything is read by them. Sources: UEFI specification, "GUID Partition Table Disk Layout"; for the
 * MBR and its chain of extended partitions what Linux reads.
 */
import { viewOf } from "../base/view.ts";
import type { GuestMark } from "../protocol/inspect.ts";
import { CONTENT_BYTES, contentAt } from "./file-systems.ts";
import { hasMark, mark, paddedWideText } from "./marks.ts";

/** Fills `into` from the disk; zeros where nothing is. */
export type ReadGuest = (offset: number, into: Uint8Array) => void;

interface Partition {
  readonly number: number;
  readonly start: number;
  readonly label: string | null;
}

const MOST_PARTITIONS = 128;
const SECTOR_SIZES = [512, 4096];
const MBR_TABLE = 446;
const MBR_ENTRY_BYTES = 16;
const PROTECTIVE = 0xee;
const EXTENDED = [0x05, 0x0f, 0x85];
const FIRST_LOGICAL = 5;
const GPT_MARK = "EFI PART";
const GPT_MAX_ENTRY_BYTES = 4096;
const FIRST_READ = 4096;

/** Looks at the disk's start and at the start of each partition. */
export function guestContents(read: ReadGuest, diskSize: number): GuestMark[] {
  const take = (offset: number, lengthBytes: number): Uint8Array => {
    const bytes = new Uint8Array(Math.max(0, Math.min(lengthBytes, diskSize - offset)));
    if (bytes.length > 0) read(offset, bytes);
    return bytes;
  };
  const start = take(0, CONTENT_BYTES);
  const whole = contentAt(start);
  const table = gptOf(start, take, diskSize) ?? (whole !== null && whole.content !== "iso" ? null : mbrOf(start, take, diskSize));
  const marks: GuestMark[] = [];
  if (table !== null) marks.push({ content: table.content, guestOffset: table.at, label: null, partition: null });
  if (whole !== null) marks.push({ content: whole.content, guestOffset: whole.at, label: whole.label, partition: null });
  for (const { number, start: at, label } of table?.partitions ?? []) {
    const found = contentAt(take(at, CONTENT_BYTES));
    if (found !== null) marks.push({ content: found.content, guestOffset: at + found.at, label: found.label ?? label, partition: number });
  }
  return marks;
}

type Take = (offset: number, lengthBytes: number) => Uint8Array;
interface Table {
  readonly content: "mbr" | "gpt";
  readonly at: number;
  readonly partitions: readonly Partition[];
}

function gptOf(start: Uint8Array, take: Take, diskSize: number): Table | null {
  const sectorSize = SECTOR_SIZES.find((size) => hasMark(start, mark(size, GPT_MARK)));
  if (sectorSize === undefined || start.length < sectorSize + 92) return null;
  const view = viewOf(start);
  const [firstBlock, count, entryBytes] = [bigWord(view, sectorSize + 72), view.getUint32(sectorSize + 80, true), view.getUint32(sectorSize + 84, true)];
  const partitions: Partition[] = [];
  const at = firstBlock * sectorSize;
  if (entryBytes < 128 || entryBytes > GPT_MAX_ENTRY_BYTES || at >= diskSize) return { content: "gpt", at: sectorSize, partitions };
  const entries = take(at, Math.min(count, MOST_PARTITIONS) * entryBytes);
  const words = viewOf(entries);
  for (let index = 0, entry = 0; entry + entryBytes <= entries.length; index++, entry += entryBytes) {
    const isUsed = entries.subarray(entry, entry + 16).some((byte) => byte !== 0);
    const partitionStart = bigWord(words, entry + 32) * sectorSize;
    if (isUsed && partitionStart > 0 && partitionStart < diskSize) partitions.push({ number: index + 1, start: partitionStart, label: paddedWideText(entries, entry + 56, 36) });
  }
  return { content: "gpt", at: sectorSize, partitions };
}

const bigWord = (view: DataView, at: number): number => view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

interface MbrEntry {
  readonly type: number;
  readonly firstSector: number;
  readonly sectors: number;
}

/** The four entries of a boot record; null where it is none. */
function mbrEntries(sector: Uint8Array): MbrEntry[] | null {
  if (!hasMark(sector, mark(510, "\x55\xaa"))) return null;
  const view = viewOf(sector);
  const entries: MbrEntry[] = [];
  for (let at = MBR_TABLE; at < 510; at += MBR_ENTRY_BYTES) {
    // Only 0 and 0x80 mark a partition as (not) the one to boot from: anything else is no table.
    if ((sector[at]! & 0x7f) !== 0) return null;
    entries.push({ type: sector[at + 4]!, firstSector: view.getUint32(at + 8, true), sectors: view.getUint32(at + 12, true) });
  }
  return entries;
}

function mbrOf(start: Uint8Array, take: Take, diskSize: number): Table | null {
  const entries = mbrEntries(start);
  if (entries === null || !entries.some(({ type, sectors }) => type !== 0 && sectors > 0)) return null;
  const partitions: Partition[] = [];
  entries.forEach(({ type, firstSector, sectors }, index) => {
    if (type === 0 || sectors === 0 || type === PROTECTIVE) return;
    if (EXTENDED.includes(type)) partitions.push(...logicalPartitions(firstSector, take, diskSize));
    else if (firstSector > 0 && firstSector * 512 < diskSize) partitions.push({ number: index + 1, start: firstSector * 512, label: null });
  });
  return { content: "mbr", at: 510, partitions };
}

/** The chain of boot records in an extended partition: each has a partition, and leads to the next, counted from the first. */
function logicalPartitions(first: number, take: Take, diskSize: number): Partition[] {
  const partitions: Partition[] = [];
  const seen = new Set<number>();
  for (let at = first; partitions.length < MOST_PARTITIONS && seen.size < MOST_PARTITIONS && !seen.has(at) && at * 512 < diskSize; ) {
    seen.add(at);
    const entries = mbrEntries(take(at * 512, FIRST_READ));
    if (entries === null) break;
    const [own, next] = [entries[0]!, entries[1]!];
    const start = (at + own.firstSector) * 512;
    if (own.type !== 0 && own.sectors > 0 && start < diskSize) partitions.push({ number: FIRST_LOGICAL + partitions.length, start, label: null });
    if (!EXTENDED.includes(next.type) || next.sectors === 0) break;
    at = first + next.firstSector;
  }
  return partitions;
}
