/**
 * A field lies that nobody has to follow, and the image is written: stock and this program are given the same one and the same commands, end
 * alike, and leave the same disk and the same verdict of a check. Words are compared where stock is of the version that they are of.
 */
import { expect, test } from "vitest";
import { comparesWords } from "./twins/main.ts";
import { img, io, runTwins } from "./twins/twin.ts";
import type { Preparation, Script } from "./twins/twin.ts";

const A = "a.qcow2";
const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;

const create = (options: string, size = "1M"): Preparation => img("create", "-q", "-f", "qcow2", "-o", options, A, size);
const damage = (act: (bytes: Buffer) => void): Preparation => ({
  file: A,
  damage: (bytes) => {
    act(bytes);
    return bytes;
  },
});
const l2Table = (bytes: Buffer): number => Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & OFFSET_MASK);

/** The first entry of the L2 table says zeros, and keeps its cluster or not. */
const zeroInVersion2 = (keeps: boolean): Preparation =>
  damage((bytes) => void bytes.writeBigUInt64BE(keeps ? bytes.readBigUInt64BE(l2Table(bytes)) | 1n : 1n, l2Table(bytes)));
const VERSION_2 = [create("compat=0.10,cluster_size=4k"), io(["-f", "qcow2"], A, ["write -P 1 0 64k"])];

const SCRIPTS: Readonly<Record<string, Script>> = {
  "the place of a snapshot table of no snapshots, beyond 8 PiB": {
    prepare: [create("cluster_size=4k"), io(["-f", "qcow2"], A, ["write -P 1 0 64k"]), damage((bytes) => void bytes.writeBigUInt64BE(2n ** 53n + 4096n, 64))],
    trial: [img("check", A), img("info", A), io(["-f", "qcow2"], A, ["write -P 2 60k 8k", "read -P 1 0 60k"]), img("snapshot", "-a", "s", A), img("resize", "-f", "qcow2", A, "2M"), img("snapshot", "-c", "s", A), img("snapshot", "-d", "s", A)],
    images: [A],
    header: [A],
    eachStep: true,
  },
  ...Object.fromEntries(
    [2n ** 53n + 512n, 2n ** 63n, 2n ** 64n - 4096n].map((place): [string, Script] => [
      `the place of a snapshot table of no snapshots that is none: ${place}`,
      { prepare: [create("cluster_size=4k"), damage((bytes) => void bytes.writeBigUInt64BE(place, 64))], trial: [io(["-f", "qcow2"], A, ["write -P 2 0 8k"]), img("snapshot", "-l", A)], images: [], header: [A] },
    ]),
  ),
  "a shrink in front of subclusters that cannot be, behind the disk's end": {
    prepare: [create("cluster_size=16k,extended_l2=on", "29696"), io(["-f", "qcow2"], A, ["write -P 1 0 29696"]), damage((bytes) => void bytes.writeUInt32BE(0x0400_0000, l2Table(bytes) + 8 * 16 + 12))],
    trial: [img("resize", "--shrink", "-f", "qcow2", A, "14848"), io(["-f", "qcow2"], A, ["read -P 1 0 14848", "write -P 2 0 512"])],
    images: [A],
    eachStep: true,
  },
  "compressed clusters that are said to be written in place, and snapshots": {
    prepare: [create("cluster_size=4k"), io(["-f", "qcow2"], A, ["write -c -P 1 0 64k"]), damage((bytes) => void bytes.writeUInt8(bytes.readUInt8(l2Table(bytes)) | 0x80, l2Table(bytes)))],
    trial: [img("snapshot", "-c", "s", A), io(["-f", "qcow2"], A, ["write -P 2 0 512"]), img("snapshot", "-a", "s", A), img("snapshot", "-d", "s", A)],
    images: [A],
    eachStep: true,
  },
  "compressed clusters that are said to be written in place, and a snapshot that goes": {
    prepare: [create("cluster_size=4k"), io(["-f", "qcow2"], A, ["write -c -P 1 0 64k"]), img("snapshot", "-c", "s", A), io(["-f", "qcow2"], A, ["write -P 2 0 512"]), damage((bytes) => void bytes.writeUInt8(bytes.readUInt8(l2Table(bytes) + 8) | 0x80, l2Table(bytes) + 8))],
    trial: [img("snapshot", "-d", "s", A), img("check", "-r", "all", A)],
    images: [A],
    eachStep: true,
  },
  "zeros that an image of version 2 cannot say, read and mapped": {
    prepare: [...VERSION_2, zeroInVersion2(false)],
    trial: [img("check", A), io(["-r", "-f", "qcow2"], A, ["read -P 1 4k 60k", "read 0 4k", "read 0 512"]), img("map", A), img("convert", "-O", "raw", A, "out.raw"), img("compare", A, A)],
    images: [A],
    eachStep: true,
  },
  "zeros that an image of version 2 cannot say, and writes": {
    prepare: [...VERSION_2, zeroInVersion2(true)],
    trial: [io(["-f", "qcow2"], A, ["write -P 2 0 4k", "read -P 2 0 4k"])],
    images: [A],
    eachStep: true,
  },
  "zeros that an image of version 2 cannot say, read by who may write": {
    prepare: [...VERSION_2, zeroInVersion2(false)],
    trial: [io(["-f", "qcow2"], A, ["write -P 2 8k 512", "read 0 4k"])],
    images: [A],
    eachStep: true,
  },
  "counts of fewer bits than they were stored with, and a snapshot": {
    prepare: [create("cluster_size=1k"), io(["-f", "qcow2"], A, ["write -P 1 0 1k"]), damage((bytes) => void bytes.writeUInt32BE(0, 96))],
    trial: [img("snapshot", "-c", "s", A)],
    images: [A],
    eachStep: true,
  },
  "a bitmap that is merged from the image itself, by its name": {
    prepare: [create("cluster_size=4k"), img("bitmap", "--add", A, "b1"), io(["-f", "qcow2"], A, ["write -P 1 0 64k"]), img("bitmap", "--add", A, "b2")],
    trial: [img("bitmap", "--merge", "b1", "-b", A, "-F", "qcow2", A, "b2"), img("bitmap", "--merge", "b1", A, "b2"), img("info", A)],
    images: [A],
    header: [A],
  },
};

test.each(Object.entries(SCRIPTS))("%s", async (_name, script) => {
  expect(await runTwins(script, { words: comparesWords() })).toEqual([]);
});

test("facts are not told of an image with a data file and a feature that nobody knows", async () => {
  const prepare = [create("data_file=d.raw"), damage((bytes) => void bytes.writeUInt8(0x80, 77))];
  expect(await runTwins({ prepare, trial: [img("info", A), img("info", "--output=json", A), img("check", A)], images: [] }, { words: true })).toEqual([]);
});

test("a snapshot that is not there, of an image that cannot be written, is what is told of", async () => {
  const prepare = [create("cluster_size=4k"), damage((bytes) => void bytes.writeBigUInt64BE(2n ** 50n + 4096n, 40))];
  const trial = [img("snapshot", "-d", "new", A), img("snapshot", "-a", "new", A)];
  // Words that all versions have.
  expect(await runTwins({ prepare, trial, images: [] }, { words: true })).toEqual([]);
});
