/**
 * An image opened for trying things out: what is written goes into an overlay in memory, which is gone when the handle is closed,
 * and the files below are only read.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { UniformStore } from "../bytes/uniform-store.ts";
import type { Failure } from "../protocol/index.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { writeNewImage } from "./create-image.ts";
import { openDevice } from "./open-device.ts";
import type { OpenedFiles } from "./open-device.ts";

const CLUSTER_SIZE = 65536;
const REFCOUNT_BITS = 16;

/**
 * An empty overlay over files that were opened for reading.
 * @returns refused for a zoned image: a write pointer says nothing of what lies in another file
 * @throws Fault for files that hold no image
 */
export function withOverlay(files: OpenedFiles, now: () => number, codecs: Codecs): Result<OpenedFiles, Failure> {
  const { device, zoned } = openDevice(files.store, files.format, false, now, undefined, files, codecs);
  if (zoned !== null) return err({ kind: "unsupported", feature: "a temporary snapshot of a zoned image" });
  const store = new UniformStore(`overlay of ${files.file}`);
  const made = writeNewImage(store, { sizeBytes: device.disk.virtualSize, clusterSize: CLUSTER_SIZE, refcountBits: REFCOUNT_BITS, zoned: null });
  if (!made.ok) return made;
  return ok({ file: files.file, store, format: "qcow2", part: null, snapshot: null, inspect: false, backingName: files.file, data: null, backing: files });
}
