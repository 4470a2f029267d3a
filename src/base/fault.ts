/**
 * What goes wrong on the way to the bytes: a store that fails, or a structure of the image that cannot be true.
 *
 * Both can appear under any read or write, many calls below the operation that a user asked for. They travel as one exception
 * class, `Fault`, that only carries plain data, and are turned back into a Result in one place, the engine's border (decision
 * 0001). Nothing else in this program is thrown, but for assertions.
 */

/** A structure of the image that breaks the format: which, where in the file, what was found, what the format allows. */
export interface ImageProblem {
  readonly kind: "image";
  /** The structure, in the format's words: "header", "L2 table", "zoned extension" … */
  readonly structure: string;
  /** The field's name as the specification spells it. */
  readonly field: string;
  /** Where the field lies in the image file, in bytes. */
  readonly hostOffset: number;
  readonly found: string;
  readonly allowed: string;
  /** Set where this is the first that an open image's tables were caught lying: what is to be told of it beside the failure. */
  readonly corruption?: Corruption;
}

/** How a table of an open image lies. fatal: the image was open for writing and is marked corrupt. Offsets in bytes of the file. */
export type Corruption = { readonly fatal: boolean } & (
  /** A cluster that is to be written, or to be given out, holds metadata: of which structure. */
  | { readonly what: "overlap"; readonly owner: string }
  /** The file's first cluster, which nothing counts, would be given to a new one of these. */
  | { readonly what: "offset-zero"; readonly given: AllocatedKind }
  /** An entry of the refcount table leads to no cluster's start. */
  | { readonly what: "refblock-offset"; readonly offset: number; readonly index: number }
  /** An L1 entry leads to no cluster's start. */
  | { readonly what: "l2-table-offset"; readonly offset: number; readonly l1Index: number }
  /** An L2 entry leads to no cluster's start, met by a write or by anything else. */
  | { readonly what: "cluster-offset"; readonly offset: number; readonly l2Offset: number; readonly l2Index: number; readonly written: { readonly guestOffset: number; readonly zero: boolean } | null }
  /** Of an image with an external data file an entry leads elsewhere in it than to the guest's own offset. */
  | { readonly what: "data-file-offset"; readonly offset: number; readonly guestOffset: number; readonly l2Index: number }
  /** Of an image with an external data file an entry is compressed. */
  | { readonly what: "compressed-in-data-file"; readonly l2Offset: number; readonly l2Index: number }
  /** An L2 entry of an image of version 2 has the bit for zeros, which came with version 3. */
  | { readonly what: "zero-in-version-2"; readonly l2Offset: number; readonly l2Index: number }
  /** An L2 entry contradicts itself. */
  | { readonly what: "cluster-entry"; readonly l2Offset: number; readonly l2Index: number; readonly writing: boolean }
);

/** What a cluster is taken for, where QEMU tells that apart from a write on metadata. */
export type AllocatedKind = "L2 table" | "refcount block" | "compressed cluster";

/** Why a byte store could not do what it was asked. */
export interface StoreProblem {
  readonly kind: "store";
  /** changed: what is read is not what it was when it was opened. */
  readonly code: "no-space" | "short-read" | "short-write" | "read-only" | "closed" | "changed" | "io";
  readonly operation: "read" | "write" | "truncate" | "flush" | "size" | "open";
  readonly store: string;
  readonly offset: number;
  readonly lengthBytes: number;
  /** What the platform said, for a person who debugs; never parsed. */
  readonly detail: string;
  /** Linux's number of the error where one was asked for (bytes/debug-store.ts); the code says as much as it can of it. */
  readonly errno?: number;
  /** The change that was asked for is made and durable; what failed is to give up what nothing needs any more, which stays taken. */
  readonly givingUp?: true;
}

/** The image is fine and this program cannot do what was asked of it, by name. */
export interface UnsupportedProblem {
  readonly kind: "unsupported";
  /** What it is that is not supported, e.g. "incompatible feature bit 2 (external data file)". */
  readonly feature: string;
}

export class Fault extends Error {
  override readonly name = "Fault";
  readonly problem: ImageProblem | StoreProblem | UnsupportedProblem;
  constructor(problem: ImageProblem | StoreProblem | UnsupportedProblem) {
    super(JSON.stringify(problem));
    this.problem = problem;
  }
}

/** Whether it is a flush that failed, after which nobody knows what reached the disk, and nothing more is written. */
export const isOfFlush = (problem: { readonly kind: string; readonly operation?: unknown }): boolean => problem.kind === "store" && problem.operation === "flush";

/** An image problem as a value; the argument order is that of the sentence that is made of it. */
export function imageProblem(structure: string, field: string, hostOffset: number, found: string | number, allowed: string): ImageProblem {
  return { kind: "image", structure, field, hostOffset, found: String(found), allowed };
}
