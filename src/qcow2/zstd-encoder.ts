/** The zstd encoder, in a file of its own so that only writing a zstd cluster loads it. Knows no images. */
import { compress, init } from "@bokuweb/zstd-wasm";

/** The level that QEMU compresses with, zstd's own default. */
const LEVEL = 3;

/** Resolves to a function that makes one frame of its argument. */
export async function loadEncoder(): Promise<(data: Uint8Array) => Uint8Array> {
  await init();
  return (data) => compress(data, LEVEL);
}
