/** What the bench's worker tells its page: what it is at, then the figures or how it broke. */
import type { Figure } from "../bench/figure.ts";

export type BenchMessage =
  | { readonly type: "at"; readonly what: string }
  | { readonly type: "done"; readonly figures: readonly Figure[] }
  | { readonly type: "broken"; readonly detail: string };
