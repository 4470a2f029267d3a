/**
 * What kind of file this is, by the marks that the formats themselves put at known places. A raw disk has none: what has no mark here
 * is "unknown", and is a disk byte for byte as far as anybody can tell. Reads the start and the last sector.
 *
 * Sources: the formats' specifications (VMDK 5.0, VHD 1.0, MS-VHDX, LUKS1 and LUKS2, ECMA-119, RFC 1952, RFC 8878, .xz 1.2, LZ4 frame,
 * APPNOTE.TXT, 7zFormat.txt); for VDI and bzip2, which have none, what their own programs write.
 */
import type { ByteStore } from "../bytes/byte-store.ts";
import type { Container, FileIdentity } from "../protocol/inspect.ts";
import { hasMark, mark } from "./marks.ts";
import type { Mark } from "./marks.ts";

interface Sign {
  readonly container: Container;
  readonly mark: Mark;
  /** What must hold besides. */
  readonly also?: (start: Uint8Array) => boolean;
}

const SECTOR = 512;
/** The volume descriptors of an iso begin at its 16th block. */
const ISO_AT = 32769;
const START_BYTES = ISO_AT + 5;
const versionAtLeast2 = (start: Uint8Array): boolean => start.length >= 8 && new DataView(start.buffer, start.byteOffset).getUint32(4) >= 2;

const SIGNS: readonly Sign[] = [
  { container: "qcow2", mark: mark(0, "QFI\xfb"), also: versionAtLeast2 },
  { container: "qcow1", mark: mark(0, "QFI\xfb\0\0\0\x01") },
  // The magic alone: a qcow2 whose version is cut off or broken.
  { container: "qcow2", mark: mark(0, "QFI\xfb") },
  { container: "vmdk", mark: mark(0, "KDMV") },
  { container: "vmdk", mark: mark(0, "COWD") },
  { container: "vmdk", mark: mark(0, "# Disk DescriptorFile") },
  { container: "vdi", mark: mark(64, "\x7f\x10\xda\xbe") },
  { container: "vhdx", mark: mark(0, "vhdxfile") },
  { container: "vpc", mark: mark(0, "conectix") },
  { container: "luks", mark: mark(0, "LUKS\xba\xbe") },
  { container: "gzip", mark: mark(0, "\x1f\x8b\x08") },
  { container: "xz", mark: mark(0, "\xfd7zXZ\0") },
  { container: "zstd", mark: mark(0, "\x28\xb5\x2f\xfd") },
  { container: "bzip2", mark: mark(0, "BZh"), also: (start) => start[3]! >= 0x31 && start[3]! <= 0x39 && (hasMark(start, mark(4, "1AY&SY")) || hasMark(start, mark(4, "\x17rE8P\x90"))) },
  { container: "lz4", mark: mark(0, "\x04\x22\x4d\x18") },
  { container: "zip", mark: mark(0, "PK\x03\x04") },
  { container: "zip", mark: mark(0, "PK\x05\x06") },
  { container: "zip", mark: mark(0, "PK\x07\x08") },
  { container: "7z", mark: mark(0, "7z\xbc\xaf\x27\x1c") },
  { container: "iso", mark: mark(ISO_AT, "CD001") },
];

/** Containers whose bytes are those of a disk, so that what lies on it can be read from here. */
export const isDiskItself = (container: Container): boolean => container === "unknown" || container === "iso" || container === "luks";

/** The file's kind and the mark that told; nothing of what lies on its disk. */
export function identifyFile(store: ByteStore): Pick<FileIdentity, "container" | "fileSize" | "mark"> {
  const fileSize = store.size();
  if (fileSize === 0) return { container: "empty", fileSize, mark: null };
  const start = new Uint8Array(Math.min(START_BYTES, fileSize));
  const there = start.subarray(0, store.read(0, start));
  for (const { container, mark: sign, also } of SIGNS) {
    if (hasMark(there, sign) && (also?.(there) ?? true)) return { container, fileSize, mark: { hostOffset: sign.at, lengthBytes: sign.bytes.length } };
  }
  // A virtual hard disk of fixed size is the disk with a footer behind it.
  const footer = new Uint8Array(SECTOR);
  const fixed = fileSize >= 2 * SECTOR && fileSize % SECTOR === 0 && store.read(fileSize - SECTOR, footer) === SECTOR && hasMark(footer, mark(0, "conectix"));
  return fixed ? { container: "vpc", fileSize, mark: { hostOffset: fileSize - SECTOR, lengthBytes: 8 } } : { container: "unknown", fileSize, mark: null };
}
