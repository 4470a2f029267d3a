/** The one place where the page turns a Failure into words; the words themselves are made in command/explain.ts. */
import { explain } from "../command/explain.ts";
import type { Explanation } from "../command/explain.ts";
import type { Failure } from "../protocol/index.ts";
import { groupDigits } from "./units.ts";

export { elsewhere, elsewhereLine } from "../command/explain.ts";

/** title: the rule in a few words; why: with the numbers; instead: what would have worked; names: what others call it. */
export type FailureText = Explanation;

/** Whether the browser, or the machine's disk, has no room for what was to be stored. */
export const isFull = (failure: Failure): boolean => (failure.kind === "store" || failure.kind === "file") && failure.code === "no-space";

/** The numbers of a broken image are read and not typed again: their digits are grouped. Those of other refusals are for the prompt too. */
export function textOf(failure: Failure): FailureText {
  const text = explain(failure);
  return failure.kind === "image" ? { ...text, why: groupDigits(text.why) } : text;
}
