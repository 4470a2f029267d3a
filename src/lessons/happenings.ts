/** What a check is decided on: what is now, and what happened, one after the other. The page makes both of what it knows. */
import type { Condition } from "../base/conditions.ts";
import type { EventCause, ZoneOperation, ZoneRefusalCode } from "../protocol/index.ts";
import type { Operation, Tab } from "./lesson.ts";

/** The lesson's disk and what is shown of it. */
export interface Situation {
  readonly zones: {
    readonly count: number;
    start(zone: number): number;
    conditionOf(zone: number): Condition;
    countOf(condition: Condition): number;
    /** By zone, absolute guest byte offsets. */
    readonly writePointer: ArrayLike<number>;
  };
  readonly resources: { readonly implicitOpen: number; readonly explicitOpen: number; readonly closed: number };
  readonly selected: number | null;
  /** null when the inspector is folded away or shows another file. The spans are those of the selected place, the innermost last. */
  readonly inspected: { readonly tab: Tab; readonly spans: readonly { readonly structure: string; readonly field: string }[] } | null;
}

export type Happening =
  /** `by` is null where nobody knows: the disk was opened anew, changed. */
  | { readonly kind: "transition"; readonly zone: number; readonly from: Condition; readonly to: Condition; readonly by: EventCause | null }
  | { readonly kind: "pointer"; readonly zone: number; readonly from: number; readonly to: number; readonly by: ZoneOperation | null }
  /** Carried out, over [offset, offset + length) of guest bytes; null for what is about the whole disk. */
  | { readonly kind: "done"; readonly operation: Operation; readonly range: { readonly offset: number; readonly length: number } | null }
  | { readonly kind: "refused"; readonly code: ZoneRefusalCode; readonly zone: number | null; readonly operation: ZoneOperation }
  | { readonly kind: "power-cycled" }
  /** A line about the lesson's disk that ended well. */
  | { readonly kind: "command"; readonly words: readonly string[] };
