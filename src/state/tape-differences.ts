/** In what a disk that is made again from a tape would differ from the one whose calls were recorded; in words. */
import { LEFT_OUT_BYTE } from "../protocol/index.ts";
import { Tape } from "./tape.ts";
import { counted, formatBytes, formatHex } from "./units.ts";

/**
 * @param moment events that had happened
 * @returns a sentence each, without its end; empty where it would be the same, bytes and all
 */
export function differencesOf(tape: Tape, moment: number): readonly string[] {
  const leftOut = Tape.leftOut(tape.until(moment));
  const undone = tape.undoneBefore(moment);
  return [
    ...(leftOut === 0 ? [] : [`Its zones will be the same, but not all of its bytes: ${formatBytes(leftOut)} were too many to keep, and ${formatHex(LEFT_OUT_BYTE)} stands in their place`]),
    ...(undone === 0 ? [] : [`${counted(undone, "command")} that a power cut undid ${undone === 1 ? "is" : "are"} left out; what they overwrote in conventional zones may have stayed in the disk that was cut`]),
  ];
}
