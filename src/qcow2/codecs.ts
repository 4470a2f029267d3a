/**
 * Compression of clusters: what an image needs of its home, and the portable way to do it. Streams are raw deflate with a window
 * of 4 KiB (QEMU's reader has no larger one) or zstd frames. Nothing that a stream says makes more memory than the length that
 * is asked for. What packs is loaded before it is first wanted: most images are only ever read. Source: qcow2 specification, "Compressed Clusters Descriptor" and "Compression type".
 */
import { Inflate } from "pako/browser/inflate";

/** Each throws an Error for a stream that cannot be, or that is shorter than `length` bytes when unpacked. */
export interface Codecs {
  /** @param packed the stream, which may end before its last byte does; what it unpacks to beyond `length` bytes is not looked at, as in QEMU */
  inflate(packed: Uint8Array, length: number): Uint8Array;
  /** @param packed frames, as many as fill `length` bytes and those of metadata between them; what follows is not looked at, as in QEMU */
  unzstd(packed: Uint8Array, length: number): Uint8Array;
  /** Makes the encoder ready; before the first cluster is written that way, and not otherwise. */
  loadDeflate(): Promise<void>;
  /** loadDeflate has resolved. */
  deflate(cluster: Uint8Array): Uint8Array;
  /** The same of zstd, and of the decoder. */
  loadZstd(): Promise<void>;
  /** loadZstd has resolved. */
  zstd(cluster: Uint8Array): Uint8Array;
}

/** The header's compression type for zstd; 0 is deflate, and a reader refuses the others. */
export const ZSTD = 1;

const WINDOW_BITS = 12;
const MEMORY_LEVEL = 9;

type Packer = (cluster: Uint8Array) => Uint8Array;
let loadedDeflate: Packer | null = null;
let loadedZstd: Packer | null = null;
let unpackZstd: Codecs["unzstd"] | null = null;

/** Makes the zstd decoder ready, for all codecs of this program: before an image with such clusters is read, and not otherwise. */
export async function loadZstdDecoder(): Promise<void> {
  unpackZstd ??= (await import("./zstd-decoder.ts")).unpackZstd;
}

/** Makes ready what packs the clusters of an image. @param compressionType its header's */
export const loadEncoder = (codecs: Codecs, compressionType: number): Promise<void> => (compressionType === ZSTD ? codecs.loadZstd() : codecs.loadDeflate());

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
    if (unpackZstd === null) throw new Error("the zstd decoder was not loaded");
    return unpackZstd(packed, length);
  },
  async loadDeflate() {
    if (loadedDeflate !== null) return;
    const { deflateRaw } = await import("pako/browser/deflate");
    loadedDeflate = (cluster) => deflateRaw(cluster, { windowBits: WINDOW_BITS, memLevel: MEMORY_LEVEL });
  },
  deflate(cluster) {
    if (loadedDeflate === null) throw new Error("the deflate encoder was not loaded");
    return loadedDeflate(cluster);
  },
  async loadZstd() {
    await loadZstdDecoder();
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
