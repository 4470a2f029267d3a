/**
 * Changing what the header of an existing image says of its backing file, so that a crash at any moment leaves a header that opens
 * and names the old backing file or the new one.
 *
 * One sector is written whole or not at all, so that the switch is one write of the first 512 bytes. What lies behind them has to
 * be in place before, and must not be in use until then:
 *
 * 1. The new name goes where neither the old name nor any extension, old or new, lies; nothing points there yet.
 * 2. The first sector: the new place and format of the name, and the extensions, short of the feature name table where that would
 *    reach beyond the sector. A crash before this leaves the old header; after it, the new one.
 * 3. What of the new list of extensions lies behind the first sector, where after step 2 none is read.
 * 4. The first sector again, now with the whole list.
 *
 * Between 2 and 4 the feature name table may be missing, which only names things. A barrier follows each step. Where even without
 * that table the extensions reach beyond the first sector, there is no such order: steps 2 to 4 are then one write, and a crash
 * within it may tear the list of extensions; the fields of the header itself stay whole.
 *
 * Source: qcow2 specification, "Header" and "Header extensions".
 */
import { Fault } from "../base/fault.ts";
import { SECTOR_SIZE, roundUp } from "../base/units.ts";
import { readPadded } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { FEATURE_NAMES_MAGIC } from "./header.ts";
import type { Header } from "./header.ts";
import { BACKING_FORMAT_MAGIC } from "./header-names.ts";
import { readHeader } from "./open.ts";

const BACKING_OFFSET_AT = 8;
const BACKING_SIZE_AT = 16;
const EXTENSION_HEAD = 8;
/** QEMU opens no image with a longer name. */
const MAX_NAME_BYTES = 1023;

export interface BackingName {
  readonly file: string;
  /** null writes no format. */
  readonly format: string | null;
}

interface Extension {
  readonly magic: number;
  readonly data: Uint8Array;
}

/**
 * Names another backing file in the header, or none. The image must be flushed, and whoever has it open reads its header anew.
 * @returns false when there is no room for the name in the first cluster, with nothing written
 * @throws Fault of the store
 */
export function writeBackingName(store: ByteStore, backing: BackingName | null): boolean {
  const header = readHeader(store);
  const plan = planBackingName(store, header, backing);
  if (plan === null) return false;
  const { cluster, name, nameAt, whole, essential } = plan;
  const write = (from: number, to: number, bytes: Uint8Array): void => {
    store.write(from, bytes.subarray(from, to));
    store.flush();
  };
  if (name.length > 0) {
    store.write(nameAt, name);
    store.flush();
  }
  const behind = lastDifference(whole, cluster, SECTOR_SIZE);
  if (behind === null) {
    write(0, SECTOR_SIZE, whole);
    return true;
  }
  if (essential === null) {
    write(0, behind, whole);
    return true;
  }
  write(0, SECTOR_SIZE, essential);
  write(SECTOR_SIZE, behind, whole);
  write(0, SECTOR_SIZE, whole);
  return true;
}

interface BackingPlan {
  /** The first cluster as it is. */
  readonly cluster: Uint8Array;
  readonly name: Uint8Array;
  readonly nameAt: number;
  /** The first cluster as it shall be, but for the name. */
  readonly whole: Uint8Array;
  /** A first sector that is valid by itself; null where there is none. */
  readonly essential: Uint8Array | null;
}

function planBackingName(store: ByteStore, header: Header, backing: BackingName | null): BackingPlan | null {
  const { clusterSize } = header;
  const cluster = new Uint8Array(clusterSize);
  readPadded(store, 0, cluster);
  const oldExtensionsEnd = listEnd(header.headerLength, header.extensions);
  const oldName = nameRange(cluster);
  const extensions = extensionsWith(header, backing?.format ?? null);
  const name = backing === null ? new Uint8Array(0) : new TextEncoder().encode(backing.file);
  if (name.length > MAX_NAME_BYTES) throw new Fault({ kind: "unsupported", feature: `a backing file's name of ${name.length} bytes` });
  const newExtensionsEnd = listEnd(header.headerLength, extensions);
  const nameAt = placeOf(name.length, roundUp(Math.max(oldExtensionsEnd, newExtensionsEnd), 8), oldName, clusterSize);
  if (nameAt === null || newExtensionsEnd > clusterSize) return null;
  const encode = (list: readonly Extension[]): Uint8Array => encodeStart(cluster, header.headerLength, list, name.length === 0 ? 0 : nameAt, name.length);
  const whole = encode(extensions);
  // The name lies in the cluster by then; it is no difference.
  whole.set(name, nameAt);
  const present = cluster.slice();
  present.set(name, nameAt);
  const needed = extensions.filter(({ magic }) => magic !== FEATURE_NAMES_MAGIC);
  const essential = listEnd(header.headerLength, needed) <= SECTOR_SIZE ? encode(needed) : null;
  essential?.set(name, nameAt);
  return { cluster: present, name, nameAt, whole, essential };
}

const paddedLength = ({ data }: Extension): number => EXTENSION_HEAD + roundUp(data.length, 8);
/** Where a list of extensions ends, its end mark included. */
const listEnd = (start: number, extensions: readonly Extension[]): number => extensions.reduce((at, extension) => at + paddedLength(extension), start) + EXTENSION_HEAD;

function nameRange(cluster: Uint8Array): { start: number; end: number } {
  const view = new DataView(cluster.buffer);
  const start = Number(view.getBigUint64(BACKING_OFFSET_AT));
  return { start, end: start === 0 ? 0 : start + view.getUint32(BACKING_SIZE_AT) };
}

/** The first place behind `from` for a name that does not touch the old one, which a crash may still need; null without room. */
function placeOf(length: number, from: number, old: { start: number; end: number }, clusterSize: number): number | null {
  for (const at of [from, roundUp(Math.max(from, old.end), 8)]) {
    const touches = at < old.end && old.start < at + length;
    if (!touches && at + length <= clusterSize) return at;
  }
  return null;
}

/** The extensions with that backing format, or none: it stands first, as QEMU writes it. */
function extensionsWith(header: Header, format: string | null): Extension[] {
  const others = header.extensions.filter(({ magic }) => magic !== BACKING_FORMAT_MAGIC);
  return format === null ? others : [{ magic: BACKING_FORMAT_MAGIC, data: new TextEncoder().encode(format) }, ...others];
}

function encodeStart(cluster: Uint8Array, headerLength: number, extensions: readonly Extension[], nameAt: number, nameBytes: number): Uint8Array {
  const start = cluster.slice();
  const view = new DataView(start.buffer);
  view.setBigUint64(BACKING_OFFSET_AT, BigInt(nameAt));
  view.setUint32(BACKING_SIZE_AT, nameBytes);
  let at = headerLength;
  for (const extension of extensions) {
    view.setUint32(at, extension.magic);
    view.setUint32(at + 4, extension.data.length);
    start.fill(0, at + EXTENSION_HEAD, at + paddedLength(extension));
    start.set(extension.data, at + EXTENSION_HEAD);
    at += paddedLength(extension);
  }
  start.fill(0, at, at + EXTENSION_HEAD);
  return start;
}

/** Behind the last byte from `from` on that differs, null where none does. */
function lastDifference(a: Uint8Array, b: Uint8Array, from: number): number | null {
  for (let at = a.length - 1; at >= from; at--) if (a[at] !== b[at]) return at + 1;
  return null;
}
