/** The findings of a check and of a repair as qemu-img check prints them, a line each. */
import { assertNever } from "../base/assert.ts";
import type { CheckFinding } from "../protocol/index.ts";
import { imageWords } from "./explain.ts";
import { counted, hex, integer } from "./format.ts";

/** A line by finding, and how many more there are than those that are told. @param told all that were found */
export function findingLines(findings: readonly CheckFinding[], told: number): string {
  const lines = findings.map((finding) => `${findingLine(finding)}\n`).join("");
  const untold = told - findings.length;
  return untold > 0 ? `${lines}... and ${counted(untold, "finding")} more\n` : lines;
}

const countOf = ({ refcount, digits }: { readonly refcount: number; readonly digits?: string }): string => digits ?? integer(refcount);

/** An offset as QEMU prints it here: hex without a prefix. */
const bare = (offset: number): string => offset.toString(16);

function findingLine(finding: CheckFinding): string {
  const repairing = finding.repairing === true;
  const error = repairing ? "Repairing" : "ERROR";
  switch (finding.finding) {
    case "leak":
      return `${repairing ? "Repairing" : "Leaked"} cluster ${finding.cluster} refcount=${countOf(finding)} reference=${finding.references}`;
    case "refcount-too-low":
      return `${error} cluster ${finding.cluster} refcount=${integer(finding.refcount)} reference=${finding.references}`;
    case "copied-flag": {
      const { entry, index } = finding;
      return finding.structure === "L2 table"
        ? `${error} OFLAG_COPIED data cluster: l2_entry=${entry} refcount=${countOf(finding)}`
        : `${error} OFLAG_COPIED L2 cluster: l1_index=${index} l1_entry=${entry} refcount=${countOf(finding)}`;
    }
    case "copied-compressed":
      return `ERROR: coffset=${hex(finding.hostOffset)}: copied flag must never be set for compressed clusters`;
    case "reserved-bits":
      return `ERROR found ${finding.structure === "L1 table" ? "L1" : "l2"} entry with reserved bits set: ${finding.entry}`;
    case "l2-table-unaligned":
      return `ERROR l2_offset=${bare(finding.hostOffset)}: Table is not cluster aligned; L1 entry corrupted`;
    case "data-unaligned":
      return `ERROR offset=${bare(finding.hostOffset)}: Data cluster is not properly aligned; L2 entry corrupted.`;
    case "preallocated-unaligned":
      return `${error} offset=${bare(finding.hostOffset)}: Preallocated cluster is not properly aligned; L2 entry corrupted.`;
    case "compressed-in-data-file":
      return `ERROR compressed cluster ${finding.index} with data file, entry=0x${finding.entry}`;
    case "compressed-subclusters":
      return `ERROR compressed cluster ${finding.index} with non-zero subcluster allocation bitmap, entry=0x${finding.entry}`;
    case "subclusters-contradict":
      return `ERROR offset=${bare(finding.hostOffset)}: Allocated cluster has corrupted subcluster allocation bitmap`;
    case "subclusters-without-cluster":
      return "ERROR: Unallocated cluster has non-zero subcluster allocation map";
    case "beyond-end": {
      const place = `offset ${hex(finding.offset)} size ${hex(finding.lengthBytes)}`;
      return `ERROR: counting reference for region exceeding the end of the file by one cluster or more: ${place}`;
    }
    case "overflow":
      return `ERROR: overflow cluster offset=${hex(finding.offset)}\n${OVERFLOW_ADVICE}`;
    case "snapshots-with-data-file":
      return `ERROR ${finding.count} snapshots in image with data file`;
    case "snapshot-incomplete":
      return `${error} snapshot table entry ${finding.index} is incomplete`;
    case "snapshot-extra": {
      const { index, extraBytes, most } = finding;
      return repairing
        ? `Discarding too much extra metadata in snapshot table entry ${index} (${extraBytes} > ${most})`
        : `ERROR too much extra metadata in snapshot table entry ${index} (${extraBytes} > ${most})`;
    }
    case "snapshots-overhanging":
      return `${repairing ? "Discarding" : "ERROR"} ${finding.count} overhanging snapshots${finding.wrong === "too-long" ? " (snapshot table is too big)" : ""}`;
    case "snapshot-l1": {
      const { id, name } = finding;
      const said = finding.wrong === "unaligned" ? `l1_offset=${hex(finding.offset)}: L1 table is not cluster aligned` : `l1_size=${hex(finding.size)}: L1 table is too large`;
      return `ERROR snapshot ${id} (${name}) ${said}; snapshot table entry corrupted`;
    }
    case "table-entry":
      switch (finding.wrong) {
        case "reserved-bits":
          return `ERROR refcount table entry ${finding.block} has reserved bits set`;
        case "unaligned":
          return `ERROR refcount block ${finding.block} is not cluster aligned; refcount table entry corrupted`;
        case "outside":
          return `${repairing || finding.attempted === true ? "Repairing" : "ERROR"} refcount block ${finding.block} is outside image`;
        default:
          return assertNever(finding);
      }
    case "block-shared":
      return `ERROR refcount block ${finding.block} refcount=${finding.references}`;
    case "cannot-resize":
      return finding.countless ? "ERROR could not resize image: Invalid argument" : "qemu-img: Could not resize file: File too large\nERROR could not resize image: File too large";
    case "refcount-unreadable":
      return `Can't get refcount for cluster ${finding.cluster}: Input/output error`;
    case "structure":
      return `ERROR ${imageWords(finding.problem)}`;
    case "rebuilding":
      return "Rebuilding refcount structure";
    case "needs-rebuild":
      return "ERROR need to rebuild refcount structures";
    case "still-broken":
      return "ERROR rebuilt refcount structure is still broken";
    default:
      return assertNever(finding);
  }
}

const OVERFLOW_ADVICE =
  "Use qemu-img amend to increase the refcount entry width or qemu-img convert to create a clean copy if the image cannot be opened for writing";
