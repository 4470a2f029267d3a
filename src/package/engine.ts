/**
 * `zonescope/engine`: qcow2 images, zoned or not, for other programs. It runs in Node, in a worker and in a page, reads and writes
 * through a byte store that the caller may supply, and asks nothing of its surroundings.
 * @module
 */
export type { ByteStore } from "../bytes/byte-store.ts";
export type { FileRange } from "../bytes/holes.ts";
export type { FileSpace } from "../bytes/file-space.ts";
export { BlobStore } from "../bytes/blob-store.ts";
export { MemoryStore } from "../bytes/memory-store.ts";
export type { ReadBlobSync } from "../bytes/blob-store.ts";
export type { FileEntry, OpenMode, Usage } from "../bytes/file-space.ts";
export type { MemoryContents } from "../bytes/memory-store.ts";
export type { Result } from "../base/result.ts";
export type { Condition } from "../base/conditions.ts";
export type { SourceProblem } from "../protocol/source-names.ts";
export type { Bytes, GuestOffset, ZoneIndex } from "../base/units.ts";
export type * from "../protocol/failures.ts";
export type * from "../zoned/refusal.ts";
export type { AmendProblem } from "../protocol/amend.ts";
export type { Preallocation, CreateOptions, Extent, ZonedCreateOptions } from "../protocol/calls.ts";
export type { CheckFinding, CheckReport, HiddenData, KeptLeaks, RepairMode, RepairReport, ZoneCheck, ZoneFinding } from "../protocol/check.ts";
export type { BitmapFacts, DeviceFacts, Dialect, ImageFacts, PointerFinding, PointerSummary, Resources, SnapshotFacts, ZonedFacts, ZoneGeometry } from "../protocol/snapshot.ts";
export { Image } from "./image.ts";
export type { Zone } from "./image.ts";
export { ImageError } from "./image-error.ts";
export { createImage, openImage } from "./open.ts";
export type { CreateImageOptions, NamedImage, OpenImageOptions } from "./open.ts";
export { NamedStores } from "./stores.ts";
