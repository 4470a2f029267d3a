/**
 * Images whose header, data file or streams lie, and images left dirty: stock and this program are given the same one and the same commands,
 * and end alike, leave the same disk, and the same verdict of a check. What the words are is not compared: the stock of a machine may be older.
 */
import { deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { img, io, runTwins } from "./twins/twin.ts";
import type { Command, Preparation, Script } from "./twins/twin.ts";

const A = "a.qcow2";
const K64 = 65536;

const damage = (act: (bytes: Buffer) => void): Preparation => ({
  file: A,
  damage: (bytes) => {
    act(bytes);
    return bytes;
  },
});
const create = (options: string, size = "512k"): Preparation => img("create", "-q", "-f", "qcow2", ...(options === "" ? [] : ["-o", options]), A, size);
const l2Table = (bytes: Buffer): number => Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0x00ff_ffff_ffff_fe00n);

const refcountBlock = (bytes: Buffer): number => Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(48))));
const l1Table = (bytes: Buffer): number => Number(bytes.readBigUInt64BE(40));

/** Hands out where the data of the extension of bitmaps lies, and their directory. */
function withBitmaps(bytes: Buffer, act: (bytes: Buffer, extension: number, directory: number) => void): void {
  let at = bytes.readUInt32BE(100);
  while (bytes.readUInt32BE(at) !== 0x23852875) at += 8 + Math.ceil(bytes.readUInt32BE(at + 4) / 8) * 8;
  act(bytes, at + 8, Number(bytes.readBigUInt64BE(at + 24)));
}

/** Puts extensions in the place of those of a new image. */
const extensions = (...list: readonly (readonly [magic: number, data: string])[]): Preparation =>
  damage((bytes) => {
    bytes.fill(0, 112, 1024);
    let at = 112;
    for (const [magic, data] of list) {
      bytes.writeUInt32BE(magic, at);
      bytes.writeUInt32BE(data.length, at + 4);
      bytes.write(data, at + 8, "latin1");
      at += 8 + Math.ceil(data.length / 8) * 8;
    }
  });

/** A zstd frame of `length` times one byte, of which it says `told` times; in blocks of one repeated byte. */
function frame(byte: number, length: number, told = length): Buffer {
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0, 0, 0, 0]);
  head.writeUInt32LE(told, 5);
  const block = Buffer.from([0, 0, 0, byte]);
  block.writeUIntLE((length << 3) | (1 << 1) | 1, 0, 3);
  return Buffer.concat([head, block]);
}

/** Makes the guest's first cluster a stream at the file's end. */
const stream = (...parts: readonly Buffer[]): Preparation => ({
  file: A,
  damage: (bytes) => {
    const packed = Buffer.concat(parts);
    const place = Math.ceil(bytes.length / K64) * K64;
    bytes.writeBigUInt64BE((1n << 62n) | BigInt(place), l2Table(bytes));
    return Buffer.concat([bytes, Buffer.alloc(place - bytes.length), packed, Buffer.alloc(512 - packed.length)]);
  },
});

const written = io(["-f", "qcow2"], A, ["write -P 7 0 512k"]);
const rawData = "data_file=d.raw,data_file_raw=on";
const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

const SCRIPTS: Readonly<Record<string, Script>> = {
  "an entry that leads elsewhere in the data file": {
    prepare: [create(rawData), written, damage((bytes) => bytes.writeBigUInt64BE(BigInt(3 * K64) | (1n << 63n), l2Table(bytes) + 8))],
    trial: [img("map", A), img("convert", "-O", "raw", A, "copy"), io(["-f", "qcow2"], A, [`read 0 ${K64}`, `read ${K64} 512`, "write -P 8 0 512"]), img("info", A)],
    images: [A],
    raws: ["d.raw"],
  },
  "a compressed entry beside a data file": {
    prepare: [create(rawData), written, damage((bytes) => bytes.writeBigUInt64BE(1n << 62n, l2Table(bytes)))],
    trial: [img("map", A), io(["-f", "qcow2"], A, ["write -P 8 512 512", "write -P 9 64k 512"])],
    images: [A],
    raws: ["d.raw"],
  },
  "a disk that grows over what its raw data file has there": {
    prepare: [create(rawData), img("resize", "-q", "-f", "raw", "d.raw", "2M"), io(["-f", "raw"], "d.raw", ["write -P 9 512k 1M"])],
    trial: [img("resize", "-q", "-f", "qcow2", A, "1M"), io(["-f", "qcow2"], A, ["read -P 9 512k 512k", "write -P 3 900k 4k"])],
    images: [A],
    raws: ["d.raw"],
  },
  "a backing file for an image with a raw data file": {
    prepare: [create(rawData), img("create", "-q", "-f", "raw", "base", "512k")],
    trial: [img("rebase", "-u", "-b", "base", "-F", "raw", "-f", "qcow2", A), img("rebase", "-b", "base", "-F", "raw", "-f", "qcow2", A), img("rebase", "-u", "-b", "", "-f", "qcow2", A)],
    images: [A],
    header: [A],
  },
  "a new image over one whose data file is not there": {
    prepare: [create(rawData), extensions([0x44415441, "nowhere"])],
    trial: [img("create", "-q", "-f", "qcow2", "-b", A, "-F", "qcow2", "over.qcow2"), img("info", "over.qcow2"), img("check", "over.qcow2")],
    images: [],
  },
  "a header length that is no multiple of 8": {
    prepare: [create(""), written, extensions(), damage((bytes) => bytes.writeUInt32BE(109, 100))],
    trial: [img("check", A), io(["-f", "qcow2"], A, ["write -P 3 0 4k"])],
    images: [A],
  },
  "a name for the backing file's format that is too long": {
    prepare: [create(""), extensions([0xe2792aca, "sixteen letters."])],
    trial: [img("info", A), img("check", A)],
    images: [],
  },
  "of two names for the data file the last, up to its zero": {
    prepare: [create(rawData), written, extensions([0x44415441, "nowhere"], [0x44415441, "d.raw\0else"])],
    trial: [io(["-f", "qcow2"], A, ["read -P 7 0 512k"]), img("rebase", "-u", "-b", "", "-f", "qcow2", A)],
    images: [A],
  },
  "a name for a data file that there is not": {
    prepare: [create(""), written, extensions([0x44415441, "d.raw"], [0x1234, "kept"])],
    trial: [img("rebase", "-u", "-b", "", "-f", "qcow2", A)],
    images: [A],
  },
  "a format without a backing file, of no driver": { prepare: [create(""), written, extensions([0xe2792aca, "nothing"])], trial: [io(["-f", "qcow2"], A, ["write -P 3 0 4k"]), img("snapshot", "-c", "s", A)], images: [A] },
  "an encryption header of what is not encrypted": { prepare: [create(""), extensions([0x0537be77, "0123456789abcdef"])], trial: [img("info", A), img("check", A)], images: [] },
  "subclusters of less than a sector": { prepare: [create("cluster_size=8k"), written, damage((bytes) => void (bytes[79] = 16))], trial: [img("info", A), img("convert", "-O", "raw", A, "copy")], images: [] },
  "an extension whose end mark runs into the backing file's name": {
    prepare: [create(""), damage((bytes) => bytes.fill(0, 112, 1024)), damage((bytes) => void bytes.writeBigUInt64BE(116n, 8)), damage((bytes) => void bytes.writeUInt32BE(4, 16))],
    trial: [img("check", A)],
    images: [],
  },
  "autoclear bits of no meaning": {
    prepare: [create(""), damage((bytes) => bytes.writeBigUInt64BE(0x14n, 88))],
    trial: [io(["-f", "qcow2", "-r"], A, ["read 0 512"]), io(["-f", "qcow2"], A, ["write 0 512"])],
    images: [A],
    header: [A],
  },
  "an image that is only read keeps them": { prepare: [create(""), damage((bytes) => bytes.writeBigUInt64BE(0x14n, 88))], trial: [io(["-f", "qcow2", "-r"], A, ["read 0 512"]), img("check", A), img("map", A)], images: [A], header: [A] },
  "two zstd frames in one cluster, and one of metadata before": {
    prepare: [create("compression_type=zstd"), written, stream(skippable, frame(5, 1000), frame(6, K64 - 1000))],
    trial: [io(["-f", "qcow2"], A, ["read -P 5 0 1000", "read -P 6 1000 64536"])],
    images: [A],
  },
  "zstd frames that are less than a cluster": { prepare: [create("compression_type=zstd"), written, stream(frame(5, 1000), frame(6, 1000))], trial: [io(["-f", "qcow2"], A, ["read 0 512"])], images: [] },
  "a zstd frame of more than it says": { prepare: [create("compression_type=zstd"), written, stream(frame(5, 1000, 900), frame(6, K64 - 900))], trial: [io(["-f", "qcow2"], A, ["read 0 512"])], images: [] },
  "a deflate stream with other bytes behind it": { prepare: [create(""), written, stream(deflateRawSync(Buffer.alloc(K64, 4)), Buffer.from("behind"))], trial: [io(["-f", "qcow2"], A, ["read -P 4 0 64k"])], images: [A] },
  "reserved bits beside an L2 table's place and a cluster's": {
    prepare: [create(""), written, damage((bytes) => (bytes[l2Table(bytes)]! |= 0x3f, void (bytes[l2Table(bytes) + 15]! |= 0x06))), damage((bytes) => void (bytes[l1Table(bytes)]! |= 0x40))],
    trial: [img("map", A), io(["-f", "qcow2"], A, ["read -P 7 0 512k", "write -P 8 512 512"])],
    images: [A],
  },
  "reserved bits of extended entries": {
    prepare: [create("extended_l2=on"), written, damage((bytes) => void (bytes[l2Table(bytes) + 7]! |= 1))],
    trial: [img("map", A), io(["-f", "qcow2"], A, ["read -P 7 0 512k", "write -P 8 512 512"])],
    images: [A],
  },
  ...Object.fromEntries(
    Object.entries<(bytes: Buffer, extension: number, directory: number) => void>({
      "more than there are": (bytes, extension) => bytes.writeUInt32BE(3, extension),
      "less than there are": (bytes, extension) => bytes.writeUInt32BE(1, extension),
      "a reserved field that is not zero": (bytes, extension) => bytes.writeUInt32BE(3, extension + 4),
      "a directory of no length": (bytes, extension) => bytes.writeBigUInt64BE(0n, extension + 8),
      "a directory that is cut off": (bytes, extension) => bytes.writeBigUInt64BE(40n, extension + 8),
      "a directory within a cluster": (bytes, extension) => bytes.writeBigUInt64BE(512n, extension + 16),
      "a granularity of less than a sector": (bytes, _extension, directory) => void (bytes[directory + 17] = 8),
      "a flag of no meaning": (bytes, _extension, directory) => bytes.writeUInt32BE(4, directory + 12),
      "a table within a cluster": (bytes, _extension, directory) => bytes.writeBigUInt64BE(512n, directory),
      "a longer table than the disk needs": (bytes, _extension, directory) => bytes.writeUInt32BE(2, directory + 8),
      "a table whose entry is no cluster": (bytes, _extension, directory) => bytes.writeBigUInt64BE(512n, Number(bytes.readBigUInt64BE(directory))),
    }).map(([name, act]): [string, Script] => [
      `bitmaps: ${name}`,
      {
        prepare: [create(""), img("bitmap", "--add", A, "one"), img("bitmap", "--add", A, "two"), written, damage((bytes) => withBitmaps(bytes, act))],
        trial: [img("info", A), img("check", A), img("check", "-r", "all", A), img("map", A), io(["-r", "-f", "qcow2"], A, ["read 0 512"]), io(["-f", "qcow2"], A, ["write 0 512"])],
        images: [],
        raws: [A],
      },
    ]),
  ),
  "a truncation to nothing, which no bitmap outlives": { prepare: [create(""), img("bitmap", "--add", A, "one"), written], trial: [io(["-f", "qcow2"], A, ["truncate 0"]), img("check", A), img("map", A), io(["-r", "-f", "qcow2"], A, ["length"])], images: [] },
  "an image that an option says is for reading": {
    prepare: [create(""), written],
    trial: [
      io(["--image-opts"], `driver=qcow2,file.filename=${A},read-only=on`, ["write 0 512"]),
      io(["-r", "--image-opts"], `driver=qcow2,file.filename=${A},read-only=on`, ["read -P 7 0 512"]),
      io([], `json:{"driver":"qcow2","file":{"driver":"file","filename":"${A}"},"read-only":true}`, ["write 0 512"]),
      img("resize", "--image-opts", `driver=qcow2,file.filename=${A},read-only=on`, "1M"),
      img("snapshot", "-c", "s", "--image-opts", `driver=qcow2,file.filename=${A},read-only=on`),
      img("bitmap", "--add", "--image-opts", `driver=qcow2,file.filename=${A},read-only=on`, "b"),
      img("info", "--image-opts", `driver=qcow2,file.filename=${A},read-only=on`),
    ],
    images: [A],
  },
  "a backing file's name of no letters": {
    prepare: [create(""), written, damage((bytes) => bytes.writeBigUInt64BE(112n, 8))],
    trial: [img("info", A), img("info", "--output=json", A), io(["-f", "qcow2"], A, ["read -P 7 0 512k", "write -P 3 0 4k"])],
    images: [A],
  },
  "a raw data file of a disk that ends within a cluster, as it is made and as it grows": {
    prepare: [],
    trial: [create(rawData, "70000") as Command, img("resize", "-q", "-f", "qcow2", A, "140288"), img("create", "-q", "-f", "qcow2", "-o", "data_file=e.raw,preallocation=metadata", "b.qcow2", "70000")],
    images: [A],
    raws: ["d.raw", "e.raw"],
  },
  "what is shared by force is not written": {
    prepare: [create(""), written, damage((bytes) => bytes.writeUInt16BE(1, refcountBlock(bytes) + 60))],
    trial: [
      img("check", "-r", "all", "-U", A),
      img("check", "-U", A),
      img("snapshot", "-c", "s", "-U", A),
      img("bench", "-w", "-c", "1", "-U", A),
      ...["force-share=on", "file.force-share=on", "file.read-only=on", "read-only=off,file.read-only=on"].flatMap((option) => [
        io(["--image-opts"], `driver=qcow2,file.filename=${A},${option}`, ["write -P 3 0 512"]),
        img("resize", "--image-opts", `driver=qcow2,file.filename=${A},${option}`, "1M"),
        img("amend", "-o", "lazy_refcounts=on", "--image-opts", `driver=qcow2,file.filename=${A},${option}`),
      ]),
      io(["-r", "--image-opts"], `driver=qcow2,file.filename=${A},force-share=on`, ["read -P 7 0 512"]),
      io([], `json:{"driver":"qcow2","force-share":true,"file":{"driver":"file","filename":"${A}"}}`, ["write -P 3 0 512"]),
      img("info", "--image-opts", `driver=qcow2,file.filename=${A},force-share=on,file.read-only=on`),
    ],
    images: [A],
  },
  "a reopening for reading by an option": {
    prepare: [create(""), written],
    trial: [["reopen -o read-only=on"], ["reopen -r", "reopen -o read-only=on", "read -P 7 0 512"], ["reopen -o read-only=off", "write -P 9 0 512"]].map((lines) => io(["-f", "qcow2"], A, lines)),
    images: [A],
  },
  "a reopening as a part of a raw file": {
    prepare: [img("create", "-q", "-f", "raw", "base", "1M")],
    trial: ["size=512", "offset=512", "offset=512,size=1024", "size=2M", "size=700"].map((options) => io(["-f", "raw"], "base", [`reopen -o ${options}`, "length", "write -P 1 0 512", "write -P 2 512 1024"])),
    images: [],
    raws: ["base"],
  },
  "zeros in parts of clusters without a byte of data": {
    prepare: [create("extended_l2=on"), io(["-f", "qcow2"], A, ["write -P 7 0 128k", "write -c -P 8 128k 64k"]), img("snapshot", "-c", "s", A)],
    trial: ["2k 4k", "3k 4k", "60k 8k", "130k 4k", "256k 100", "300k 77", "511k 1k"].map((range) => io(["-f", "qcow2"], A, [`write -zn ${range}`])),
    images: [A],
  },
  "zeros of version 2 without a byte of data": {
    prepare: [create("compat=0.10"), written],
    trial: ["0 64k", "0 512", "256k 64k", "256k 100"].map((range) => io(["-f", "qcow2"], A, [`write -zn ${range}`])),
    images: [A],
  },
  "a snapshot of an image that was not closed": {
    prepare: [create("lazy_refcounts=on"), written, damage((bytes) => void (bytes[79] = 1))],
    trial: [img("snapshot", "-c", "s", A), io(["-f", "qcow2"], A, ["write -P 1 0 64k"]), img("snapshot", "-a", "s", A)],
    images: [A],
  },
};

test.each(Object.entries(SCRIPTS))("%s", async (_name, script) => {
  expect(await runTwins(script, { words: false })).toEqual([]);
});
