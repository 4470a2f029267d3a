/** What a file is and what lies on a disk, by bytes put together from the formats' specifications. */
import { expect, test } from "vitest";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";
import { guestContents } from "../../../src/inspect/guest-content.ts";
import { identifyFile } from "../../../src/inspect/identity.ts";
import { MIB } from "../../../src/testing/engine-fixture.ts";

const letters = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0));
const wide = (text: string): number[] => [...text].flatMap((letter) => [letter.charCodeAt(0), 0]);

type Bytes = readonly (readonly [at: number, bytes: readonly number[]])[];

function kindOf(size: number, bytes: Bytes): string {
  const store = new MemoryStore("file");
  store.truncate(size);
  for (const [at, part] of bytes) store.write(at, Uint8Array.from(part));
  return identifyFile(store).container;
}

function contentsOf(bytes: Bytes, size = 16 * MIB): string[] {
  const disk = new MemoryStore("disk");
  disk.truncate(size);
  for (const [at, part] of bytes) disk.write(at, Uint8Array.from(part));
  return guestContents((offset, into) => void disk.read(offset, into), size).map(({ content, guestOffset, label, partition }) => `${content} ${guestOffset} ${label} ${partition}`);
}

test.each<[string, number, Bytes]>([
  ["qcow2", MIB, [[0, [...letters("QFI\xfb"), 0, 0, 0, 3]]]],
  ["qcow1", MIB, [[0, [...letters("QFI\xfb"), 0, 0, 0, 1]]]],
  ["vmdk", MIB, [[0, letters("KDMV")]]],
  ["vmdk", MIB, [[0, letters("# Disk DescriptorFile\nversion=1")]]],
  ["vdi", MIB, [[0, letters("<<< Oracle VM VirtualBox Disk Image >>>")], [64, [0x7f, 0x10, 0xda, 0xbe]]]],
  ["vhdx", MIB, [[0, letters("vhdxfile")]]],
  ["vpc", MIB, [[0, letters("conectix")]]],
  ["vpc", MIB, [[MIB - 512, letters("conectix")]]],
  ["luks", MIB, [[0, letters("LUKS\xba\xbe\0\x01")]]],
  ["iso", MIB, [[32769, letters("CD001")]]],
  ["gzip", 100, [[0, [0x1f, 0x8b, 8]]]],
  ["xz", 100, [[0, [0xfd, ...letters("7zXZ"), 0]]]],
  ["zstd", 100, [[0, [0x28, 0xb5, 0x2f, 0xfd]]]],
  ["bzip2", 100, [[0, [...letters("BZh9"), 0x31, 0x41, 0x59, 0x26, 0x53, 0x59]]]],
  ["lz4", 100, [[0, [4, 0x22, 0x4d, 0x18]]]],
  ["zip", 100, [[0, [0x50, 0x4b, 3, 4]]]],
  ["7z", 100, [[0, [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]]]],
  ["empty", 0, []],
  ["unknown", MIB, []],
  ["unknown", 3, [[0, letters("QFI")]]],
  // A text that begins like an archive's name is none.
  ["unknown", 100, [[0, letters("BZh9 is how it begins")]]],
])("a file is a %s", (container, size, bytes) => {
  expect(kindOf(size, bytes)).toBe(container);
});

const signature: Bytes = [[510, [0x55, 0xaa]]];
const ext = (at: number, compatible: number, incompatible: number): Bytes => [
  [at + 1024 + 56, [0x53, 0xef]],
  [at + 1024 + 92, [compatible, 0, 0, 0, incompatible, 0, 0, 0]],
  [at + 1024 + 120, letters("root")],
];
const entry = (type: number, first: number, sectors: number): number[] => {
  const bytes = new Uint8Array(16);
  bytes[4] = type;
  new DataView(bytes.buffer).setUint32(8, first, true);
  new DataView(bytes.buffer).setUint32(12, sectors, true);
  return [...bytes];
};

test.each<[string, Bytes]>([
  ["ext2 1080 root null", ext(0, 0, 2)],
  ["ext3 1080 root null", ext(0, 4, 2)],
  ["ext4 1080 root null", ext(0, 4, 0x42)],
  ["xfs 0 data null", [[0, letters("XFSB")], [108, letters("data")]]],
  ["btrfs 65600 pool null", [[65600, letters("_BHRfS_M")], [65536 + 299, letters("pool")]]],
  ["f2fs 1024 flash null", [[1024, [0x10, 0x20, 0xf5, 0xf2]], [1024 + 124, wide("flash")]]],
  ["ntfs 3 null null", [[0, [0xeb, 0x52, 0x90, ...letters("NTFS    ")]], ...signature]],
  ["exfat 3 null null", [[3, letters("EXFAT   ")], ...signature]],
  ["fat 82 BOOT null", [[11, [0, 2]], [71, letters("BOOT       ")], [82, letters("FAT32   ")], ...signature]],
  ["fat 54 null null", [[11, [0, 2]], [43, letters("NO NAME    ")], [54, letters("FAT16   ")], ...signature]],
  ["swap 4086 spare null", [[4086, letters("SWAPSPACE2")], [1052, letters("spare")]]],
  ["lvm 512 null null", [[512, [...letters("LABELONE"), 1]], [536, letters("LVM2 001")]]],
  ["luks 0 secret null", [[0, [...letters("LUKS\xba\xbe"), 0, 2]], [24, letters("secret")]]],
  ["iso 32769 CDROM null", [[32769, letters("CD001")], [32808, letters("CDROM".padEnd(32))]]],
  ["squashfs 0 null null", [[0, letters("hsqs")]]],
  ["zonefs 0 zones null", [[0, letters("SFOZ")], [8, letters("zones")]]],
])("a disk begins with %s", (found, bytes) => {
  expect(contentsOf(bytes)).toEqual([found]);
});

test("an MBR with a logical partition, and what each begins with", () => {
  const bytes: Bytes = [
    ...signature,
    [446, [...entry(0x83, 2048, 2048), ...entry(0x05, 8192, 8192)]],
    ...ext(2048 * 512, 4, 2),
    [8192 * 512 + 446, [...entry(0x82, 2048, 2048), ...entry(0, 0, 0)]],
    [8192 * 512 + 510, [0x55, 0xaa]],
    [(8192 + 2048) * 512 + 4086, letters("SWAPSPACE2")],
  ];
  expect(contentsOf(bytes)).toEqual(["mbr 510 null null", `ext3 ${2048 * 512 + 1080} root 1`, `swap ${10240 * 512 + 4086} null 5`]);
});

test("an extended partition that leads to itself ends", () => {
  const bytes: Bytes = [...signature, [446, entry(0x05, 64, 8192)], [64 * 512 + 446, [...entry(0x83, 8, 8), ...entry(0x05, 0, 100)]], [64 * 512 + 510, [0x55, 0xaa]]];
  expect(contentsOf(bytes)).toEqual(["mbr 510 null null"]);
});

test("a GPT with the name of a partition, behind a protective MBR; absurd counts are bounded", () => {
  const header = new Uint8Array(92);
  const view = new DataView(header.buffer);
  header.set(letters("EFI PART"));
  view.setBigUint64(72, 2n, true);
  view.setUint32(80, 0xffffffff, true);
  view.setUint32(84, 128, true);
  const first = new Uint8Array(128);
  first.fill(1, 0, 16);
  new DataView(first.buffer).setBigUint64(32, 2048n, true);
  first.set(wide("system"), 56);
  const bytes: Bytes = [...signature, [446, entry(0xee, 1, 0xffffffff)], [512, [...header]], [1024, [...first]], [2048 * 512, letters("XFSB")]];
  expect(contentsOf(bytes)).toEqual(["gpt 512 null null", `xfs ${2048 * 512} system 1`]);
});

test("a boot sector that is no table, and a disk of less than a sector", () => {
  expect(contentsOf([...signature, [446, [0x13]]])).toEqual([]);
  expect(contentsOf([[0, [1]]], 100)).toEqual([]);
});
