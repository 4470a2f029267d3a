/** What a check found, for people: what, where, how bad. The line of qemu-img check goes with it. */
import { assertNever } from "../base/assert.ts";
import type { CheckFinding, HiddenData, ZoneCheck, ZoneFinding } from "../protocol/index.ts";
import { findingLines } from "./check-lines.ts";
import { counted, imgSize, integer } from "./format.ts";

export interface FindingWords {
  /** corruption: what is read may be wrong, or a write may overwrite data. leak: space that is lost. note: worth knowing. */
  readonly severity: "corruption" | "leak" | "note";
  readonly what: string;
  /** qemu-img check's line; empty for what it does not print. */
  readonly line: string;
  readonly spot: { readonly hostOffset: number } | { readonly guestOffset: number } | null;
}

const times = (count: number): string => (count === 1 ? "once" : `${integer(count)} times`);
const used = (count: number): string => (count === 0 ? "used by nothing" : `used ${times(count)}`);

export function findingWords(finding: CheckFinding, clusterSize: number): FindingWords {
  const line = findingLines([finding], 1).trim();
  const at = (hostOffset: number | null): FindingWords["spot"] => (hostOffset === null || !Number.isSafeInteger(hostOffset) ? null : { hostOffset });
  const corruption = (what: string, hostOffset: number | null): FindingWords => ({ severity: "corruption", what, line, spot: at(hostOffset) });
  switch (finding.finding) {
    case "leak":
      return { severity: "leak", what: `Counted ${finding.digits === undefined ? times(finding.refcount) : `${finding.digits} times`}, ${used(finding.references)}: space that nothing frees`, line, spot: at(finding.cluster * clusterSize) };
    case "refcount-too-low":
      return corruption(`Counted ${times(finding.refcount)}, ${used(finding.references)}: it may be given out again while it holds data`, finding.cluster * clusterSize);
    case "copied-flag":
      return corruption(`The COPIED flag of an ${finding.structure === "L1 table" ? "L1" : "L2"} entry disagrees with the refcount, ${integer(finding.refcount)}`, target(finding.entry));
    case "copied-compressed":
      return corruption("A compressed cluster has the COPIED flag", finding.hostOffset);
    case "reserved-bits":
      return corruption(`Reserved bits are set in an entry of the ${finding.structure}`, target(finding.entry));
    case "l2-table-unaligned":
      return corruption("An L1 entry leads to a place that is no cluster's start", finding.hostOffset);
    case "data-unaligned":
      return corruption("An L2 entry leads to a place that is no cluster's start", finding.hostOffset);
    case "preallocated-unaligned":
      return corruption("A zero cluster's place is no cluster's start", finding.hostOffset);
    case "compressed-in-data-file":
      return corruption("A compressed cluster, though the data is in another file", null);
    case "compressed-subclusters":
      return corruption("A compressed cluster says something of subclusters", null);
    case "subclusters-contradict":
      return corruption("A subcluster is said to be data and zeros both", finding.hostOffset);
    case "subclusters-without-cluster":
      return corruption("A subcluster is said to be data, and there is no cluster", null);
    case "beyond-end":
      return corruption(`${imgSize(finding.lengthBytes)} are said to lie behind the file's end`, finding.offset);
    case "overflow":
      return corruption("More references than a refcount of this width can count", finding.offset);
    case "snapshots-with-data-file":
      return corruption(`${counted(finding.count, "snapshot")} in an image with an external data file`, null);
    case "snapshot-incomplete":
      return corruption(`Entry ${finding.index} of the snapshot table is incomplete`, null);
    case "snapshot-extra":
      return corruption(`Entry ${finding.index} of the snapshot table has more extra data than is read`, null);
    case "snapshots-overhanging":
      return corruption(`${counted(finding.count, "snapshot")} beyond those that are read`, null);
    case "snapshot-l1":
      return corruption(`The L1 table of snapshot ${finding.id} ${finding.wrong === "unaligned" ? "is not aligned to a cluster" : "is too large"}`, finding.offset);
    case "table-entry":
      return corruption(`Entry ${finding.block} of the refcount table ${finding.wrong === "outside" ? "leads outside the image" : finding.wrong === "unaligned" ? "is not aligned to a cluster" : "has reserved bits set"}`, null);
    case "block-shared":
      return corruption(`Refcount block ${finding.block} is used ${times(finding.references)}`, null);
    case "structure":
      return corruption(`${finding.problem.field} of the ${finding.problem.structure} is ${finding.problem.found}; allowed is ${finding.problem.allowed}`, finding.problem.hostOffset);
    case "refcount-unreadable":
      return corruption("Its refcount cannot be read", finding.cluster * clusterSize);
    case "needs-rebuild":
    case "still-broken":
      return corruption(finding.finding === "needs-rebuild" ? "The refcounts have to be built anew" : "The refcounts that were built anew are still broken", null);
    case "cannot-resize":
    case "rebuilding":
      return { severity: "note", what: finding.finding === "rebuilding" ? "The refcounts are built anew" : "The file could not be made longer", line, spot: null };
    default:
      return assertNever(finding);
  }
}

/** Bits of an entry that are the place it leads to. Source: qcow2 specification, "Cluster mapping". */
const PLACE_BITS = 0x00ff_ffff_ffff_fe00n;

/** Where an entry leads to, by which the entry itself is found; null for nowhere. */
function target(entry: string): number | null {
  const place = Number(BigInt(`0x${entry}`) & PLACE_BITS);
  return place === 0 ? null : place;
}

/** Data in empty zones is told run by run up to so many: of a preallocated disk every zone is empty and has clusters. */
const MOST_EMPTY_TOLD = 8;

/** The findings about zones that are told one by one, and what is told at once of the listed ones in empty zones, where those are many. */
export function toldOfZones({ findings }: Pick<ZoneCheck, "findings">): { readonly each: readonly ZoneFinding[]; readonly empty: { readonly zones: number; readonly lengthBytes: number } | null } {
  const empty = findings.filter((finding): finding is HiddenData => finding.code === "data-in-empty-zone");
  if (empty.length <= MOST_EMPTY_TOLD) return { each: findings, empty: null };
  const zones = new Set(empty.map(({ zone }) => zone)).size;
  return { each: findings.filter(({ code }) => code !== "data-in-empty-zone"), empty: { zones, lengthBytes: empty.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0) } };
}

/** What a check found of zones, for people. */
export function zonesWords(zoned: Pick<ZoneCheck, "findings">): readonly (FindingWords & { readonly zone?: number })[] {
  const { each, empty } = toldOfZones(zoned);
  if (empty === null) return each.map(zoneFindingWords);
  const what = `${imgSize(empty.lengthBytes)} of data in ${counted(empty.zones, "empty zone")}, which no read shows: preallocation makes such clusters, and a crash may leave them`;
  return [...each.map(zoneFindingWords), { severity: "note", what, line: "", spot: null }];
}

function zoneFindingWords(finding: ZoneFinding): FindingWords & { readonly zone: number } {
  const { zone } = finding;
  const note = (what: string, spot: FindingWords["spot"]): FindingWords & { zone: number } => ({ severity: "note", what, line: "", spot, zone });
  switch (finding.code) {
    case "type-disagrees":
      return note("The stored zone type disagrees with the header", { hostOffset: finding.hostOffset });
    case "pointer-not-sector-aligned":
      return { ...note(`The stored write pointer, ${integer(finding.stored)}, is no multiple of a sector`, { hostOffset: finding.hostOffset }), severity: "corruption" };
    case "data-above-pointer":
      return note(`${imgSize(finding.lengthBytes)} of data above the write pointer, which no read shows`, { guestOffset: finding.guestOffset });
    case "data-in-empty-zone":
      return note(`${imgSize(finding.lengthBytes)} of data in an empty zone, which no read shows`, { guestOffset: finding.guestOffset });
    case "data-above-capacity":
      return note(`${imgSize(finding.lengthBytes)} of data above the zone's capacity, which no read shows`, { guestOffset: finding.guestOffset });
    default:
      return assertNever(finding);
  }
}
