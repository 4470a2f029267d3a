/** The call that gives an open image another size. */
import { err, ok } from "../base/result.ts";
import { lengthen } from "../bytes/byte-store.ts";
import type { Result } from "../base/result.ts";
import type { DeviceFacts, Failure } from "../protocol/index.ts";
import { writeZeros } from "../qcow2/create.ts";
import { resizeImage } from "../qcow2/resize.ts";
import { runToEnd } from "./jobs.ts";
import type { OpenImage } from "./open-image.ts";

export function resizeOpened(image: OpenImage, sizeBytes: number, preallocate: boolean): Result<DeviceFacts, Failure> {
  if (sizeBytes > Number.MAX_SAFE_INTEGER) return err({ kind: "resize", code: "too-large", sizeBytes });
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return err({ kind: "option", option: "size", found: String(sizeBytes), allowed: "0 to just below 8 PiB" });
  if (image.device.zones !== null) return err({ kind: "unsupported", feature: "resizing a zoned image" });
  const resized = image.format === "raw" ? resizeRaw(image, sizeBytes, preallocate) : resizeQcow2(image, sizeBytes, preallocate);
  return resized.ok ? ok(image.facts()) : resized;
}

function resizeQcow2(image: OpenImage, sizeBytes: number, preallocate: boolean): Result<null, Failure> {
  return image.changeWhole((state) => {
    const resized = resizeImage(state, sizeBytes, preallocate);
    if (resized.ok) return resized;
    return err(resized.error.kind === "resize" ? { ...resized.error, sizeBytes } : resized.error);
    // QEMU gives up no such cluster, and goes on: to it the image is no worse than before.
  }, false);
}

function resizeRaw(image: OpenImage, sizeBytes: number, preallocate: boolean): Result<null, Failure> {
  if (image.files.part !== null) return err({ kind: "resize", code: "fixed", sizeBytes });
  return image.changeFile((store) => {
    const before = store.size();
    lengthen(store, sizeBytes);
    if (preallocate && sizeBytes > before) runToEnd(writeZeros(store, before, sizeBytes - before));
    store.flush();
    return ok(null);
  });
}
