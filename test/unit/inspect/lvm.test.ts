/**
 * A physical volume of LVM2 as its own tool lays one out, made here: the label with its checksum and the header behind it, the metadata
 * area with its mark and the text of a volume group. Alone, in a partition, and on the disk of a zoned image.
 */
import { expect, test } from "vitest";
import { guestContents } from "../../../src/inspect/guest-content.ts";
import { createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

const SECTOR = 512;
const MIB = 2 ** 20;
const letters = (text: string): Uint8Array => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

/** The checksum of LVM2's structures: CRC-32 without its last inversion, from a beginning of its own. */
function checksum(bytes: Uint8Array): number {
  let crc = 0xf597a6cf;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return crc >>> 0;
}

/** The first MiB of a volume of that many bytes; the label lies in, and says, the sectors given. */
function physicalVolume(sizeBytes: number, inSector = 1, saysSector = inSector): Uint8Array {
  const volume = new Uint8Array(MIB);
  const view = new DataView(volume.buffer);
  const label = inSector * SECTOR;
  volume.set(letters("LABELONE"), label);
  view.setBigUint64(label + 8, BigInt(saysSector), true);
  view.setUint32(label + 20, 32, true);
  volume.set(letters("LVM2 001"), label + 24);
  const header = label + 32;
  volume.set(letters("Q2zvW1c9Q4fS7mXkT0aYb8uJ5hLdRe3N"), header);
  view.setBigUint64(header + 32, BigInt(sizeBytes), true);
  // Where data lies: from 1 MiB to the end; then where metadata does.
  view.setBigUint64(header + 40, BigInt(MIB), true);
  view.setBigUint64(header + 72, 4096n, true);
  view.setBigUint64(header + 80, BigInt(MIB - 4096), true);
  view.setUint32(label + 16, checksum(volume.subarray(label + 20, label + SECTOR)), true);
  volume.set(letters("\x20LVM2\x20x[5A%r0N*>"), 4096 + 4);
  view.setUint32(4096 + 20, 1, true);
  view.setBigUint64(4096 + 24, 4096n, true);
  view.setBigUint64(4096 + 32, BigInt(MIB - 4096), true);
  view.setUint32(4096, checksum(volume.subarray(4096 + 4, 4096 + SECTOR)), true);
  volume.set(letters('lab {\nid = "x"\nseqno = 1\nformat = "lvm2"\nextent_size = 8192\n}\n'), 4096 + SECTOR);
  return volume;
}

const contentsOf = (disk: Uint8Array): string[] =>
  guestContents((offset, into) => void into.set(disk.subarray(offset, offset + into.length)), disk.length).map(({ content, guestOffset, partition }) => `${content} at ${guestOffset}${partition === null ? "" : ` in partition ${partition}`}`);

test.each([0, 1, 2, 3])("a label in sector %i", (sector) => {
  const disk = new Uint8Array(4 * MIB);
  disk.set(physicalVolume(disk.length, sector));
  expect(contentsOf(disk)).toEqual([`lvm at ${sector * SECTOR}`]);
});

test("a label behind the fourth sector, or one that was copied from elsewhere, makes no volume", () => {
  const disk = new Uint8Array(4 * MIB);
  disk.set(physicalVolume(disk.length, 4));
  expect(contentsOf(disk)).toEqual([]);
  disk.set(physicalVolume(disk.length, 1, 3));
  expect(contentsOf(disk)).toEqual([]);
});

test("in a partition", () => {
  const disk = new Uint8Array(8 * MIB);
  const view = new DataView(disk.buffer);
  disk[446 + 4] = 0x8e;
  view.setUint32(446 + 8, 2048, true);
  view.setUint32(446 + 12, (7 * MIB) / SECTOR, true);
  disk.set([0x55, 0xaa], 510);
  disk.set(physicalVolume(7 * MIB), MIB);
  expect(contentsOf(disk)).toEqual(["mbr at 510", `lvm at ${MIB + SECTOR} in partition 1`]);
});

test("on the disk of a zoned image, which the inspector names", async () => {
  const fixture = engineFixture();
  const ok = fixture.ok.bind(fixture);
  await ok("create", { file: "volume.qcow2", options: createOptions() });
  const { handle } = await ok("open", { file: "volume.qcow2", readOnly: false, format: null });
  await ok("write", { handle, offset: 0, length: MIB, pattern: 0, data: physicalVolume(12 * MIB) });
  const { identity } = await ok("inspect", { file: "volume.qcow2" });
  expect(identity.contents.map(({ content }) => content)).toEqual(["lvm"]);
});
