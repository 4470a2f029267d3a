/** L1 tables without an entry, of disks that are only read: of two hundred, each on the next, every one may have one of 32 MiB in a hole. All have the same memory, and none is searched. */
let zeros = new Uint8Array(0);
const shared = new WeakSet<ArrayBufferLike>();

/** A table of so many bytes, all zeros, that nobody writes to. */
export function noEntries(lengthBytes: number): Uint8Array {
  if (zeros.length < lengthBytes) {
    zeros = new Uint8Array(lengthBytes);
    shared.add(zeros.buffer);
  }
  return zeros.subarray(0, lengthBytes);
}

/** Whether a table is one of these. */
export const hasNoEntries = (table: ArrayBufferView): boolean => shared.has(table.buffer);
