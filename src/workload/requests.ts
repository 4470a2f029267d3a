/** Requests as a job makes them and hears what came of them. A source of requests is a generator: it yields what is in flight together. */
import type { JobEnd } from "./job.ts";

/** What a write writes. */
export type Content =
  | { readonly kind: "byte"; readonly byte: number }
  /** Every sector filled with its own offset. */
  | { readonly kind: "offsets" }
  | { readonly kind: "data"; readonly data: Uint8Array };

/** What a read is expected to find; null where nothing is known of it. */
export type Expected = { readonly kind: "offsets" } | { readonly kind: "stamp"; readonly key: number; readonly version: number } | null;

export type Request =
  | { readonly op: "write"; readonly offset: number; readonly length: number; readonly content: Content; readonly purpose: Purpose }
  /** `offset` is the zone's start. */
  | { readonly op: "append"; readonly offset: number; readonly length: number; readonly byte: number; readonly purpose: Purpose }
  | { readonly op: "read"; readonly offset: number; readonly length: number; readonly expected: Expected; readonly wantData: boolean; readonly purpose: Purpose }
  | { readonly op: "reset" | "finish" | "close"; readonly offset: number; readonly length: number }
  | { readonly op: "flush" };

/** job: what was asked for. clean: what the cleaner makes of its own. verify: the reading back. */
export type Purpose = "job" | "clean" | "verify";

export type RequestKind = Request["op"];

export type RequestResult =
  | { readonly ok: true; /** Where it lies, of an append where it landed. */ readonly offset: number; /** Of a read that wanted it. */ readonly data: Uint8Array | null; readonly matches: boolean }
  | { readonly ok: false; readonly code: string };

/** Requests that are in flight together, or the end: a source that yields it is not asked any further. */
export type Batch = readonly Request[] | { readonly end: JobEnd };

/** A part of a source. It is answered with the results of each batch, in the same order. */
export type Steps<Value> = Generator<Batch, Value, readonly RequestResult[]>;
/** Returns why it ends. */
export type RequestSource = Steps<JobEnd>;

/** How many requests of the job itself are still to be made. */
export class Budget {
  left: number;
  constructor(requests: number) {
    this.left = requests;
  }

  /** Takes up to `wanted` of them. */
  take(wanted: number): number {
    const taken = Math.min(wanted, this.left);
    this.left -= taken;
    return taken;
  }
}
