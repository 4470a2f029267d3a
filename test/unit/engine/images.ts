/** Images of the patched builds, and any bytes, as files of a library in memory; and the zoned extension read by its bytes alone. */
import { readFileSync, readdirSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import type { MemoryFiles } from "../../../src/bytes/memory-files.ts";

const FOLDER = "test/oracle/data";

/** Names of the images that the patched v4 and v9 builds made, without their endings. */
export const patchedNames = (): string[] => readdirSync(FOLDER).filter((name) => name.endsWith(".qcow2.gz")).map((name) => name.slice(0, -".qcow2.gz".length)).sort();

export function patchedImage(name: string): Uint8Array {
  const { buffer, byteOffset, length } = gunzipSync(readFileSync(`${FOLDER}/${name}.qcow2.gz`));
  return new Uint8Array(buffer, byteOffset, length);
}

const PAGE = 65536;
const ZEROS = new Uint8Array(PAGE);

/** Puts the bytes into the library; pages of zeros stay holes. */
export async function putFile(files: MemoryFiles, name: string, bytes: Uint8Array): Promise<void> {
  const opened = await files.open(name, "create");
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  opened.value.truncate(bytes.length);
  for (let at = 0; at < bytes.length; at += PAGE) {
    const page = bytes.subarray(at, at + PAGE);
    if (Buffer.compare(page, ZEROS.subarray(0, page.length)) !== 0) opened.value.write(at, page);
  }
  opened.value.close();
}

/** Reads a closed file of the library; what lies beyond its end is zeros. */
export async function fileReader(files: MemoryFiles, name: string): Promise<{ size: number; read: (offset: number, length: number) => Uint8Array }> {
  const opened = await files.open(name, "read");
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const store = opened.value;
  return {
    size: store.size(),
    read: (offset, length) => {
      const into = new Uint8Array(length);
      if (offset < store.size()) store.read(offset, into);
      return into;
    },
  };
}

export interface RawExtension {
  /** Where the extension's data begins in the file. */
  readonly at: number;
  readonly data: Uint8Array;
  readonly dialect: "v4" | "v7" | "v9";
  readonly zoneSize: number;
  readonly zoneCapacity: number;
  readonly conventional: number;
  readonly zoneCount: number;
  readonly maxActive: number;
  readonly maxOpen: number;
  readonly maxAppendBytes: number;
  readonly metadataOffset: number;
  readonly metadataSize: number;
}

/** The zoned extension of a well-formed image, by the tables of the format's page. */
export function rawExtension(file: Uint8Array): RawExtension {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const bit = (view.getUint8(79) & 0x20) !== 0;
  for (let at = view.getUint32(100); view.getUint32(at) !== 0; at += 8 + Math.ceil(view.getUint32(at + 4) / 8) * 8) {
    if (view.getUint32(at) !== 0x007a6264) continue;
    const length = view.getUint32(at + 4);
    const begin = at + 8;
    const u32 = (byte: number): number => view.getUint32(begin + byte);
    const u64 = (byte: number): number => Number(view.getBigUint64(begin + byte));
    const data = file.slice(begin, begin + length);
    if (length === 56) {
      return {
        at: begin, data, dialect: "v9", zoneSize: u64(4), zoneCapacity: u64(12), conventional: u32(20), zoneCount: u32(24), maxActive: u32(28),
        maxOpen: u32(32), maxAppendBytes: u32(36), metadataSize: u64(40), metadataOffset: u64(48),
      };
    }
    return {
      at: begin, data, dialect: bit ? "v7" : "v4", zoneSize: u32(4), zoneCapacity: u32(8), conventional: u32(12), zoneCount: u32(16), maxActive: u32(20),
      maxOpen: u32(24), maxAppendBytes: bit ? u32(28) : u32(28) * 512, metadataOffset: bit ? u64(40) : u64(32), metadataSize: bit ? u64(32) : u64(40),
    };
  }
  throw new Error("no zoned extension");
}
