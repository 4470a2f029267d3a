/**
 * What is used of the emulator v86 that its types do not say: its devices, and the class of its virtio devices, which it does not
 * export but of which one of its own devices is made. The version is pinned; `checkShape` looks before anything is started, so that
 * another version is refused by name and does not fail in the midst of a request.
 *
 * Source: npm v86 0.5.462.
 */

/** A chain of descriptors: what a request consists of. */
export interface BufferChain {
  readonly length_readable: number;
  readonly length_writable: number;
  get_next_blob(into: Uint8Array): number;
  set_next_blob(from: Uint8Array): number;
}

interface Descriptor {
  readonly addr_low: number;
  readonly addr_high: number;
  /** With a sign, though the guest writes it without. */
  readonly len: number;
  readonly flags: number;
  readonly next: number;
}

export interface VirtQueue {
  /** Descriptors that it has, where they lie, and the next chain that the driver has made available. */
  readonly size: number;
  readonly desc_addr: number;
  readonly avail_last_idx: number;
  avail_get_entry(index: number): number;
  get_descriptor(table: number, index: number): Descriptor;
  has_request(): boolean;
  pop_request(): BufferChain;
  push_reply(chain: BufferChain): void;
  flush_replies(): void;
}

export interface VirtioDevice {
  readonly queues: readonly VirtQueue[];
  reset(): void;
  needs_reset(): void;
}

interface ConfigField {
  readonly bytes: 4;
  readonly name: string;
  read(): number;
  write(value: number): void;
}

export interface VirtioOptions {
  readonly name: string;
  /** Bus, device and function: the device number times 8. */
  readonly pci_id: number;
  readonly device_id: number;
  readonly subsystem_device_id: number;
  readonly common: { readonly initial_port: number; readonly queues: readonly { size_supported: number; notify_offset: number }[]; readonly features: readonly number[]; on_driver_ok(): void };
  readonly notification: { readonly initial_port: number; readonly single_handler: boolean; readonly handlers: readonly ((queue: number) => void)[] };
  readonly isr_status: { readonly initial_port: number };
  readonly device_specific: { readonly initial_port: number; readonly struct: readonly ConfigField[] };
}

export type VirtioClass = new (cpu: Cpu, options: VirtioOptions) => VirtioDevice;

export interface Cpu {
  readonly devices: {
    readonly pci: { readonly isa_bridge_space8: Uint8Array; readonly device_spaces: readonly (Int32Array | undefined)[] };
    readonly virtio_balloon: { readonly virtio: VirtioDevice };
  };
  readonly io: { port_write8(port: number, value: number): void };
  write_blob(bytes: Uint8Array, address: number): void;
  /** What a reset of the machine does. */
  reboot_internal(): void;
}

export interface Emulator {
  readonly v86: { readonly cpu: Cpu };
  run(): Promise<void>;
  stop(): Promise<void>;
  destroy(): Promise<void>;
  add_listener(event: string, listener: (value: never) => void): void;
  serial_send_bytes(serial: number, bytes: Uint8Array): void;
}

const hasMethods = (value: unknown, names: readonly string[]): string | null => {
  if (typeof value !== "object" || value === null) return "it is not there";
  const missing = names.find((name) => typeof (value as Record<string, unknown>)[name] !== "function");
  return missing === undefined ? null : `it has no ${missing}`;
};

/** Null for an emulator of the shape that is used here, else what is other. It must be ready, and have its virtio balloon. */
export function shapeProblem(emulator: unknown): string | null {
  const own = hasMethods(emulator, ["run", "stop", "destroy", "add_listener", "serial_send_bytes"]);
  if (own !== null) return `the emulator: ${own}`;
  const { cpu } = (emulator as Emulator).v86 ?? {};
  const ofCpu = hasMethods(cpu, ["write_blob", "reboot_internal"]) ?? hasMethods(cpu.io, ["port_write8"]);
  if (ofCpu !== null) return `its processor: ${ofCpu}`;
  const { pci, virtio_balloon: balloon } = cpu.devices;
  if (!(pci?.isa_bridge_space8 instanceof Uint8Array) || !Array.isArray(pci.device_spaces)) return "its PCI bus is another";
  const virtio = balloon?.virtio;
  const ofVirtio = hasMethods(virtio, ["reset", "needs_reset"]) ?? hasMethods(virtio?.queues?.[0], ["has_request", "pop_request", "push_reply", "flush_replies", "avail_get_entry", "get_descriptor"]);
  return ofVirtio === null ? null : `its virtio device: ${ofVirtio}`;
}

/** The class of the emulator's virtio devices. */
export const virtioClass = (cpu: Cpu): VirtioClass => cpu.devices.virtio_balloon.virtio.constructor as VirtioClass;
