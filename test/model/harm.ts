/** What models of refusals do with an image afterwards, and ask of the file that is left. */
import { MemoryStore } from "../../src/bytes/memory-store.ts";
import type { MemoryContents } from "../../src/bytes/memory-store.ts";
import { runToEnd } from "../../src/engine/jobs.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { patternPayload } from "../../src/engine/payload.ts";
import { INCOMPATIBLE_DIRTY, hasBit } from "../../src/qcow2/features.ts";
import { readHeader } from "../../src/qcow2/open.ts";

/** Writes and flushes as the engine's calls do. @returns whether both were done */
export function writeDurably(image: OpenImage, offset: number, length: number, pattern: number): boolean {
  image.unflushed = true;
  return image.guard(() => image.device.write(offset, patternPayload(pattern, length))).ok && image.guard(() => image.flush()).ok;
}

/**
 * What a check finds that harms: neither leaks nor an entry that lacks its COPIED flag, which costs a copy; and none of counts that lag
 * where the header says so.
 */
export function harmIn(contents: MemoryContents): string[] {
  const store = new MemoryStore("a", contents.copy());
  if (hasBit(readHeader(store).incompatible, INCOMPATIBLE_DIRTY)) return [];
  const checked = runToEnd(OpenImage.over(1, "a", store, "qcow2", false, () => 0).check());
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  return checked.value.findings
    .filter((found) => found.finding !== "leak" && !(found.finding === "copied-flag" && !found.entry.startsWith("0x8")))
    .map((found) => JSON.stringify(found));
}
