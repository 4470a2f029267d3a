/** Changing the options of an image that is there: what can be asked for, and why it is refused. */

/** Each absent where it stays. */
export interface AmendOptions {
  readonly version?: 2 | 3;
  /** 1 to 64, a power of two. */
  readonly refcountBits?: number;
  readonly lazyRefcounts?: boolean;
  readonly sizeBytes?: number;
  /** What the header must say already: another backing file is rebase's business. null for none. */
  readonly backing?: { readonly file: string | null; readonly format: string | null };
  /** The name of the external data file, of an image that has one; empty takes the name away. */
  readonly dataFile?: string;
  readonly dataFileRaw?: boolean;
}

/** An option that stays as it is; those before it may be changed already. */
export type AmendProblem = { readonly kind: "amend" } & (
  | {
      readonly code:
        /** A name for a data file, of an image that has its data itself. */
        | "no-data-file"
        /** That a data file is raw can be taken back and not be promised later. */
        | "raw-not-settable"
        | "refcount-bits-in-version-2"
        | "refcount-table-too-large"
        | "backing-file"
        | "lazy-in-version-2"
        | "header-full"
        | "downgrade-refcount-bits"
        | "downgrade-data-file"
        /** A snapshot has a disk of another size, or a machine's state that is too long for version 2. */
        | "downgrade-snapshots"
        | "downgrade-zstd-clusters";
    }
  /** A count of references does not fit the width. Bytes of the file. */
  | { readonly code: "refcount-too-narrow"; readonly bits: number; readonly hostOffset: number; readonly refcount: number }
  /** Incompatible features that version 2 has no word for, by their bits. */
  | { readonly code: "downgrade-features"; readonly features: readonly number[] }
);
