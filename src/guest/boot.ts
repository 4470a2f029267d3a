/**
 * How a Linux kernel is started without firmware: by the 32-bit boot protocol, from a stub that the emulator loads as a multiboot
 * image. Pure: it says which bytes lie where in the guest's memory.
 *
 * ```
 * 0x08000  the stub: interrupts off, esi = boot parameters, ebp = edi = ebx = 0, jump to the kernel
 * 0x10000  boot parameters: the kernel's setup header, where command line and initial file system lie, what memory there is
 * 0x20000  command line
 * 0x100000 kernel, without its real-mode part
 * top      initial file system, on a page's border
 * ```
 *
 * Source: Linux, Documentation/arch/x86/boot.rst and zero-page.rst; Multiboot 0.6.96.
 */
import { assert } from "../base/assert.ts";

const STUB_AT = 0x8000;
const PARAMETERS_AT = 0x10000;
const COMMAND_LINE_AT = 0x20000;
const KERNEL_AT = 0x100000;
const PAGE = 4096;
/** Where the memory ends that a PC has below the adapters. */
const LOW_MEMORY_END = 0x9fc00;

/** Where the setup header lies, in the kernel's file and in the boot parameters alike. */
const SETUP_HEADER = 0x1f1;
const Field = {
  setup_sects: 0x1f1,
  boot_flag: 0x1fe,
  header: 0x202,
  version: 0x206,
  type_of_loader: 0x210,
  loadflags: 0x211,
  ramdisk_image: 0x218,
  ramdisk_size: 0x21c,
  cmd_line_ptr: 0x228,
  initrd_addr_max: 0x22c,
  cmdline_size: 0x238,
  e820_entries: 0x1e8,
  e820_table: 0x2d0,
} as const;

const MULTIBOOT_MAGIC = 0x1badb002;
/** The header says itself where it is loaded. */
const MULTIBOOT_ADDRESSES = 0x10000;
const E820_USABLE = 1;

export interface Placed {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface BootImage {
  /** What the emulator loads and starts. */
  readonly multiboot: Uint8Array;
  /** What has to be in memory before. */
  readonly memory: readonly Placed[];
}

/**
 * @param memoryBytes of the guest, a multiple of a page
 * @throws for a file that is no kernel of the 32-bit boot protocol 2.06 or later, and where memory does not hold it all
 */
export function bootImage(kernel: Uint8Array, initramfs: Uint8Array, commandLine: string, memoryBytes: number): BootImage {
  const setup = new DataView(kernel.buffer, kernel.byteOffset, kernel.byteLength);
  assert(kernel.length > 0x400 && setup.getUint16(Field.boot_flag, true) === 0xaa55 && setup.getUint32(Field.header, true) === 0x53726448, "not a Linux kernel");
  assert(setup.getUint16(Field.version, true) >= 0x206, "a kernel of an old boot protocol");
  const protectedMode = kernel.subarray((1 + (kernel[Field.setup_sects] || 4)) * 512);
  const text = new TextEncoder().encode(`${commandLine}\0`);
  assert(text.length <= setup.getUint32(Field.cmdline_size, true), "the command line is too long for the kernel");

  const top = Math.min(memoryBytes, setup.getUint32(Field.initrd_addr_max, true) + 1);
  const initramfsAt = Math.floor((top - initramfs.length) / PAGE) * PAGE;
  assert(initramfsAt > KERNEL_AT + protectedMode.length, "the guest's memory does not hold its kernel and its initial file system");

  const parameters = new Uint8Array(PAGE);
  const view = new DataView(parameters.buffer);
  // The header ends where the jump at 0x200 leads, whose length is the byte behind its opcode.
  const headerEnd = 0x202 + setup.getUint8(0x201);
  parameters.set(kernel.subarray(SETUP_HEADER, headerEnd), SETUP_HEADER);
  view.setUint8(Field.type_of_loader, 0xff);
  view.setUint8(Field.loadflags, setup.getUint8(Field.loadflags) | 1);
  view.setUint32(Field.cmd_line_ptr, COMMAND_LINE_AT, true);
  view.setUint32(Field.ramdisk_image, initramfsAt, true);
  view.setUint32(Field.ramdisk_size, initramfs.length, true);
  const ranges: readonly (readonly [start: number, end: number])[] = [
    [0, LOW_MEMORY_END],
    [KERNEL_AT, memoryBytes],
  ];
  for (const [index, [start, end]] of ranges.entries()) {
    const at = Field.e820_table + index * 20;
    view.setBigUint64(at, BigInt(start), true);
    view.setBigUint64(at + 8, BigInt(end - start), true);
    view.setUint32(at + 16, E820_USABLE, true);
  }
  view.setUint8(Field.e820_entries, ranges.length);

  return {
    multiboot: stub(),
    memory: [
      { address: PARAMETERS_AT, bytes: parameters },
      { address: COMMAND_LINE_AT, bytes: text },
      { address: KERNEL_AT, bytes: protectedMode },
      { address: initramfsAt, bytes: initramfs },
    ],
  };
}

function stub(): Uint8Array {
  const code = [
    0xfa, // cli
    ...[0xbe, ...le32(PARAMETERS_AT)], // mov esi, PARAMETERS_AT
    ...[0x31, 0xed], // xor ebp, ebp
    ...[0x31, 0xff], // xor edi, edi
    ...[0x31, 0xdb], // xor ebx, ebx
    ...[0xb8, ...le32(KERNEL_AT)], // mov eax, KERNEL_AT
    ...[0xff, 0xe0], // jmp eax
  ];
  const HEADER_BYTES = 32;
  const end = STUB_AT + HEADER_BYTES + code.length;
  const header = [MULTIBOOT_MAGIC, MULTIBOOT_ADDRESSES, -(MULTIBOOT_MAGIC + MULTIBOOT_ADDRESSES) >>> 0, STUB_AT, STUB_AT, end, end, STUB_AT + HEADER_BYTES];
  return Uint8Array.from([...header.flatMap(le32), ...code]);
}

const le32 = (value: number): number[] => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
