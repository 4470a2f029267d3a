/**
 * A virtual PC with zoned disks: the emulator without firmware, Linux in its memory, its disks over block devices, its serial line
 * for a terminal. Knows no engine and no page: a disk is a BlockDevice, a file is bytes that are handed in.
 */
import { V86 } from "v86";
import { assert } from "../base/assert.ts";
import type { BlockDevice } from "./block-device.ts";
import { bootImage } from "./boot.ts";
import { shapeProblem } from "./v86-shape.ts";
import type { Cpu, Emulator } from "./v86-shape.ts";
import { VirtioDisk } from "./virtio-disk.ts";

export interface MachineFiles {
  /** WebAssembly of the emulator. */
  readonly emulator: BufferSource;
  readonly kernel: Uint8Array;
  readonly initramfs: Uint8Array;
}

export interface MachineOptions {
  readonly files: MachineFiles;
  readonly memoryBytes: number;
  /** /dev/vda, /dev/vdb. */
  readonly disks: readonly BlockDevice[];
  /** Bytes from the guest's serial line, a few at a time. */
  readonly onSerial: (bytes: Uint8Array) => void;
  /** The guest has powered itself off, or reset itself. */
  readonly onPowerOff: () => void;
}

/** What is told to the kernel: its console, PCI without firmware, and that the emulator's clock can be relied on. */
const COMMAND_LINE = "console=ttyS0 pci=conf1 quiet tsc=reliable";

/**
 * The interrupts of PIRQ A to D, which firmware would have routed. Two disks that follow one another on the bus must not share one: the
 * emulator lowers a line when any device on it is read, and what the other one had raised meanwhile would never be heard.
 */
const IRQS = [10, 11, 10, 11];
/** PIRQ A of the ISA bridge; the others follow. */
const PIRQ_REGISTERS = 0x60;
/** The interrupt line in a device's configuration, and its pin: 1 for A, 0 for none. */
const INTERRUPT_LINE = 0x3c;
const INTERRUPT_PIN = 0x3d;
/** Edge or level of interrupts 8 to 15: PCI's are level. */
const ELCR_HIGH = 0x4d1;

const MOST_DISKS = 2;

/** Serial output is handed on in pieces: a terminal that is called for each byte is slow. */
const SERIAL_PIECE_BYTES = 4096;

export class Machine {
  private readonly emulator: Emulator;
  private readonly options: MachineOptions;
  private disks: readonly VirtioDisk[] = [];
  private readonly pending: number[] = [];
  private telling = false;
  private off = false;

  private constructor(emulator: Emulator, options: MachineOptions) {
    this.emulator = emulator;
    this.options = options;
  }

  /** Builds the machine and switches it on. @throws where the emulator is another than the pinned one, or memory too small */
  static async start(options: MachineOptions): Promise<Machine> {
    assert(options.disks.length <= MOST_DISKS, "too many disks");
    const { files, memoryBytes } = options;
    const boot = bootImage(files.kernel, files.initramfs, COMMAND_LINE, memoryBytes);
    const emulator = await ready({
      wasm_fn: async (imports: WebAssembly.Imports) => (await instantiate(files.emulator, imports)).exports,
      memory_size: memoryBytes,
      vga_memory_size: 2 ** 16,
      multiboot: { buffer: boot.multiboot.buffer },
      virtio_balloon: true,
      autostart: false,
      net_device: { type: "none" },
      disable_speaker: true,
      disable_keyboard: true,
      disable_mouse: true,
    });
    const problem = shapeProblem(emulator);
    assert(problem === null, `v86 is not the version that is pinned: ${problem}`);
    const machine = new Machine(emulator, options);
    const { cpu } = emulator.v86;
    machine.disks = options.disks.map((disk, index) => new VirtioDisk(cpu, index, disk));
    // There is no firmware to start it again, as the emulator would try to: a reset is a power off.
    cpu.reboot_internal = () => machine.halted();
    routeInterrupts(cpu);
    for (const { address, bytes } of boot.memory) cpu.write_blob(bytes, address);
    emulator.add_listener("serial0-output-byte", (byte: number) => machine.heard(byte));
    emulator.add_listener("cpu-event-halt", () => machine.halted());
    await emulator.run();
    return machine;
  }

  /** Types into the serial line. */
  send(bytes: Uint8Array): void {
    if (!this.off) this.emulator.serial_send_bytes(0, bytes);
  }

  /** Cuts the power: nothing of the guest goes on, and requests under way get no answer. */
  async cutPower(): Promise<void> {
    if (this.off) return;
    this.switchOff();
    await this.emulator.destroy();
  }

  /** Nothing is written to its memory any more: an answer that comes later is dropped. */
  private switchOff(): void {
    this.off = true;
    for (const disk of this.disks) disk.switchOff();
  }

  private halted(): void {
    if (this.off) return;
    this.switchOff();
    // Not from within the processor's own step.
    setTimeout(() => {
      void this.emulator.destroy().then(() => {
        this.tellSerial();
        this.options.onPowerOff();
      });
    }, 0);
  }

  private heard(byte: number): void {
    this.pending.push(byte);
    if (this.pending.length >= SERIAL_PIECE_BYTES) return this.tellSerial();
    if (this.telling) return;
    this.telling = true;
    setTimeout(() => this.tellSerial(), 4);
  }

  private tellSerial(): void {
    this.telling = false;
    if (this.pending.length === 0) return;
    this.options.onSerial(Uint8Array.from(this.pending));
    this.pending.length = 0;
  }
}

/** Resolves when the emulator has its devices and nothing runs yet. */
function ready(options: object): Promise<Emulator> {
  return new Promise((resolve) => {
    const emulator = new V86(options) as unknown as Emulator;
    emulator.add_listener("emulator-ready", () => resolve(emulator));
  });
}

const instantiate = async (source: BufferSource, imports: WebAssembly.Imports): Promise<WebAssembly.Instance> => (await WebAssembly.instantiate(source, imports)).instance;

/** Routes interrupts as firmware would have: a device's pin to a PIRQ by its place on the bus, each to its line, level-triggered. */
export function routeInterrupts(cpu: Cpu): void {
  const { pci } = cpu.devices;
  for (const [pirq, irq] of IRQS.entries()) pci.isa_bridge_space8[PIRQ_REGISTERS + pirq] = irq;
  for (const [id, space] of pci.device_spaces.entries()) {
    if (space === undefined) continue;
    const bytes = new Uint8Array(space.buffer, space.byteOffset, space.byteLength);
    const pin = bytes[INTERRUPT_PIN] ?? 0;
    if (pin !== 0) bytes[INTERRUPT_LINE] = IRQS[(pin - 1 + (id >> 3) - 1) & 3] ?? 0;
  }
  cpu.io.port_write8(ELCR_HIGH, IRQS.reduce((lines, irq) => lines | (1 << (irq - 8)), 0));
}
