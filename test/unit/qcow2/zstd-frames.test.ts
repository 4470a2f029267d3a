import { describe, expect, it } from "vitest";
import { unpackZstd } from "../../../src/qcow2/zstd-decoder.ts";

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
const CLUSTER = 2 ** 21;
const LARGEST_BLOCK = 2 ** 17;

/** The header of a block: an RLE block of one byte value, or a compressed one. */
const blockHeader = (type: 1 | 2, size: number, last: boolean): number[] => {
  const word = (size << 3) | (type << 1) | (last ? 1 : 0);
  return [word & 0xff, (word >> 8) & 0xff, word >> 16];
};

/** A frame of one byte, which says so. */
const byteFrame = (value: number): number[] => [...MAGIC, 0x20, 1, ...blockHeader(1, 1, true), value];

/** A frame of `count` times 0x55, which says so, in RLE blocks. */
function longFrame(count: number): number[] {
  const bytes = [...MAGIC, 0xa0, count & 0xff, (count >> 8) & 0xff, (count >> 16) & 0xff, 0];
  for (let left = count; left > 0; left -= LARGEST_BLOCK) bytes.push(...blockHeader(1, Math.min(left, LARGEST_BLOCK), left <= LARGEST_BLOCK), 0x55);
  return bytes;
}

/** A frame that does not say its size, with a window of 128 KiB: a compressed block of one literal, repeated once, and no sequences. */
const wideFrame = (): number[] => [...MAGIC, 0x00, 7 << 3, ...blockHeader(2, 3, true), (1 << 3) | 1, 0x33, 0];

describe("a zstd cluster of many frames", () => {
  it("is put together from tens of thousands of a byte each without its whole room being filled for each", () => {
    const small = 50_000;
    const packed: number[] = [];
    for (let index = 0; index < small; index++) packed.push(...byteFrame(index & 0xff));
    packed.push(...longFrame(CLUSTER - small));
    const data = unpackZstd(Uint8Array.from(packed), CLUSTER);
    expect(data.subarray(0, small).every((byte, index) => byte === (index & 0xff))).toBe(true);
    expect(data.subarray(small).every((byte) => byte === 0x55)).toBe(true);
  });

  it("is refused where small contents ask for large windows over and over, and read where they do so now and then", () => {
    const few = 100;
    const read = unpackZstd(Uint8Array.from([...Array.from({ length: few }, wideFrame).flat(), ...longFrame(CLUSTER - few)]), CLUSTER);
    expect([...read.subarray(few - 1, few + 1)]).toEqual([0x33, 0x55]);
    const many = 20_000;
    expect(() => unpackZstd(Uint8Array.from(Array.from({ length: many }, wideFrame).flat()), CLUSTER)).toThrow("large windows");
  });

  it("is refused, and not read with bytes that nobody wrote, where a frame that does not say its size ends before the cluster", () => {
    // The last literal of a compressed block, where a decoder of whole frames keeps it aside, is the cluster's last byte.
    expect(() => unpackZstd(Uint8Array.from(wideFrame()), 2 ** 16)).toThrow();
  });

  it("makes no memory of the window that a frame claims beside its size", () => {
    const huge = [...longFrame(CLUSTER)];
    huge[4] = 0x80;
    huge.splice(5, 0, 20 << 3);
    expect(unpackZstd(Uint8Array.from(huge), CLUSTER).every((byte) => byte === 0x55)).toBe(true);
  });

  it("is read where frames of nothing stand between, whether they say that they are empty or not", () => {
    const empties = [[...MAGIC, 0x20, 0, ...blockHeader(1, 0, true), 0], [...MAGIC, 0x00, 7 << 3, 1, 0, 0], [...MAGIC, 0x04, 7 << 3, 1, 0, 0, 0x99, 0xe9, 0xd8, 0x51]];
    const packed = [...empties.flat(), ...byteFrame(0x11), ...empties.flat(), ...longFrame(CLUSTER - 1)];
    const data = unpackZstd(Uint8Array.from(packed), CLUSTER);
    expect([...data.subarray(0, 2), data.at(-1)]).toEqual([0x11, 0x55, 0x55]);
    expect(() => unpackZstd(Uint8Array.from(empties.flat()), CLUSTER)).toThrow("cut short");
    expect(() => unpackZstd(Uint8Array.from([...MAGIC, 0x20, 1, ...blockHeader(1, 0, true), 0, ...longFrame(CLUSTER)]), CLUSTER)).toThrow("a zstd frame of 0 bytes");
  });

  it("is refused where a block unpacks to more than its frame says", () => {
    const lie = [...MAGIC, 0x20, 1, ...blockHeader(2, 3, true), (2 << 3) | 1, 0x33, 0];
    expect(() => unpackZstd(Uint8Array.from([...lie, ...longFrame(CLUSTER - 1)]), CLUSTER)).toThrow();
  });

  it("is refused, as QEMU refuses it, where its checksum is not its content's", () => {
    // Of `zstd --check`, of a sentence over and over, cut at 512 bytes.
    const packed = Uint8Array.from(Buffer.from("KLUv/QRo1QEAkoMLEMDrQDPhWqSzmZz/L71d8wQN5MYsd8eNJ4rcNFQdt4JzeRfTSx9V6yXDontZAQIAv0FQB0CYUKCMYnA=", "base64"));
    const sentence = "zones have a write pointer, and what is behind it is nothing. ";
    expect(new TextDecoder().decode(unpackZstd(packed, 512))).toBe(sentence.repeat(20).slice(0, 512));
    for (const at of [packed.length - 1, packed.length - 4]) {
      const other = packed.slice();
      other[at]! ^= 1;
      expect(() => unpackZstd(other, 512)).toThrow("checksum");
    }
    expect(() => unpackZstd(packed.subarray(0, packed.length - 1), 512)).toThrow("cut short");
  });
});
