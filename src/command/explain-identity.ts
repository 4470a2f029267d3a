/** What kind of file this is and what to do with it, what lies on a disk, and what a cluster of the layout is, in words. */
import type { Container, FileIdentity, GuestContent, GuestMark, LayoutKind } from "../protocol/index.ts";
import { hex } from "./format.ts";
import { visibleText } from "./visible-text.ts";

export interface ContainerWords {
  /** "a VMware disk (vmdk)" */
  readonly name: string;
  /** What to do to see inside; null where this program does. */
  readonly todo: string | null;
}

const convert = (format: string): string => `Make a qcow2 of it: qemu-img convert -f ${format} -O qcow2 FILE disk.qcow2`;
const unpack = (command: string): string => `Unpack it first: ${command}`;

const CONTAINERS: Readonly<Record<Container, ContainerWords>> = {
  qcow2: { name: "a qcow2 image", todo: null },
  qcow1: { name: "an image of QEMU's first format (qcow, version 1)", todo: convert("qcow") },
  vmdk: { name: "a VMware disk (vmdk)", todo: convert("vmdk") },
  vdi: { name: "a VirtualBox disk (vdi)", todo: convert("vdi") },
  vhdx: { name: "a Hyper-V disk (vhdx)", todo: convert("vhdx") },
  vpc: { name: "a Virtual PC disk (vhd)", todo: convert("vpc") },
  luks: { name: "an encrypted disk (LUKS)", todo: "Its bytes are shown as they are; to read the disk, open it with cryptsetup and its passphrase." },
  iso: { name: "an optical disc's image (iso)", todo: null },
  gzip: { name: "a file compressed with gzip", todo: unpack("gunzip -k FILE") },
  xz: { name: "a file compressed with xz", todo: unpack("unxz -k FILE") },
  zstd: { name: "a file compressed with zstd", todo: unpack("unzstd FILE") },
  bzip2: { name: "a file compressed with bzip2", todo: unpack("bunzip2 -k FILE") },
  lz4: { name: "a file compressed with lz4", todo: unpack("unlz4 FILE") },
  zip: { name: "a zip archive", todo: unpack("unzip FILE") },
  "7z": { name: "a 7z archive", todo: unpack("7z x FILE") },
  empty: { name: "an empty file", todo: "There is nothing in it; a download may have failed." },
  unknown: { name: "a file without a mark that is known, taken as a raw disk", todo: null },
};

export const containerWords = (container: Container): ContainerWords => CONTAINERS[container];

const CONTENTS: Readonly<Record<GuestContent, string>> = {
  mbr: "a partition table (MBR)",
  gpt: "a partition table (GPT)",
  ext2: "an ext2 file system",
  ext3: "an ext3 file system",
  ext4: "an ext4 file system",
  xfs: "an XFS file system",
  btrfs: "a btrfs file system",
  f2fs: "an F2FS file system",
  ntfs: "an NTFS file system",
  fat: "a FAT file system",
  exfat: "an exFAT file system",
  swap: "Linux swap space",
  lvm: "a physical volume of LVM",
  luks: "an encrypted volume (LUKS)",
  iso: "a file system of an optical disc (ISO 9660)",
  zonefs: "a zonefs file system",
  squashfs: "a squashfs file system",
};

/** "an ext4 file system labelled "root" in partition 1" */
function contentWords({ content, label, partition }: GuestMark): string {
  const labelled = label === null ? "" : ` labelled "${visibleText(label)}"`;
  return `${CONTENTS[content]}${labelled}${partition === null ? "" : ` in partition ${partition}`}`;
}

/** What the disk holds in one sentence. */
export function contentsSentence({ contents, contentsUnread }: FileIdentity): string {
  if (contentsUnread) return "What the disk holds could not be read.";
  if (contents.length === 0) return "The disk begins with no partition table or file system that is known here.";
  return `The disk holds ${contents.map((mark) => `${contentWords(mark)} (at ${hex(mark.guestOffset)})`).join(", ")}.`;
}

export interface KindWords {
  readonly name: string;
  readonly meaning: string;
}

const KINDS: Readonly<Record<LayoutKind, KindWords>> = {
  free: { name: "free", meaning: "Nothing refers to it and its refcount is 0: it may be given out." },
  data: { name: "data", meaning: "Bytes of the disk as it is now." },
  "zero-allocated": { name: "zeros with a place", meaning: "Kept for bytes of the disk that read as zeros, whatever is in it." },
  compressed: { name: "compressed data", meaning: "Compressed clusters of the disk; several may share it." },
  "l2-table": { name: "L2 table", meaning: "Says where each of the disk's clusters lies." },
  "inactive-l2-table": { name: "L2 table of a snapshot", meaning: "The same for a disk that a snapshot keeps." },
  "inactive-data": { name: "data of a snapshot", meaning: "Bytes that only a snapshot's disk has." },
  "l1-table": { name: "L1 table", meaning: "Says where the L2 tables lie." },
  "inactive-l1-table": { name: "L1 table of a snapshot", meaning: "The same for a disk that a snapshot keeps." },
  "refcount-block": { name: "refcount block", meaning: "Counts how often clusters are referred to." },
  "refcount-table": { name: "refcount table", meaning: "Says where the refcount blocks lie." },
  bitmap: { name: "bitmap", meaning: "A persistent bitmap's table or bits: what has changed since something." },
  "bitmap-directory": { name: "bitmap directory", meaning: "Lists the persistent bitmaps." },
  "snapshot-table": { name: "snapshot table", meaning: "Lists the snapshots." },
  "encryption-header": { name: "encryption header", meaning: "The LUKS header, by which the data can be decrypted." },
  "zoned-metadata": { name: "write pointers", meaning: "A write pointer for each zone." },
  header: { name: "header", meaning: "What the image is, with its extensions." },
  leaked: { name: "leaked", meaning: "Counted more often than it is referred to: space that is lost, and no harm." },
  "used-twice": { name: "counted too low", meaning: "Referred to more often than it is counted: it may be given out again and overwritten." },
  "beyond-end": { name: "beyond the file's end", meaning: "Something leads there, and the file has no such bytes." },
};

export const layoutKindWords = (kind: LayoutKind): KindWords => KINDS[kind];
