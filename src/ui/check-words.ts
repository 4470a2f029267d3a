/** A check in a few words, for its tab and for the note beside the tabs. */
import type { CheckReport } from "../protocol/index.ts";
import { counted } from "../state/units.ts";

/** What a check found, in a few words; empty for nothing. */
export function foundWords({ corruptions, leaks, checkErrors, zoned }: CheckReport): string {
  const remarks = zoned === null ? 0 : Object.values(zoned.counts).reduce((sum, count) => sum + count, 0);
  const words = [
    corruptions > 0 && counted(corruptions, "corruption"),
    leaks > 0 && counted(leaks, "leaked cluster"),
    checkErrors > 0 && `${counted(checkErrors, "place")} that could not be checked`,
    remarks > 0 && `${counted(remarks, "remark")} on zones`,
  ];
  return words.filter((word) => word !== false).join(", ");
}
