/**
 * Changing the header of an existing image, so that a crash at any moment leaves one that opens and says the old or the new: fields of
 * its fixed part, extensions, the backing file's name, all at once.
 *
 * One sector is written whole or not at all, so that the switch is one write of the first 512 bytes. What lies behind them has to
 * be in place before, and must not be in use until then:
 *
 * 1. What of the name lies behind the first sector goes where there neither the old name nor an old extension lies; nothing points there yet.
 * 2. The first sector: the fixed part, the place of the name, and the extensions, short of the feature name table where that would
 *    reach beyond the sector. A crash before this leaves the old header; after it, the new one.
 * 3. What of the new list of extensions lies behind the first sector, where after step 2 none is read.
 * 4. The first sector again, now with the whole list.
 *
 * Between 2 and 4 the feature name table may be missing, which only names things. A barrier follows each step.
 *
 * Where even without that table the extensions reach beyond the first sector, the change makes a detour over a place behind all that the
 * old and the new header take:
 *
 * 1. The whole list and the name, in that place, where nothing points yet.
 * 2. The first sector: the fixed part, the place of the name, and an extension that nobody knows, whose data reaches up to that place, so
 *    that the list goes on there.
 * 3. What of the list and the name lies behind the first sector in their own places, which nothing reads after step 2.
 * 4. The first sector, with the list as it shall be.
 *
 * A reader keeps an extension that it does not know, and the next change here takes a bridge that a crash left away again. A first cluster
 * with no room for a second list has no such order either: its change is one write, which a crash may tear.
 *
 * Source: qcow2 specification, "Header" and "Header extensions".
 */
import { Fault } from "../base/fault.ts";
import { SECTOR_SIZE, roundUp } from "../base/units.ts";
import { readPadded } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { INCOMPATIBLE_EXTERNAL_DATA, hasBit } from "./features.ts";
import { BACKING_FORMAT_MAGIC, BITMAPS_MAGIC, DATA_FILE_MAGIC, FEATURE_NAMES_MAGIC, MAX_BACKING_NAME } from "./header.ts";
import type { Header } from "./header.ts";
import { encodeHead, fixedPart, listEnd, namePlaceOf } from "./header-layout.ts";
import type { ExtensionBytes, HeaderFields, NamePlace } from "./header-layout.ts";
import { readHeader } from "./open.ts";

export interface BackingName {
  readonly file: string;
  /** null writes no format. */
  readonly format: string | null;
}

/** What shall be different; absent is as it was. */
export interface HeaderEdit {
  readonly fields?: HeaderFields;
  /** All extensions, in their order. */
  readonly extensions?: readonly ExtensionBytes[];
  /** The backing file's name, null for none. */
  readonly backingFile?: string | null;
}

/**
 * Changes the header. The image must be flushed, and whoever has it open reads its header anew.
 * @returns false when there is no room in the first cluster, with nothing written. @throws Fault of the store
 */
export function changeHeader(store: ByteStore, editOf: (header: Header) => HeaderEdit): boolean {
  const header = readHeader(store);
  const plan = planEdit(store, header, editOf(header));
  if (plan === null) return false;
  const { cluster, whole, essential, nameBehind, detour } = plan;
  const write = (from: number, to: number, bytes: Uint8Array): void => {
    store.write(from, bytes.subarray(from, to));
    store.flush();
  };
  if (nameBehind !== null) write(nameBehind.from, nameBehind.to, whole);
  const behind = lastDifference(whole, cluster, SECTOR_SIZE);
  if (behind === null) {
    write(0, SECTOR_SIZE, whole);
    return true;
  }
  if (detour !== null) {
    write(detour.at, detour.end, detour.bytes);
    write(0, SECTOR_SIZE, detour.bytes);
  } else if (essential !== null) write(0, SECTOR_SIZE, essential);
  else {
    write(0, behind, whole);
    return true;
  }
  write(SECTOR_SIZE, behind, whole);
  write(0, SECTOR_SIZE, whole);
  return true;
}

/** Names another backing file in the header, or none. As changeHeader. */
export function writeBackingName(store: ByteStore, backing: BackingName | null): boolean {
  const format = backing?.format ?? null;
  return changeHeader(store, ({ extensions }) => {
    const others = extensions.filter(({ magic }) => magic !== BACKING_FORMAT_MAGIC);
    // It stands first, as QEMU writes it.
    const named = format === null ? others : [{ magic: BACKING_FORMAT_MAGIC, data: new TextEncoder().encode(format) }, ...others];
    return { extensions: named, backingFile: backing?.file ?? null };
  });
}

interface Plan {
  /** The first cluster as it is once the name is in its place. */
  readonly cluster: Uint8Array;
  /** As it shall be. */
  readonly whole: Uint8Array;
  /** A first sector that is valid by itself; null where there is none. */
  readonly essential: Uint8Array | null;
  /** What of the name has to be written first. */
  readonly nameBehind: { readonly from: number; readonly to: number } | null;
  /** The list and the name in another place [at, end), and a first sector that leads there; null where none is needed, or has room. */
  readonly detour: Detour | null;
}

interface Detour {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly end: number;
}

/** The extension that only leads over what lies behind it; nobody knows it. */
const BRIDGE_MAGIC = 0x7a736272;
const EXTENSION_HEAD = 8;

function planEdit(store: ByteStore, header: Header, edit: HeaderEdit): Plan | null {
  const cluster = new Uint8Array(header.clusterSize);
  readPadded(store, 0, cluster);
  const oldName = namePlaceOf(cluster);
  const oldText = cluster.slice(oldName.at, oldName.at + oldName.lengthBytes);
  const name = edit.backingFile === undefined ? oldText : new TextEncoder().encode(edit.backingFile ?? "");
  if (name.length > MAX_BACKING_NAME) throw new Fault({ kind: "unsupported", feature: `a backing file's name of ${name.length} bytes` });
  const fixed = fixedPart(cluster, header, edit.fields ?? {});
  const extensions = keptExtensions(edit.extensions ?? header.extensions, edit.fields?.incompatible ?? header.incompatible);
  const end = listEnd(fixed.length, extensions);
  const isSame = name.length === oldText.length && name.every((byte, index) => byte === oldText[index]);
  const at = placeOf(name.length, end, { extensionsEnd: listEnd(header.headerLength, header.extensions), name: oldName }, isSame, header.clusterSize);
  if (at === null) return null;
  const place: NamePlace = { at, lengthBytes: name.length };
  const encode = (list: readonly ExtensionBytes[]): Uint8Array => {
    const start = cluster.slice();
    start.set(encodeHead(fixed, list, place));
    start.set(name, at);
    return start;
  };
  const needed = extensions.filter(({ magic }) => magic !== FEATURE_NAMES_MAGIC);
  const present = cluster.slice();
  // What lies in the first sector is written with it.
  const nameFrom = Math.max(at, SECTOR_SIZE);
  const essential = listEnd(fixed.length, needed) <= SECTOR_SIZE ? encode(needed) : null;
  const behindAll = Math.max(SECTOR_SIZE, end, at + name.length, listEnd(header.headerLength, header.extensions), oldName.at + oldName.lengthBytes);
  const detour = essential === null ? detourOf(cluster, { fixed, extensions, name }, roundUp(behindAll, 8)) : null;
  // On a detour the name in its own place is written behind it.
  const nameBehind = detour === null && at + name.length > nameFrom && !(isSame && at === oldName.at) ? { from: nameFrom, to: at + name.length } : null;
  if (nameBehind !== null) present.set(name.subarray(nameFrom - at), nameFrom);
  return { cluster: present, whole: encode(extensions), essential, nameBehind, detour };
}

const KNOWN_MAGICS: readonly number[] = [BACKING_FORMAT_MAGIC, DATA_FILE_MAGIC, FEATURE_NAMES_MAGIC, BITMAPS_MAGIC];

/** What goes on meaning something: of several of one kind the last, a data file's name where there is a data file, no bridge. As QEMU writes a header. */
function keptExtensions(list: readonly ExtensionBytes[], incompatible: bigint): readonly ExtensionBytes[] {
  const isLast = ({ magic }: ExtensionBytes, index: number): boolean => !KNOWN_MAGICS.includes(magic) || list.findLastIndex((other) => other.magic === magic) === index;
  const means = ({ magic }: ExtensionBytes): boolean => magic !== BRIDGE_MAGIC && (magic !== DATA_FILE_MAGIC || hasBit(incompatible, INCOMPATIBLE_EXTERNAL_DATA));
  return list.filter((extension, index) => isLast(extension, index) && means(extension));
}

interface Parts {
  readonly fixed: Uint8Array;
  readonly extensions: readonly ExtensionBytes[];
  readonly name: Uint8Array;
}

/** The header with its list and name from `at` on, a multiple of 8; null where they do not fit. */
function detourOf(cluster: Uint8Array, { fixed, extensions, name }: Parts, at: number): Detour | null {
  const listFrom = fixed.length + EXTENSION_HEAD;
  const nameAt = listEnd(at, extensions);
  if (listFrom > SECTOR_SIZE || nameAt + name.length > cluster.length) return null;
  const bridge = { magic: BRIDGE_MAGIC, data: cluster.slice(listFrom, at) };
  const bytes = cluster.slice();
  const head = encodeHead(fixed, [bridge, ...extensions], { at: nameAt, lengthBytes: name.length });
  // Of the bridge nothing is written but its head and what of its data fills the first sector, which is as it was.
  bytes.set(head.subarray(0, listFrom));
  bytes.set(head.subarray(at), at);
  bytes.set(name, nameAt);
  return { bytes, at, end: nameAt + name.length };
}

interface OldLayout {
  readonly extensionsEnd: number;
  readonly name: NamePlace;
}

/**
 * The first place behind the new extensions for a name, which behind the first sector touches nothing old, for a crash may still need
 * that; one that does not change stays where it can. null without room.
 */
function placeOf(length: number, from: number, old: OldLayout, isSame: boolean, clusterSize: number): number | null {
  if (length === 0) return from <= clusterSize ? 0 : null;
  const oldEnd = old.name.at + old.name.lengthBytes;
  if (isSame && old.name.at >= from) return old.name.at;
  for (const start of [from, Math.max(from, old.extensionsEnd), Math.max(from, oldEnd), Math.max(from, old.extensionsEnd, oldEnd)]) {
    const at = roundUp(start, 8);
    const behind = Math.max(at, SECTOR_SIZE);
    const end = at + length;
    const touches = end > behind && (behind < old.extensionsEnd || (behind < oldEnd && old.name.at < end));
    if (!touches && end <= clusterSize) return at;
  }
  return null;
}

/** Behind the last byte from `from` on that differs, null where none does. */
function lastDifference(a: Uint8Array, b: Uint8Array, from: number): number | null {
  for (let at = a.length - 1; at >= from; at--) if (a[at] !== b[at]) return at + 1;
  return null;
}
