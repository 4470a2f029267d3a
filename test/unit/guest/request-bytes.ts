/** A request's readable part as a guest lays it out: type, priority, sector, and the data of a write; little-endian. */
export function requestBytes(type: number, sector: bigint, data: Uint8Array = new Uint8Array()): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  // A priority is no part of what is asked for.
  view.setUint32(4, 0xffffffff, true);
  view.setBigUint64(8, sector, true);
  bytes.set(data, 16);
  return bytes;
}
