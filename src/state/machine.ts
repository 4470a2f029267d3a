/**
 * The state machine of a sequential zone as a picture needs it: which commands lead from a condition to which other. Whether
 * there is a free slot for a step is the engine's to say; its refusal is shown where it was asked for.
 *
 * Source: zone semantics, "Transitions (sequential zones)".
 */
import { Condition } from "../base/conditions.ts";

export interface Arrow {
  readonly to: Condition;
  readonly operation: "open" | "close" | "finish" | "reset" | "write";
}

/** The arrows out of a condition; `written` tells whether the zone holds anything, on which close depends. */
export function arrowsFrom(condition: Condition, written: boolean): readonly Arrow[] {
  switch (condition) {
    case Condition.EMPTY:
      return [
        { to: Condition.IMPLICIT_OPEN, operation: "write" },
        { to: Condition.EXPLICIT_OPEN, operation: "open" },
        { to: Condition.FULL, operation: "finish" },
      ];
    case Condition.IMPLICIT_OPEN:
      return [
        { to: Condition.EXPLICIT_OPEN, operation: "open" },
        { to: Condition.CLOSED, operation: "close" },
        { to: Condition.FULL, operation: "finish" },
        { to: Condition.EMPTY, operation: "reset" },
      ];
    case Condition.EXPLICIT_OPEN:
      return [
        // Closing what holds nothing makes it EMPTY, as a reset does; one arrow leads there.
        ...(written ? [{ to: Condition.CLOSED, operation: "close" } as const] : []),
        { to: Condition.FULL, operation: "finish" },
        written ? { to: Condition.EMPTY, operation: "reset" } : { to: Condition.EMPTY, operation: "close" },
      ];
    case Condition.CLOSED:
      return [
        { to: Condition.IMPLICIT_OPEN, operation: "write" },
        { to: Condition.EXPLICIT_OPEN, operation: "open" },
        { to: Condition.FULL, operation: "finish" },
        { to: Condition.EMPTY, operation: "reset" },
      ];
    case Condition.FULL:
      return [{ to: Condition.EMPTY, operation: "reset" }];
    default:
      return [];
  }
}
