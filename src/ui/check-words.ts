/** A check in a few words, for its tab and for the note beside the tabs. */
import type { CheckReport, RepairReport } from "../protocol/index.ts";
import { counted, formatCount } from "../state/units.ts";

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

/**
 * What becomes of corruptions that the check counts and a repair need not touch: flags that are right once the counts are. Empty where there
 * are none. @param found what the check found, @param report of the repair
 */
export function consequenceWords(found: Pick<CheckReport, "corruptions">, report: Pick<RepairReport, "corruptionsFixed" | "after">): string {
  const gone = found.corruptions - report.corruptionsFixed - report.after.corruptions;
  if (gone <= 0 || report.corruptionsFixed === 0) return "";
  return gone === 1 ? "One more corruption that the check counts follows from these and goes with them." : `${formatCount(gone)} more corruptions that the check counts follow from these and go with them.`;
}
