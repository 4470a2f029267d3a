/** The guest's files read back: the entries of a compressed cpio archive, and the libraries that a program is linked with. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const HEADER_BYTES = 110;
const HEADER_MARK = "070701";

/** The entries of a file of public/guest, by path; folders and links have what cpio stores of them. */
export function entriesOf(file: string): ReadonlyMap<string, Buffer> {
  const archive = gunzipSync(readFileSync(file));
  const entries = new Map<string, Buffer>();
  const filled = (length: number): number => Math.ceil(length / 4) * 4;
  for (let at = 0; at < archive.length; ) {
    const field = (index: number): number => Number.parseInt(archive.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    if (archive.toString("latin1", at, at + 6) !== HEADER_MARK) throw new Error(`${file}: no entry at ${at}`);
    const [dataBytes, nameBytes] = [field(6), field(11)];
    const name = archive.toString("utf8", at + HEADER_BYTES, at + HEADER_BYTES + nameBytes - 1);
    const dataAt = at + filled(HEADER_BYTES + nameBytes);
    if (name !== "TRAILER!!!") entries.set(name, archive.subarray(dataAt, dataAt + dataBytes));
    at = dataAt + filled(dataBytes);
  }
  return entries;
}

const LOAD = 1;
const DYNAMIC = 2;
const Tag = { END: 0, NEEDED: 1, STRTAB: 5 } as const;

/** The names of the libraries that a 32-bit program or library wants; none for one that is static, or for what is no program. */
export function librariesOf(file: Buffer): string[] {
  if (file.toString("latin1", 0, 5) !== "\x7fELF\x01") return [];
  const segments = Array.from({ length: file.readUInt16LE(44) }, (_, index) => {
    const at = file.readUInt32LE(28) + index * file.readUInt16LE(42);
    return { type: file.readUInt32LE(at), offset: file.readUInt32LE(at + 4), address: file.readUInt32LE(at + 8), bytes: file.readUInt32LE(at + 16) };
  });
  const dynamic = segments.find(({ type }) => type === DYNAMIC);
  if (dynamic === undefined) return [];
  const needed: number[] = [];
  let strings = 0;
  for (let at = dynamic.offset; file.readUInt32LE(at) !== Tag.END; at += 8) {
    const value = file.readUInt32LE(at + 4);
    if (file.readUInt32LE(at) === Tag.NEEDED) needed.push(value);
    if (file.readUInt32LE(at) === Tag.STRTAB) strings = value;
  }
  const holder = segments.find(({ type, address, bytes }) => type === LOAD && strings >= address && strings < address + bytes);
  if (holder === undefined) throw new Error("the names of its libraries are not in the file");
  const base = holder.offset + strings - holder.address;
  return needed.map((name) => file.toString("latin1", base + name, file.indexOf(0, base + name)));
}
