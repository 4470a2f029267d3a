/** The call that sets in one bitmap what another one has set. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Failure } from "../protocol/index.ts";
import type { BitmapBits } from "../qcow2/bitmap-bits.ts";
import { usableBitmap } from "../qcow2/bitmap-changes.ts";
import { mergeBitmap, storedBits } from "../qcow2/bitmap-merge.ts";
import { readBitmaps } from "../qcow2/bitmaps.ts";
import { readHeader } from "../qcow2/open.ts";
import type { OpenImage } from "./open-image.ts";

const notFound = (bitmap: string): Result<never, Failure> => err({ kind: "bitmap", code: "not-found", bitmap });

/** Sets in one bitmap what is set in another, of this image or of another one that is open. */
export function mergeBitmaps(image: OpenImage, name: string, from: OpenImage, source: string): Result<{ readonly done: true }, Failure> {
  if (image.format === "raw") return notFound(name);
  // What another handle has recorded and not stored is a part of the source.
  const settled = from === image ? ok(null) : from.settle();
  if (!settled.ok) return settled;
  const merged = image.changeWhole((state): Result<null, Failure> => {
    const target = usableBitmap(readBitmaps(state.store, state.header)?.bitmaps ?? [], name);
    if (!target.ok) return target;
    const bits = sourceBits(from, source);
    if (!bits.ok) return bits;
    const [size, sourceSize] = [image.device.disk.virtualSize, from.device.disk.virtualSize];
    if (size !== sourceSize) return err({ kind: "bitmap", code: "sizes-differ", bitmap: name, size, sourceSize });
    mergeBitmap(state, target.value, bits.value);
    return ok(null);
  });
  return merged.ok ? ok({ done: true }) : merged;
}

function sourceBits(from: OpenImage, source: string): Result<BitmapBits, Failure> {
  if (from.format === "raw") return notFound(source);
  const header = readHeader(from.store);
  const found = usableBitmap(readBitmaps(from.store, header)?.bitmaps ?? [], source);
  return found.ok ? ok(storedBits(from.store, header, found.value)) : found;
}
