/** Compression of clusters by the portable codecs and by Node's: each reads the other's streams, and neither believes a hostile one. */
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { nodeCodecs } from "../../../src/cli/node-codecs.ts";
import { loadZstdDecoder, portableCodecs } from "../../../src/qcow2/codecs.ts";
import type { Codecs } from "../../../src/qcow2/codecs.ts";

const CLUSTER = 65536;
const CODECS: readonly (readonly [string, Codecs])[] = [["portable", portableCodecs], ["node", nodeCodecs(portableCodecs)]];

beforeAll(() => portableCodecs.loadDeflate());

/** Words repeated near and far, so that a window larger than QEMU's would be used if it could. */
function text(seed: number, length = CLUSTER): Uint8Array {
  const random = new Random(seed);
  const data = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const back = at > 8192 && random.chance(0.5) ? 1 + random.below(at - 64) : 0;
    for (let end = Math.min(length, at + 60); at < end; at++) data[at] = back === 0 ? 97 + random.below(26) : data[at - back]!;
  }
  return data;
}

describe.each(CODECS)("%s deflate", (_, codecs) => {
  it.each([512, CLUSTER, 2 * 2 ** 20])("a cluster of %i bytes is read by every codec, and within a window of 4 KiB", (length) => {
    const plain = text(length, length);
    const packed = codecs.deflate(plain);
    expect(packed.length).toBeLessThan(length);
    for (const [name, reader] of CODECS) expect(Buffer.compare(reader.inflate(packed, length), plain), name).toBe(0);
    // zlib refuses a distance beyond the window that it is given.
    expect(Buffer.compare(inflateRawSync(packed, { windowBits: 12 }), plain)).toBe(0);
  });

  it("makes the stream that the other makes", () => {
    expect(Buffer.compare(codecs.deflate(text(1)), portableCodecs.deflate(text(1)))).toBe(0);
  });

  it("reads a stream that ends before its last sector does", () => {
    const packed = Buffer.concat([portableCodecs.deflate(text(2)), text(3, 300)]);
    expect(Buffer.compare(codecs.inflate(packed, CLUSTER), text(2))).toBe(0);
  });

  it("takes a cluster of a stream that goes on, and soon, however long that is", () => {
    expect(Buffer.compare(codecs.inflate(portableCodecs.deflate(text(4, 3 * CLUSTER)), CLUSTER), text(4, 3 * CLUSTER).subarray(0, CLUSTER))).toBe(0);
    // 8 GiB of zeros: unpacked as a whole it would outlast this test.
    const piece = deflateRawSync(Buffer.alloc(16 * 2 ** 20), { finishFlush: constants.Z_FULL_FLUSH });
    const packed = Buffer.concat(Array.from({ length: 512 }, () => piece));
    expect(Buffer.compare(codecs.inflate(packed, CLUSTER), Buffer.alloc(CLUSTER))).toBe(0);
  });

  it("refuses a stream of too few bytes, one that is cut short and one that is none", () => {
    const packed = portableCodecs.deflate(text(4));
    expect(() => codecs.inflate(portableCodecs.deflate(text(4, CLUSTER - 1)), CLUSTER)).toThrow();
    expect(() => codecs.inflate(packed.subarray(0, packed.length / 2), CLUSTER)).toThrow();
    expect(() => codecs.inflate(new Uint8Array(100).fill(255), CLUSTER)).toThrow();
  });
});

describe("zstd", () => {
  it("reads what it writes, whatever follows the frame", async () => {
    await portableCodecs.loadZstd();
    for (const length of [512, CLUSTER]) {
      // A last byte of any value, that of the reader's own filling too.
      for (const last of [0, 0xa5, 0x5a, 0xff]) {
        const plain = text(length + last, length);
        plain[length - 1] = last;
        const packed = Buffer.concat([portableCodecs.zstd(plain), text(5, 200)]);
        expect(Buffer.compare(portableCodecs.unzstd(packed, length), plain)).toBe(0);
      }
    }
  });

  it("reads frame after frame up to a cluster", async () => {
    await portableCodecs.loadZstd();
    const plain = text(7);
    // Ends of any value, those of the reader's own fillings too.
    for (const cut of [1, 300, 40000, CLUSTER - 1]) {
      for (const last of [0, 0xa5, 0x5a]) {
        plain[cut - 1] = last;
        const frames = [portableCodecs.zstd(plain.subarray(0, cut)), portableCodecs.zstd(plain.subarray(cut))];
        expect(Buffer.compare(portableCodecs.unzstd(Buffer.concat(frames), CLUSTER), plain), `${cut} ${last}`).toBe(0);
        expect(() => portableCodecs.unzstd(frames[0]!, CLUSTER)).toThrow();
      }
    }
  });

  it("refuses a frame with a reserved bit, of a dictionary, and of too large a window", async () => {
    await loadZstdDecoder();
    const block = [(4 << 3) | 3, 0, 0, 9];
    const framed = (descriptor: number, ...rest: readonly number[]): Uint8Array => Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, descriptor, ...rest, ...block);
    expect(portableCodecs.unzstd(framed(0, 0x88), 4)).toEqual(Uint8Array.of(9, 9, 9, 9));
    expect(() => portableCodecs.unzstd(framed(0, 0x90), 4)).toThrow("window");
    expect(() => portableCodecs.unzstd(framed(8, 0x00), 4)).toThrow("reserved");
    expect(() => portableCodecs.unzstd(framed(1, 0x00, 7), 4)).toThrow("dictionary");
  });

  it("refuses a frame of too few bytes, of too many, and one that is cut short", async () => {
    await portableCodecs.loadZstd();
    const packed = portableCodecs.zstd(text(6));
    expect(() => portableCodecs.unzstd(portableCodecs.zstd(text(6, CLUSTER - 1)), CLUSTER)).toThrow();
    expect(() => portableCodecs.unzstd(portableCodecs.zstd(new Uint8Array(64 * 2 ** 20)), CLUSTER)).toThrow();
    expect(() => portableCodecs.unzstd(packed.subarray(0, packed.length / 2), CLUSTER)).toThrow();
  });

  it("refuses a frame that says it is a cluster and is 16 MiB", async () => {
    await portableCodecs.loadZstd();
    const packed = portableCodecs.zstd(Uint8Array.from({ length: 16 * 2 ** 20 }, (_, at) => (at * 7) & 15)).slice();
    const view = new DataView(packed.buffer);
    // Behind magic, descriptor and window: the content's size in 4 bytes. Its blocks are compressed ones, whose sizes nobody tells.
    expect([view.getUint8(4) >> 5, view.getUint32(6, true)]).toEqual([4, 16 * 2 ** 20]);
    view.setUint32(6, CLUSTER, true);
    expect(() => portableCodecs.unzstd(packed, CLUSTER)).toThrow();
  });
});
