/**
 * Reading zstd clusters: frames by their own headers and a decoder's unpacking of them. Loaded when the first image with such clusters is
 * opened (codecs.ts). Nothing that a frame says makes more memory than the length that is asked for. Source: RFC 8878.
 */
import { Decompress } from "fzstd";
import { xxh64 } from "./xxh64.ts";

/** Room that is made for all frames of a cluster, as often as the cluster's bytes and besides: only frames that are made to take long need more. */
const ROOM_TIMES = 64;
const ROOM_BESIDES = 2 ** 24;

/** @param packed frames, as many as fill `length` bytes and those of metadata or of nothing between them; what follows is not looked at. @throws Error for what cannot be */
export function unpackZstd(packed: Uint8Array, length: number): Uint8Array {
  const data = new Uint8Array(length);
  let room = ROOM_TIMES * length + ROOM_BESIDES;
  for (let from = 0, done = 0; done < length; ) {
    const frame = zstdFrame(packed.subarray(from), length - done);
    const bytes = packed.subarray(from, from + frame.bytes);
    from += frame.bytes;
    if (!frame.isContent) continue;
    room -= frame.roomBytes;
    if (room < 0) throw new Error("zstd frames of little content and large windows");
    const count = frame.isEmpty ? 0 : unpackFrame(frame.windowed ? withinWindow(bytes, length) : bytes, data.subarray(done));
    if (frame.checksum !== null && Number(xxh64(data.subarray(done, done + count)) & 0xffff_ffffn) !== frame.checksum) throw new Error("a zstd frame whose checksum is another's");
    if (frame.contentBytes !== null && frame.contentBytes !== count) throw new Error(`a zstd frame of ${count} bytes`);
    done += count;
  }
  return data;
}

/** Unpacks one frame to the start of `into`, block by block: the decoder's call for a whole frame does not say how much it wrote, and leaves literals behind it. @returns bytes */
function unpackFrame(frame: Uint8Array, into: Uint8Array): number {
  let count = 0;
  new Decompress((block) => {
    if (count + block.length > into.length) throw new Error("a zstd frame of more than a cluster");
    into.set(block, count);
    count += block.length;
  }).push(frame, true);
  return count;
}

/** The frame with no larger a window than its content and a block can need: the decoder makes memory of that size. */
function withinWindow(frame: Uint8Array, length: number): Uint8Array {
  const enough = Math.ceil(Math.log2(Math.max(length, MAX_BLOCK_BYTES)));
  if (windowSize(frame[5]!) <= 2 ** enough) return frame;
  const copy = frame.slice();
  copy[5] = (enough - 10) << 3;
  return copy;
}

const ZSTD_MAGIC = 0xfd2fb528;
/** The last four bits of a metadata frame's magic are its writer's. */
const METADATA_MAGIC = 0x184d2a50;
const MAX_BLOCK_BYTES = 128 * 1024;
/** What the library that QEMU uses takes where no content size is given. */
const MAX_WINDOW_BYTES = 2 ** 27 + 1;

interface ZstdFrame {
  readonly bytes: number;
  /** Not metadata. */
  readonly isContent: boolean;
  /** None of its blocks has anything: it need not be unpacked. */
  readonly isEmpty: boolean;
  /** What it says to unpack to; null where it does not say. */
  readonly contentBytes: number | null;
  /** The lower half of its content's XXH64; null where it has none. */
  readonly checksum: number | null;
  /** It has a window of its own size, by a byte of its header. */
  readonly windowed: boolean;
  /** What unpacking it makes room for: its window and its blocks. */
  readonly roomBytes: number;
}

/**
 * The zstd frame at the start of `packed`, by its own and its blocks' headers; nothing is unpacked. What a header promises beyond `length`
 * bytes of content is refused here, before a decoder believes it. Source: RFC 8878, sections 3.1.1 and 3.1.2.
 */
function zstdFrame(packed: Uint8Array, length: number): ZstdFrame {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const need = (end: number): void => {
    if (end > packed.length) throw new Error("a zstd frame that is cut short");
  };
  need(6);
  const magic = view.getUint32(0, true);
  if ((magic & ~0xf) >>> 0 === METADATA_MAGIC) {
    need(8);
    const bytes = 8 + view.getUint32(4, true);
    need(bytes);
    return { bytes, isContent: false, isEmpty: true, contentBytes: null, checksum: null, windowed: false, roomBytes: 0 };
  }
  if (magic !== ZSTD_MAGIC) throw new Error("no zstd frame");
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeFlag;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  let at = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  need(at + sizeBytes);
  if ((descriptor & 8) !== 0) throw new Error("a zstd frame with a reserved bit");
  if (packed.subarray(at - dictionaryBytes, at).some((byte) => byte !== 0)) throw new Error("a zstd frame that needs a dictionary");
  const contentBytes = sizeBytes > 0 ? contentSize(view, at, sizeBytes) : null;
  if ((contentBytes ?? 0) > length) throw new Error("a zstd frame of more than a cluster");
  const window = singleSegment ? contentBytes! : windowSize(view.getUint8(5));
  if (window > MAX_WINDOW_BYTES && contentBytes === null) throw new Error("a zstd window that is too large");
  at += sizeBytes;
  let unpacked = 0;
  let most = 0;
  for (let last = false; !last; ) {
    need(at + 3);
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3 || size > Math.min(MAX_BLOCK_BYTES, window)) throw new Error("a zstd block that cannot be");
    if (type !== 2) unpacked += size;
    most += type === 2 ? Math.min(MAX_BLOCK_BYTES, window) : size;
    if (unpacked > (contentBytes ?? length)) throw new Error("a zstd frame of more than it says");
    at += 3 + (type === 1 ? 1 : size);
    need(at);
  }
  const hasChecksum = (descriptor & 4) !== 0;
  if (hasChecksum) need(at + 4);
  const checksum = hasChecksum ? view.getUint32(at, true) : null;
  return { bytes: at + (hasChecksum ? 4 : 0), isContent: true, isEmpty: most === 0, contentBytes, checksum, windowed: !singleSegment, roomBytes: Math.min(window, Math.max(length, MAX_BLOCK_BYTES)) + most };
}

const windowSize = (descriptor: number): number => (2 ** (10 + (descriptor >> 3)) / 8) * (8 + (descriptor & 7));

function contentSize(view: DataView, at: number, sizeBytes: number): number {
  switch (sizeBytes) {
    case 1:
      return view.getUint8(at);
    case 2:
      return view.getUint16(at, true) + 256;
    case 4:
      return view.getUint32(at, true);
    default:
      return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
  }
}
