/**
 * File systems, swap areas, volume managers and images by their superblocks: which, where its mark lies, and its label. Only marks are
 * looked at; nothing is checked to be sound. Sources: the formats' own headers and specifications (ext4 disk layout, XFS Algorithms and
 * Data Structures, btrfs on-disk format, f2fs_fs.h, exFAT and FAT specifications, zonefs.h, squashfs 4.0, LUKS1 and LUKS2, ECMA-119).
 */
import { viewOf } from "../base/view.ts";
import type { GuestContent } from "../protocol/inspect.ts";
import { hasMark, mark, paddedText, paddedWideText } from "./marks.ts";

export interface Content {
  readonly content: GuestContent;
  /** The mark's place behind the start of the device or partition. */
  readonly at: number;
  readonly label: string | null;
}

/** The marks lie within so many bytes of the start. */
export const CONTENT_BYTES = 68 * 1024;

const EXT_SUPER = 1024;
const BTRFS_SUPER = 65536;
const ISO_VOLUME = 32768;
const F2FS_SUPER = 1024;
const EXT_JOURNAL = 0x4;
/** Features that ext3 has; with any other it is ext4. */
const EXT3_INCOMPATIBLE = 0x2 | 0x4 | 0x10;
const EXT3_READ_ONLY = 0x1 | 0x2 | 0x4;
const PAGE_SIZES = [4096, 8192, 16384, 32768, 65536];
const SWAP_MARK = "SWAPSPACE2";
const F2FS_NAME_UNITS = 512;

type Look = (start: Uint8Array) => Content | null;

const plain =
  (content: GuestContent, at: number, text: string, label: (start: Uint8Array) => string | null = () => null): Look =>
  (start) =>
    hasMark(start, mark(at, text)) ? { content, at, label: label(start) } : null;

const LOOKS: readonly Look[] = [
  plain("luks", 0, "LUKS\xba\xbe", (start) => (viewOf(start).getUint16(6) === 2 ? paddedText(start, 24, 48) : null)),
  lvm,
  plain("xfs", 0, "XFSB", (start) => paddedText(start, 108, 12)),
  plain("squashfs", 0, "hsqs"),
  plain("zonefs", 0, "SFOZ", (start) => paddedText(start, 8, 64)),
  plain("ntfs", 3, "NTFS    "),
  plain("exfat", 3, "EXFAT   "),
  plain("btrfs", BTRFS_SUPER + 64, "_BHRfS_M", (start) => paddedText(start, BTRFS_SUPER + 299, 256)),
  ext,
  plain("f2fs", F2FS_SUPER, "\x10\x20\xf5\xf2", (start) => paddedWideText(start, F2FS_SUPER + 124, F2FS_NAME_UNITS)),
  swap,
  fat,
  plain("iso", ISO_VOLUME + 1, "CD001", (start) => paddedText(start, ISO_VOLUME + 40, 32)),
];

/** @param start the first bytes of a device or partition, CONTENT_BYTES of them where it has so many */
export function contentAt(start: Uint8Array): Content | null {
  for (const look of LOOKS) {
    const found = look(start);
    if (found !== null) return found;
  }
  return null;
}

/** The label of a physical volume is in one of the first four sectors and says in which: one that says another was copied there. */
function lvm(start: Uint8Array): Content | null {
  for (let at = 0; at < 4 * 512; at += 512) {
    if (!hasMark(start, mark(at, "LABELONE")) || !hasMark(start, mark(at + 24, "LVM2 001"))) continue;
    if (viewOf(start).getBigUint64(at + 8, true) === BigInt(at / 512)) return { content: "lvm", at, label: null };
  }
  return null;
}

function ext(start: Uint8Array): Content | null {
  if (!hasMark(start, mark(EXT_SUPER + 56, "\x53\xef")) || start.length < EXT_SUPER + 136) return null;
  const view = viewOf(start);
  const features = (at: number): number => view.getUint32(EXT_SUPER + at, true);
  const newer = (features(96) & ~EXT3_INCOMPATIBLE) !== 0 || (features(100) & ~EXT3_READ_ONLY) !== 0;
  const content = newer ? "ext4" : (features(92) & EXT_JOURNAL) !== 0 ? "ext3" : "ext2";
  return { content, at: EXT_SUPER + 56, label: paddedText(start, EXT_SUPER + 120, 16) };
}

function swap(start: Uint8Array): Content | null {
  for (const page of PAGE_SIZES) {
    const at = page - SWAP_MARK.length;
    if (hasMark(start, mark(at, SWAP_MARK))) return { content: "swap", at, label: paddedText(start, 1024 + 28, 16) };
  }
  return null;
}

/** A FAT has no magic: the type's text, a boot sector's end mark and a sector size that can be have to agree. */
function fat(start: Uint8Array): Content | null {
  if (!hasMark(start, mark(510, "\x55\xaa"))) return null;
  const sectorSize = viewOf(start).getUint16(11, true);
  if (![512, 1024, 2048, 4096].includes(sectorSize)) return null;
  const noName = (label: string | null): string | null => (label === "NO NAME" ? null : label);
  if (hasMark(start, mark(82, "FAT32   "))) return { content: "fat", at: 82, label: noName(paddedText(start, 71, 11)) };
  const old = ["FAT12   ", "FAT16   ", "FAT     "].some((type) => hasMark(start, mark(54, type)));
  return old ? { content: "fat", at: 54, label: noName(paddedText(start, 43, 11)) } : null;
}
