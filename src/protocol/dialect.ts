/** What is told of an image's dialect of the zoned format, and of a change of it. */
import type { ImageProblem } from "../base/fault.ts";
import type { Dialect, DialectTraits } from "../zoned/dialect.ts";
import type { ZoneGeometry } from "../zoned/geometry.ts";

export type { DialectTraits } from "../zoned/dialect.ts";

export interface DialectFacts {
  /** The first zoned extension (magic 0x007a6264): where its data lies in the file, in bytes; null where there is none. */
  readonly extension: { readonly hostOffset: number; readonly lengthBytes: number } | null;
  /** Whether incompatible feature bit 5 is set. */
  readonly featureBit: boolean;
  /** What the image's own feature name table calls that bit; null where it does not. */
  readonly featureName: string | null;
  /** null where there is no extension, where it says that there are no zones, and where it is none of the dialects. */
  readonly zoned: {
    readonly traits: DialectTraits;
    readonly geometry: ZoneGeometry;
    readonly metadataOffset: number;
    readonly metadataSize: number;
  } | null;
  /** Why the extension is not believed, or null. */
  readonly problem: ImageProblem | null;
}

export interface DialectChange {
  readonly from: Dialect;
  readonly to: Dialect;
  /** none: it was that dialect already. sector: one write of the first 512 bytes. new-file: a copy that was put in the image's place. */
  readonly method: "none" | "sector" | "new-file";
  /** What became of the feature name table; "kept" with its entry of bit 5 as the dialect has it. */
  readonly featureNames: "absent" | "kept" | "shortened" | "dropped";
}
