/** Where a kernel's pieces lie in memory, and what is no kernel. The kernel here is a header with marks in its place. */
import { describe, expect, test } from "vitest";
import { bootImage } from "../../../src/guest/boot.ts";

const MIB = 2 ** 20;

/** Three sectors of real-mode part, then a mark; the setup header of protocol 2.15. */
function kernel(change?: (view: DataView, bytes: Uint8Array) => void): Uint8Array {
  const bytes = new Uint8Array(8192);
  const view = new DataView(bytes.buffer);
  view.setUint8(0x1f1, 2);
  view.setUint16(0x1fe, 0xaa55, true);
  view.setUint16(0x200, 0x6aeb, true);
  bytes.set(new TextEncoder().encode("HdrS"), 0x202);
  view.setUint16(0x206, 0x20f, true);
  view.setUint32(0x22c, 0x7fffffff, true);
  view.setUint32(0x238, 2047, true);
  view.setUint32(0x250, 0xfeedf00d, true);
  bytes.fill(0xaa, 3 * 512);
  change?.(view, bytes);
  return bytes;
}

const at = (image: ReturnType<typeof bootImage>, address: number) => image.memory.find((placed) => placed.address === address)?.bytes ?? expect.fail(`nothing at ${address}`);

describe("the boot image", () => {
  const initramfs = new Uint8Array(5000).fill(7);
  const image = bootImage(kernel(), initramfs, "quiet", 32 * MIB);

  test("has the kernel at 1 MiB without its real-mode part", () => {
    expect(at(image, MIB).length).toBe(8192 - 3 * 512);
    expect(at(image, MIB).every((byte) => byte === 0xaa)).toBe(true);
  });

  test("has the initial file system at the top, on a page's border, and tells where", () => {
    const address = 32 * MIB - 8192;
    expect(at(image, address)).toBe(initramfs);
    const parameters = new DataView(at(image, 0x10000).buffer);
    expect([parameters.getUint32(0x218, true), parameters.getUint32(0x21c, true)]).toEqual([address, 5000]);
  });

  test("tells the loader, the command line, and both ranges of memory", () => {
    const parameters = new DataView(at(image, 0x10000).buffer);
    expect([parameters.getUint8(0x210), parameters.getUint8(0x211) & 1, parameters.getUint32(0x228, true)]).toEqual([0xff, 1, 0x20000]);
    expect(new TextDecoder().decode(at(image, 0x20000))).toBe("quiet\0");
    const range = (index: number) => [parameters.getBigUint64(0x2d0 + index * 20, true), parameters.getBigUint64(0x2d8 + index * 20, true), parameters.getUint32(0x2e0 + index * 20, true)];
    expect(parameters.getUint8(0x1e8)).toBe(2);
    expect([range(0), range(1)]).toEqual([
      [0n, 0x9fc00n, 1],
      [BigInt(MIB), BigInt(31 * MIB), 1],
    ]);
  });

  test("carries the setup header to its end and nothing behind it", () => {
    const parameters = new DataView(at(image, 0x10000).buffer);
    expect(parameters.getUint32(0x250, true)).toBe(0xfeedf00d);
    expect(parameters.getUint32(0x26c, true)).toBe(0);
  });

  test("is started by a stub with a valid multiboot header", () => {
    const stub = new DataView(image.multiboot.buffer);
    const [magic = 0, flags = 0, checksum = 0, header, load, loadEnd, , entry = 0] = Array.from({ length: 8 }, (_, index) => stub.getUint32(index * 4, true));
    expect([magic, (magic + flags + checksum) % 2 ** 32, header, load]).toEqual([0x1badb002, 0, 0x8000, 0x8000]);
    expect(loadEnd).toBe(0x8000 + image.multiboot.length);
    expect([...image.multiboot.subarray(entry - 0x8000)]).toEqual([0xfa, 0xbe, 0, 0, 1, 0, 0x31, 0xed, 0x31, 0xff, 0x31, 0xdb, 0xb8, 0, 0, 0x10, 0, 0xff, 0xe0]);
  });
});

describe("what cannot be started", () => {
  test.each([
    ["a file without the header's mark", kernel((view) => view.setUint32(0x202, 0, true))],
    ["a file without a boot sector's mark", kernel((view) => view.setUint16(0x1fe, 0, true))],
    ["a kernel of an old protocol", kernel((view) => view.setUint16(0x206, 0x205, true))],
    ["a short file", new Uint8Array(100)],
  ])("%s", (_, bytes) => {
    expect(() => bootImage(bytes, new Uint8Array(1), "", 32 * MIB)).toThrow(/kernel/);
  });

  test("a command line or an initial file system for which there is no room", () => {
    expect(() => bootImage(kernel(), new Uint8Array(1), "x".repeat(3000), 32 * MIB)).toThrow(/command line/);
    expect(() => bootImage(kernel(), new Uint8Array(32 * MIB), "", 32 * MIB)).toThrow(/memory/);
  });
});
