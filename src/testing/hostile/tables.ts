/**
 * Where the tables of an image lie, by following the file without believing it: for those who break tables, and for those who look
 * whether a write has landed on one. Written apart from src/qcow2, so that the two cannot be wrong together.
 */

/** Reads bytes of the file; what lies beyond its end is zeros. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

export interface Table {
  readonly name: string;
  /** Which bitmap of the directory's it is of, counted from 0; null for what is no bitmap's. */
  readonly bitmap: number | null;
  /** Of a bitmap in which writes are recorded. */
  readonly records: boolean;
  readonly start: number;
  readonly end: number;
}

const OFFSET = 0x00ff_ffff_ffff_fe00n;
/** No image of the corpus has more; of a mutant that says so the rest is not followed. */
const MOST = 512;
/** 32 MiB of entries, the most that QEMU uses. */
const MAX_L1_ENTRIES = 2 ** 22;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The tables of an image, as far as they lie within the file. */
export function tablesOf(read: ReadAt, size: number): Table[] {
  const tables: Table[] = [];
  const header = viewOf(read(0, 4096));
  if (header.getUint32(0) !== 0x514649fb) return tables;
  const clusterSize = 2 ** Math.min(21, Math.max(9, header.getUint32(20)));
  const extended = header.getUint32(4) >= 3 && (header.getUint32(76) & 16) !== 0;
  const word = (at: number): number => Number(viewOf(read(at, 8)).getBigUint64(0));
  const add = (name: string, start: number, length: number, bitmap: number | null = null, records = false): boolean => {
    if (start % clusterSize !== 0 || start >= size || length === 0) return false;
    tables.push({ name, bitmap, records, start, end: Math.min(start + length, size) });
    return true;
  };
  const words = (offset: number, count: number): bigint[] => {
    const view = viewOf(read(offset, count * 8));
    return Array.from({ length: count }, (_, index) => view.getBigUint64(index * 8));
  };
  const addL1 = (name: "L1 table" | "snapshot's L1 table", offset: number, count: number): void => {
    // The header is no L1 table, whatever says so: its words, such as the disk's size, change rightly and lead to no table.
    if (offset === 0) return;
    const entries = Math.min(count, MOST);
    if (!add(name, offset, entries * 8)) return;
    for (const entry of words(offset, entries)) if ((entry & OFFSET) !== 0n) add(`${name === "L1 table" ? "" : "snapshot's "}${extended ? "extended " : ""}L2 table`, Number(entry & OFFSET), clusterSize);
  };
  add("header", 0, clusterSize);
  addL1("L1 table", word(40), header.getUint32(36));
  const tableOffset = word(48);
  if (add("refcount table", tableOffset, Math.min(header.getUint32(56), 8) * clusterSize)) {
    for (const entry of words(tableOffset, Math.min(clusterSize / 8, MOST))) if (entry !== 0n) add("refcount block", Number(entry), clusterSize);
  }
  let at = word(64);
  const snapshotsAt = at;
  for (let index = 0; index < Math.min(header.getUint32(60), 8) && at < size; index++) {
    const entry = viewOf(read(at, 40));
    // One that claims a larger L1 table is no snapshot that can be used: a repair counts nothing of it, and what it had may be given away.
    if (entry.getUint32(8) <= MAX_L1_ENTRIES) addL1("snapshot's L1 table", Number(entry.getBigUint64(0)), entry.getUint32(8));
    at += Math.ceil((40 + Math.min(entry.getUint32(36), 4096) + entry.getUint16(12) + entry.getUint16(14)) / 8) * 8;
  }
  // At 0 lies the header, as above.
  if (snapshotsAt > 0 && at > snapshotsAt) add("snapshot table", snapshotsAt, at - snapshotsAt);
  for (let extension = header.getUint32(4) >= 3 ? header.getUint32(100) : 72; extension < 4000; ) {
    const [magic, length] = [header.getUint32(extension), header.getUint32(extension + 4)];
    if (magic === 0) break;
    // Without its autoclear bit the extension speaks of bitmaps that are no more: their clusters are leaks, and may be given away.
    if (magic === 0x23852875 && (header.getUint32(92) & 1) !== 0) addBitmaps(word(extension + 24), Math.min(word(extension + 16), 4096));
    extension += 8 + Math.ceil(Math.min(length, 4096) / 8) * 8;
  }
  function addBitmaps(directory: number, length: number): void {
    if (!add("bitmap directory", directory, length)) return;
    for (let entry = directory, bitmap = 0; entry + 24 <= directory + length; bitmap++) {
      const view = viewOf(read(entry, 24));
      const [table, entries] = [Number(view.getBigUint64(0)), Math.min(view.getUint32(8), MOST)];
      // Flags: 1 is in use, 2 is automatic.
      const records = (view.getUint32(12) & 3) === 2;
      if (add("bitmap table", table, entries * 8, bitmap, records)) {
        for (const place of words(table, entries)) if ((place & OFFSET) !== 0n) add("bits of a bitmap", Number(place & OFFSET), clusterSize, bitmap, records);
      }
      entry += Math.ceil((24 + view.getUint16(18) + Math.min(view.getUint32(20), 4096)) / 8) * 8;
    }
  }
  return tables;
}
