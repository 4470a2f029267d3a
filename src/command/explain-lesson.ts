/** What is wrong with a lesson's file, in sentences that name the place. What stands in the file is shown, and never taken for more. */
import type { Complaint } from "../lessons/reader.ts";
import { visibleText } from "./visible-text.ts";

/** One line for each: "steps[2].check.zone: found 99; wanted: a whole number from 0 to 11". */
export const complaintLines = (complaints: readonly Complaint[]): readonly string[] =>
  complaints.map(({ place, found, allowed }) => `${place === "" ? "" : `${visibleText(place)}: `}found ${visibleText(found)}; wanted: ${allowed}`);
