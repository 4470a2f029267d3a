/** The one place where the page turns a Failure into words; the words themselves are made in command/explain.ts. */
import { explain } from "../command/explain.ts";
import type { Explanation } from "../command/explain.ts";
import type { Failure } from "../protocol/index.ts";

/** title: the rule in a few words; why: with the numbers; instead: what would have worked; names: what others call it. */
export type FailureText = Explanation;

export const textOf = (failure: Failure): FailureText => explain(failure);
