/** The line that QEMU's programs print once when a table of an open image turns out to lie. */
import { assertNever } from "../base/assert.ts";
import type { Failure } from "../protocol/index.ts";
import { hex } from "./format.ts";

type Corruption = NonNullable<Extract<Failure, { kind: "image" }>["corruption"]>;

/** The line with its newline, or null where a failure tells of no corruption. */
export function corruptionLine(failure: Failure): string | null {
  if (failure.kind === "move" || (failure.kind === "chain" && "cause" in failure)) return corruptionLine(failure.cause);
  if (failure.kind !== "image" || failure.corruption === undefined) return null;
  const { corruption } = failure;
  return corruption.fatal
    ? `qcow2: Marking image as corrupt: ${whatOf(corruption)}; further corruption events will be suppressed\n`
    : `qcow2: Image is corrupt: ${whatOf(corruption)}; further non-fatal corruption events will be suppressed\n`;
}

/** As C's %#x has it. */
const sharp = (number: number): string => (number === 0 ? "0" : hex(number));

/** QEMU's names of what ours calls otherwise. */
const OWNERS: Readonly<Record<string, string>> = {
  "header": "qcow2_header",
  "L1 table": "active L1 table",
  "L2 table": "active L2 table",
  "L1 table of a snapshot": "inactive L1 table",
  "L2 table of a snapshot": "inactive L2 table",
};

function whatOf(corruption: Corruption): string {
  switch (corruption.what) {
    case "overlap":
      return `Preventing invalid write on metadata (overlaps with ${OWNERS[corruption.owner] ?? corruption.owner})`;
    case "refblock-offset":
      return `Refblock offset ${sharp(corruption.offset)} unaligned (reftable index: ${sharp(corruption.index)})`;
    case "l2-table-offset":
      return `L2 table offset ${sharp(corruption.offset)} unaligned (L1 index: ${sharp(corruption.l1Index)})`;
    case "cluster-offset":
      return unaligned(corruption);
    case "data-file-offset":
      // The bracket that is closed was never opened, there either.
      return `External data file host cluster offset ${sharp(corruption.offset)} does not match guest cluster offset: ${sharp(corruption.guestOffset)}, L2 index: ${sharp(corruption.l2Index)})`;
    case "compressed-in-data-file":
      return `Compressed cluster entry found in image with external data file (L2 offset: ${sharp(corruption.l2Offset)}, L2 index: ${sharp(corruption.l2Index)})`;
    case "zero-in-version-2":
      return `Zero cluster entry found in pre-v3 image (L2 offset: ${sharp(corruption.l2Offset)}, L2 index: ${sharp(corruption.l2Index)})`;
    case "offset-zero":
      return `Preventing invalid allocation of ${corruption.given} at offset 0`;
    case "cluster-entry":
      // Where nothing is written it has two spaces.
      return `Invalid cluster entry found ${corruption.writing ? "" : " "}(L2 offset: ${sharp(corruption.l2Offset)}, L2 index: ${sharp(corruption.l2Index)})`;
    default:
      return assertNever(corruption);
  }
}

function unaligned({ offset, l2Offset, l2Index, written }: Corruption & { what: "cluster-offset" }): string {
  if (written === null) return `Cluster allocation offset ${sharp(offset)} unaligned (L2 offset: ${sharp(l2Offset)}, L2 index: ${sharp(l2Index)})`;
  return `${written.zero ? "Preallocated zero" : "Data"} cluster offset ${sharp(offset)} unaligned (guest offset: ${sharp(written.guestOffset)})`;
}
