/**
 * A disk of the emulated machine: a virtio block device on its PCI bus, whose requests a BlockDevice answers, now or later and in any
 * order. It stops where the guest breaks the protocol, says so as the protocol has it, and goes on when the guest resets it.
 *
 * Source: virtio 1.3, 2.1 "Device Status Field", 2.7 "Split Virtqueues", 5.2.
 */
import { CONFIG_BYTES, encodeConfig, featuresOf } from "./block-config.ts";
import type { BlockDevice } from "./block-device.ts";
import { measureChain } from "./descriptors.ts";
import { virtioClass } from "./v86-shape.ts";
import type { BufferChain, Cpu, VirtQueue, VirtioDevice } from "./v86-shape.ts";
import { DEVICE_ID, MAX_REQUEST_BYTES, QUEUE_SIZE } from "./virtio-block.ts";

const FIRST_PCI_DEVICE = 16;
const FIRST_PORT = 0xe000;
const PORTS_PER_DISK = 0x400;

export class VirtioDisk {
  private readonly device: VirtioDevice;
  private readonly disk: BlockDevice;
  /** Counts resets: a request that was under way before one has no place to be answered any more. */
  private generation = 0;
  /** It has said that it needs a reset, and takes nothing until it gets one. */
  private broken = false;

  /** Puts it on the bus of an emulator that does not run yet; the first is /dev/vda. */
  constructor(cpu: Cpu, index: number, disk: BlockDevice) {
    const port = FIRST_PORT + index * PORTS_PER_DISK;
    this.disk = disk;
    this.device = new (virtioClass(cpu))(cpu, {
      name: `virtio-blk-${index}`,
      pci_id: (FIRST_PCI_DEVICE + index) * 8,
      device_id: DEVICE_ID,
      subsystem_device_id: 2,
      common: { initial_port: port, queues: [{ size_supported: QUEUE_SIZE, notify_offset: 0 }], features: featuresOf(disk.facts), on_driver_ok: () => undefined },
      notification: { initial_port: port + 0x100, single_handler: false, handlers: [() => this.serve()] },
      isr_status: { initial_port: port + 0x200 },
      device_specific: { initial_port: port + 0x300, struct: configFields(encodeConfig(disk.facts)) },
    });
    setClass(cpu, FIRST_PCI_DEVICE + index);
    const reset = this.device.reset.bind(this.device);
    this.device.reset = () => {
      this.generation++;
      this.broken = false;
      reset();
    };
  }

  /** Answers nothing any more: the machine is off, and its memory is not written. */
  switchOff(): void {
    this.generation++;
    this.broken = true;
  }

  /** Takes all requests off the queue, in order; the driver has said that there are some. */
  private serve(): void {
    const queue = this.device.queues[0];
    if (queue === undefined) return;
    while (!this.broken && queue.has_request()) {
      const size = measureChain(queue);
      if (size === null || size.readableBytes > MAX_REQUEST_BYTES || size.writableBytes > MAX_REQUEST_BYTES) return this.fail();
      void this.answer(queue, queue.pop_request(), size.writableBytes);
    }
  }

  private async answer(queue: VirtQueue, chain: BufferChain, writableBytes: number): Promise<void> {
    const since = this.generation;
    try {
      const readable = new Uint8Array(chain.length_readable);
      chain.get_next_blob(readable);
      const answer = await this.disk.answer(readable, writableBytes);
      if (this.generation !== since || this.broken) return;
      // No byte for a status: there is no way to answer.
      if (answer === null) return this.fail();
      chain.set_next_blob(answer);
    } catch {
      // An address behind the guest's memory, or an engine that is gone.
      if (this.generation === since) this.fail();
      return;
    }
    queue.push_reply(chain);
    queue.flush_replies();
  }

  private fail(): void {
    this.broken = true;
    this.device.needs_reset();
  }
}

/** 4-byte fields: the emulator takes reads of one byte and of four of them, which are all that a driver makes of what is offered. */
const configFields = (config: Uint8Array) =>
  Array.from({ length: CONFIG_BYTES / 4 }, (_, index) => ({
    bytes: 4 as const,
    name: `config+${index * 4}`,
    read: () => new DataView(config.buffer).getInt32(index * 4, true),
    write: () => undefined,
  }));

/** Mass storage, other: the emulator's class takes all devices for network adapters. */
function setClass(cpu: Cpu, pciDevice: number): void {
  const space = cpu.devices.pci.device_spaces[pciDevice * 8];
  if (space !== undefined) new Uint8Array(space.buffer, space.byteOffset).set([0x00, 0x80, 0x01], 0x09);
}
