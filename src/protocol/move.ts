/** What the programs that move data ask for and tell: convert, dd, compare, rebase and commit. */
import type { Failure } from "./failures.ts";

export interface ConvertOptions {
  /** Zeros in a run of at least so many bytes are left out (a multiple of 512); 0 writes out every byte. */
  readonly sparseBytes: number;
  /** Writes compressed clusters; the target is a qcow2 image. */
  readonly compressed: boolean;
  /** What is not written reads as zeros, but for what the target's backing shows: the target is new, or somebody promised it. */
  readonly targetIsZero: boolean;
  /** What the source has from its own backing is left to the target's, which then shows the same. */
  readonly keepsBacking: boolean;
  /** What cannot be read is copied as zeros and told. */
  readonly salvage: boolean;
  /** The part of the sources that is copied, in bytes of all of them together; null for all. */
  readonly part: { readonly offset: number; readonly length: number } | null;
}

export interface ConvertedDisk {
  /** Sectors that could not be read and were salvaged as zeros, with `status` those of which it could not be told whether they hold data; the first 1000, as they were met. */
  readonly skipped: readonly { readonly offset: number; readonly cause: Failure; readonly status?: true }[];
}

export interface ComparedDisks {
  /** The first difference; null where there is none. "status" and "size" are strict mode's. */
  readonly mismatch: { readonly what: "content" | "status" | "size"; readonly offset: number } | null;
  /** The disks are of different sizes, and all that both have was found to be the same. */
  readonly sizesDiffer: boolean;
}

/** What rebase makes of an image. */
export interface RebaseOptions {
  /** Name and format of the new backing as the header shall say them, the name beside the image; null for none. */
  readonly backing: { readonly file: string; readonly format: string | null } | null;
  /** Only the header is changed: the disk may be another one afterwards. */
  readonly headerOnly: boolean;
  /** What is copied is written compressed. */
  readonly compressed: boolean;
}
