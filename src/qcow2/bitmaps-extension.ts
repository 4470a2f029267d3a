/**
 * Putting the bitmaps extension into a header, changing and removing it, such that a crash leaves a header that can be read and the
 * old bitmaps or the new ones.
 *
 * The autoclear bit is what makes the extension count. Where it stands in one sector it is changed in one write. A new one goes behind
 * the others: its part in a later sector first, which nothing reads before the part in front of it replaces the end mark. A backing
 * file's name that stands in the way is first written again further behind, and the header, one sector, pointed there.
 *
 * Source: qcow2 specification, "Header extensions".
 */
import { Fault } from "../base/fault.ts";
import { SECTOR_SIZE, roundUp } from "../base/units.ts";
import { readExactly } from "../bytes/byte-store.ts";
import { AUTOCLEAR_BITMAPS } from "./features.ts";
import { BITMAPS_MAGIC, encodeAutoclear } from "./header.ts";
import type { Header } from "./header.ts";
import type { ImageState } from "./image-state.ts";
import { readHeader } from "./open.ts";

const HEAD = 8;
const BIT = 1n << BigInt(AUTOCLEAR_BITMAPS);
const inOneSector = (at: number, lengthBytes: number): boolean => Math.floor(at / SECTOR_SIZE) === Math.floor((at + lengthBytes - 1) / SECTOR_SIZE);
const extensionEnd = ({ hostOffset, data }: Header["extensions"][number]): number => hostOffset + roundUp(data.length, 8);

/** Writes the extension with this data, or removes it. What it leads to is durable already. */
export function putBitmapsExtension(state: ImageState, data: Uint8Array | null): void {
  const header = readHeader(state.store);
  const old = header.extensions.findLast(({ magic }) => magic === BITMAPS_MAGIC);
  if (data === null) {
    if (old !== undefined) remove(state, header, old);
    return;
  }
  if (old !== undefined && old.data.length === data.length) {
    // A write that may be torn: the old bitmaps do not count while it is on its way.
    if (!inOneSector(old.hostOffset, data.length)) setAutoclear(state, header, false);
    write(state, old.hostOffset, data);
  } else {
    if (old !== undefined) throw new Fault({ kind: "unsupported", feature: "a bitmaps extension of another length" });
    append(state, header, data);
  }
  setAutoclear(state, header, true);
}

function write(state: ImageState, at: number, data: Uint8Array): void {
  state.write(at, data);
  state.barrier();
}

function setAutoclear(state: ImageState, header: Header, count: boolean): void {
  const others = header.autoclear & ~BIT;
  const { at, data } = encodeAutoclear(count ? others | BIT : others);
  write(state, at, data);
}

function append(state: ImageState, header: Header, data: Uint8Array): void {
  const start = header.extensions.reduce((end, extension) => Math.max(end, extensionEnd(extension)), header.headerLength);
  const bytes = new Uint8Array(HEAD + data.length + HEAD);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, BITMAPS_MAGIC);
  view.setUint32(4, data.length);
  bytes.set(data, HEAD);
  if (start + bytes.length > header.clusterSize) throw noRoom();
  moveBackingName(state, start + bytes.length, header.clusterSize);
  const inFirst = Math.min(bytes.length, roundUp(start + 1, SECTOR_SIZE) - start);
  if (inFirst < bytes.length) write(state, start + inFirst, bytes.subarray(inFirst));
  write(state, start, bytes.subarray(0, inFirst));
}

const noRoom = (): Fault => new Fault({ kind: "unsupported", feature: "one more header extension: the header's cluster is full" });

/** Moves the backing file's name behind `end` where it begins before it. */
function moveBackingName(state: ImageState, end: number, clusterSize: number): void {
  const fixed = new DataView(readExactly(state.store, 0, 24).buffer);
  const [at, lengthBytes] = [Number(fixed.getBigUint64(8)), fixed.getUint32(16)];
  if (at === 0 || at >= end) return;
  const to = roundUp(Math.max(end, at + lengthBytes), 8);
  if (to + lengthBytes > clusterSize) throw noRoom();
  write(state, to, readExactly(state.store, at, lengthBytes));
  const place = new Uint8Array(8);
  new DataView(place.buffer).setBigUint64(0, BigInt(to));
  write(state, 8, place);
}

/**
 * The bit first: from then on there are no bitmaps. The extension then goes where it is the last, or where those behind it move up
 * within one sector; else it stays and means nothing.
 */
function remove(state: ImageState, header: Header, old: Header["extensions"][number]): void {
  setAutoclear(state, header, false);
  const start = old.hostOffset - HEAD;
  const from = extensionEnd(old);
  const to = header.extensions.reduce((end, extension) => Math.max(end, extensionEnd(extension)), 0);
  const moved = new Uint8Array(to - from + HEAD);
  moved.set(readExactly(state.store, from, to - from));
  if (inOneSector(start, moved.length)) write(state, start, moved);
}
