/**
 * Compression of clusters: what an image needs of its home, and the portable way to do it. Streams are raw deflate with a window
 * of 4 KiB (QEMU's reader has no larger one) or one zstd frame. Nothing that a stream says makes more memory than the length that
 * is asked for. Source: qcow2 specification, "Compressed Clusters Descriptor" and "Compression type".
 */
import { decompress as unzstd } from "fzstd";
import { Inflate, deflateRaw } from "pako";

/** Each throws an Error for a stream that cannot be, or that is shorter than `length` bytes when unpacked. */
export interface Codecs {
  /** @param packed the stream, which may end before its last byte does; what it unpacks to beyond `length` bytes is not looked at, as in QEMU */
  inflate(packed: Uint8Array, length: number): Uint8Array;
  /** @param packed one frame; what follows it is not looked at */
  unzstd(packed: Uint8Array, length: number): Uint8Array;
  deflate(cluster: Uint8Array): Uint8Array;
  /** Makes a zstd encoder ready; before the first cluster is written that way, and not otherwise. */
  loadZstd(): Promise<void>;
  /** loadZstd has resolved. */
  zstd(cluster: Uint8Array): Uint8Array;
}

const FILLER = 0xa5;
const WINDOW_BITS = 12;
const MEMORY_LEVEL = 9;

type Zstd = (data: Uint8Array) => Uint8Array;
let loadedZstd: Zstd | null = null;

export const portableCodecs: Codecs = {
  inflate(packed, length) {
    // The first full piece is all that is unpacked, which bounds the memory and the time that a hostile stream takes.
    const inflating = new FirstPiece({ raw: true, chunkSize: length });
    try {
      inflating.push(packed, true);
    } catch (thrown) {
      if (thrown !== FULL) throw thrown;
    }
    if (inflating.piece?.length !== length) throw new Error(inflating.piece === null ? inflating.msg || "an undecodable stream" : `a stream of ${inflating.piece.length} bytes`);
    return inflating.piece;
  },
  unzstd(packed, length) {
    const frame = packed.subarray(0, zstdFrameLength(packed, length));
    const data = unzstd(frame, new Uint8Array(length).fill(FILLER));
    // The decoder does not say how much it wrote: a frame that is too short leaves the last byte as it was, whatever that was.
    if (data[length - 1] === FILLER && unzstd(frame, new Uint8Array(length).fill(~FILLER))[length - 1] !== FILLER) throw new Error("a zstd frame of less than a cluster");
    return data;
  },
  deflate: (cluster) => deflateRaw(cluster, { windowBits: WINDOW_BITS, memLevel: MEMORY_LEVEL }),
  async loadZstd() {
    if (loadedZstd !== null) return;
    const { loadEncoder } = await import("./zstd-encoder.ts");
    loadedZstd = await loadEncoder();
  },
  zstd(cluster) {
    if (loadedZstd === null) throw new Error("the zstd encoder was not loaded");
    return loadedZstd(cluster);
  },
};

const FULL = new Error("a piece is full");

/** Stops an unpacking at the first piece. */
class FirstPiece extends Inflate {
  piece: Uint8Array | null = null;

  override onData(piece: Uint8Array): void {
    this.piece = piece;
    throw FULL;
  }
}

const ZSTD_MAGIC = 0xfd2fb528;
const MAX_BLOCK_BYTES = 128 * 1024;

/**
 * The length in bytes of the zstd frame at the start of `packed`, by its blocks' headers; nothing is unpacked. What a header
 * promises beyond `length` bytes of content is refused here, before a decoder believes it. Source: RFC 8878, section 3.1.1.
 */
function zstdFrameLength(packed: Uint8Array, length: number): number {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const need = (end: number): void => {
    if (end > packed.length) throw new Error("a zstd frame that is cut short");
  };
  need(6);
  if (view.getUint32(0, true) !== ZSTD_MAGIC) throw new Error("no zstd frame");
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 2 ** sizeFlag;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  let at = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  need(at + sizeBytes);
  if (sizeBytes > 0 && contentSize(view, at, sizeBytes) > length) throw new Error("a zstd frame of more than a cluster");
  at += sizeBytes;
  let unpacked = 0;
  for (let last = false; !last; ) {
    need(at + 3);
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16);
    last = (header & 1) === 1;
    const type = (header >> 1) & 3;
    const size = header >> 3;
    if (type === 3 || size > MAX_BLOCK_BYTES) throw new Error("a zstd block that cannot be");
    if (type !== 2) unpacked += size;
    if (unpacked > length) throw new Error("a zstd frame of more than a cluster");
    at += 3 + (type === 1 ? 1 : size);
    need(at);
  }
  at += (descriptor & 4) !== 0 ? 4 : 0;
  need(at);
  return at;
}

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
