/**
 * File systems as their own tools made them, by what lies at their start. In data: the first 68 KiB, of LUKS the first 4 KiB, made by
 * mke2fs 1.47, dosfstools 4.2, exfatprogs 1.2, ntfs-3g 2022.10, xfsprogs 6.1, btrfs-progs 6.2, f2fs-tools 1.15, util-linux 2.38,
 * cryptsetup 2.6 and squashfs-tools 4.5, all with the label "zonescope".
 */
import { readFileSync, readdirSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { guestContents } from "../../../src/inspect/guest-content.ts";

const FOLDER = "test/unit/inspect/data";
const SIZE = 2 ** 25;

const EXPECTED: Readonly<Record<string, string>> = {
  ext2: "ext2 zonescope",
  ext3: "ext3 zonescope",
  ext4: "ext4 zonescope",
  fat12: "fat ZONESCOPE",
  fat16: "fat ZONESCOPE",
  fat32: "fat ZONESCOPE",
  // These two keep their label in a file of their own.
  exfat: "exfat null",
  ntfs: "ntfs null",
  xfs: "xfs zonescope",
  btrfs: "btrfs zonescope",
  f2fs: "f2fs zonescope",
  swap: "swap zonescope",
  luks1: "luks null",
  luks2: "luks zonescope",
  squashfs: "squashfs null",
};

test("there is a file for each", () => {
  expect(readdirSync(FOLDER).map((name) => name.replace(".gz", "")).sort()).toEqual(Object.keys(EXPECTED).sort());
});

test.each(Object.entries(EXPECTED))("%s", (name, expected) => {
  const start = new Uint8Array(gunzipSync(readFileSync(`${FOLDER}/${name}.gz`)));
  const found = guestContents((offset, into) => void into.set(start.subarray(offset, offset + into.length)), SIZE);
  expect(found.map(({ content, label, partition }) => `${content} ${label}${partition === null ? "" : ` in partition ${partition}`}`)).toEqual([expected]);
});
