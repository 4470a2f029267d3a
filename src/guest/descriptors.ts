/**
 * What a chain of descriptors amounts to, looked at before the emulator walks it: the emulator trusts what its guest has written there,
 * and would follow a table that leads back to itself for ever.
 *
 * Source: virtio 1.3, 2.7.5 "The Virtqueue Descriptor Table" and 2.7.5.3 "Indirect Descriptors".
 */
import type { VirtQueue } from "./v86-shape.ts";

const Flag = { NEXT: 1, WRITE: 2, INDIRECT: 4 } as const;
const DESCRIPTOR_BYTES = 16;

export interface ChainSize {
  /** Bytes that the device may read, and how many it may write behind them. */
  readonly readableBytes: number;
  readonly writableBytes: number;
}

/**
 * The next chain that the driver has made available.
 * @returns null for one that breaks the rules: too long, a table within a table, an index behind a table's end, an address that a
 * 32-bit machine has not, something to read behind something to write
 */
export function measureChain(queue: VirtQueue): ChainSize | null {
  let table = queue.desc_addr;
  let entries = queue.size;
  let index = queue.avail_get_entry(queue.avail_last_idx);
  let indirect = false;
  let readableBytes = 0;
  let writableBytes = 0;
  for (let count = 0; count < queue.size; count++) {
    if (index >= entries) return null;
    const descriptor = queue.get_descriptor(table, index);
    // The emulator hands on words that have a sign.
    const lengthBytes = descriptor.len >>> 0;
    if (descriptor.addr_high !== 0) return null;
    if ((descriptor.flags & Flag.INDIRECT) !== 0) {
      if (indirect || (descriptor.flags & Flag.NEXT) !== 0 || lengthBytes % DESCRIPTOR_BYTES !== 0) return null;
      indirect = true;
      table = descriptor.addr_low;
      entries = lengthBytes / DESCRIPTOR_BYTES;
      index = 0;
      // It is no part of the chain itself.
      count--;
      continue;
    }
    if ((descriptor.flags & Flag.WRITE) !== 0) writableBytes += lengthBytes;
    else if (writableBytes > 0) return null;
    else readableBytes += lengthBytes;
    if ((descriptor.flags & Flag.NEXT) === 0) return { readableBytes, writableBytes };
    index = descriptor.next;
  }
  return null;
}
