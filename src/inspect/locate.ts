/**
 * One place seen five ways: from a byte of the file, a byte of the disk or a zone to all the others. Which entry leads to a byte of
 * data stands nowhere, so that L2 tables are gone through for the first one, which makes an index of them: long work. Source: qcow2 specification, "Cluster mapping".
 */
import { readPadded } from "../bytes/byte-store.ts";
import type { HeaderReport, LayoutKind, Place } from "../protocol/inspect.ts";
import { ENTRY_BYTES } from "../qcow2/entries.ts";
import { compressedPlace, isCompressed, offsetAt, offsetOf } from "../qcow2/entry-words.ts";
import { decodeCluster, isPlaced, subclusterKind } from "../qcow2/l2-entries.ts";
import type { ClusterEntry } from "../qcow2/l2-entries.ts";
import { zoneEnd, zoneOf, zoneStart } from "../zoned/geometry.ts";
import { POINTER_BYTES, decodePointer } from "../zoned/pointer.ts";
import { conditionAfterPowerCycle } from "../zoned/pointer.ts";
import { zoneIndex } from "../base/units.ts";
import { HostIndex } from "./host-index.ts";
import { tolerant } from "./inspected.ts";
import type { Inspected } from "./inspected.ts";
import { spansAt } from "./spans.ts";
import type { Area } from "./structures.ts";
import { l2Place } from "./tables.ts";

/** What a zone is now, where a device knows better than the file; null where the file is to be asked. */
export type LiveZone = (zone: number) => Pick<NonNullable<Place["zone"]>, "condition" | "writePointer"> | null;

export interface Locating {
  readonly inspected: Inspected;
  readonly report: HeaderReport;
  readonly live: LiveZone;
}

type Range = NonNullable<Place["guest"]>;
/** An L2 entry that was found: its indices and its words. */
interface Found {
  readonly l1: number;
  readonly l2: number;
  readonly tableOffset: number;
  readonly entry: ClusterEntry | null;
}

/** A guest byte; it lies within the disk. */
export function placeOfGuest(locating: Locating, offset: number): Place {
  const { inspected } = locating;
  const { clusterSize } = inspected.header;
  const l1 = Math.floor(offset / inspected.l2Span);
  const l2 = Math.floor(offset / clusterSize) % inspected.l2Entries;
  const inCluster = offset % clusterSize;
  const guest = { offset, lengthBytes: Math.min(clusterSize - inCluster, inspected.header.virtualSize - offset) };
  const table = l1 < inspected.header.l1Size ? l2Place(inspected, l1) : null;
  const tableOffset = table !== null && table.ok ? table.value : null;
  if (tableOffset === null) return { ...nowhere(locating, guest), l1: l1 < inspected.header.l1Size ? l1Part(inspected, l1) : null };
  const { value: entry } = tolerant(() => decodeCluster(inspected.l2Table(tableOffset), l2, tableOffset, inspected.format));
  const found = { l1, l2, tableOffset, entry };
  const hostOffset = entry === null || inspected.format.externalData ? null : storedAt(inspected, entry, inCluster);
  return { ...nowhere(locating, guest), ...hostPart(locating, hostOffset, dataKind(entry, inspected, inCluster)), ...entryParts(inspected, found) };
}

/** A zone: the place of its first byte. */
export const placeOfZone = (locating: Locating, zone: number): Place => placeOfGuest(locating, zone * (locating.inspected.zoned?.geometry.zoneSize ?? 0));

/** A byte of the file, within it. Yields the fraction of the tables that were gone through. */
export function* placeOfHost(locating: Locating, hostOffset: number): Generator<number, Place, void> {
  const { inspected } = locating;
  const area = inspected.structures.within(hostOffset, hostOffset + 1).at(-1);
  if (area !== undefined) return placeInStructure(locating, area, hostOffset);
  const found = yield* findEntry(inspected, hostOffset);
  const blank: Place = { ...nowhere(locating, null), ...hostPart(locating, hostOffset, null) };
  if (found === null) return { ...blank, layoutKind: unclaimedKind(inspected, hostOffset) };
  const { clusterSize, virtualSize } = inspected.header;
  const start = found.l1 * inspected.l2Span + found.l2 * clusterSize;
  const { entry } = found;
  const isStream = entry !== null && entry.compressedBytes > 0;
  const inCluster = isStream ? 0 : hostOffset % clusterSize;
  const guest = { offset: start + inCluster, lengthBytes: Math.max(0, Math.min(clusterSize - inCluster, virtualSize - start - inCluster)) };
  return { ...blank, ...guestPart(locating, guest), layoutKind: dataKind(entry, inspected, inCluster), ...entryParts(inspected, found) };
}

/** What no active table leads to: free, a snapshot's, or nobody's; null where the refcount cannot be read. */
function unclaimedKind({ header, refcounts }: Inspected, hostOffset: number): LayoutKind | null {
  const refcount = refcounts.of(Math.floor(hostOffset / header.clusterSize));
  if (refcount === null || refcount === 0) return refcount === null ? null : "free";
  return header.snapshotCount > 0 ? "inactive-data" : "leaked";
}

function placeInStructure(locating: Locating, area: Area, hostOffset: number): Place {
  const { inspected } = locating;
  const blank: Place = { ...nowhere(locating, null), ...hostPart(locating, hostOffset, area.kind) };
  const { virtualSize, clusterSize } = inspected.header;
  const cut = (offset: number, lengthBytes: number): Range | null => (offset < virtualSize ? { offset, lengthBytes: Math.min(lengthBytes, virtualSize - offset) } : null);
  switch (area.kind) {
    case "l1-table": {
      const index = Math.floor((hostOffset - area.start) / ENTRY_BYTES);
      return { ...blank, l1: l1Part(inspected, index), ...guestPart(locating, cut(index * inspected.l2Span, inspected.l2Span)) };
    }
    case "l2-table": {
      const l2 = Math.floor((hostOffset - area.start) / inspected.format.entryBytes);
      const guest = cut(area.index * inspected.l2Span + l2 * clusterSize, clusterSize);
      return { ...blank, ...entryParts(inspected, { l1: area.index, l2, tableOffset: area.start, entry: null }), ...guestPart(locating, guest) };
    }
    case "zoned-metadata": {
      const geometry = inspected.zoned!.geometry;
      const zone = zoneIndex(Math.floor((hostOffset - area.start) / POINTER_BYTES));
      const isZone = zone < geometry.zoneCount;
      return isZone ? { ...blank, ...guestPart(locating, { offset: zoneStart(geometry, zone), lengthBytes: zoneEnd(geometry, zone) - zoneStart(geometry, zone) }) } : blank;
    }
    default:
      return blank;
  }
}

function nowhere(locating: Locating, guest: Range | null): Place {
  return { hostOffset: null, hostCluster: null, layoutKind: null, spans: [], l1: null, l2: null, ...guestPart(locating, guest) };
}

function guestPart({ inspected, live }: Locating, guest: Range | null): Pick<Place, "guest" | "zone"> {
  const { zoned, store } = inspected;
  if (guest === null || zoned === null || guest.offset >= zoned.geometry.deviceSize) return { guest, zone: null };
  const zone = zoneOf(zoned.geometry, guest.offset);
  const start = zoneStart(zoned.geometry, zone);
  const now = live(zone);
  if (now !== null) return { guest, zone: { zone, start, ...now } };
  const word = new Uint8Array(POINTER_BYTES);
  readPadded(store, zoned.metadataOffset + zone * POINTER_BYTES, word);
  const pointer = decodePointer(new DataView(word.buffer), 0);
  return { guest, zone: { zone, start, condition: conditionAfterPowerCycle(zoned.geometry, zone, pointer.conventional, pointer.offset), writePointer: pointer.offset } };
}

function hostPart({ inspected, report }: Locating, hostOffset: number | null, layoutKind: LayoutKind | null): Pick<Place, "hostOffset" | "hostCluster" | "layoutKind" | "spans"> {
  if (hostOffset === null) return { hostOffset, hostCluster: null, layoutKind, spans: [] };
  const isBehind = hostOffset >= inspected.fileSize;
  return { hostOffset, hostCluster: Math.floor(hostOffset / inspected.header.clusterSize), layoutKind: isBehind ? "beyond-end" : layoutKind, spans: isBehind ? [] : spansAt(inspected, report, hostOffset) };
}

const l1Part = ({ header }: Inspected, index: number): NonNullable<Place["l1"]> => ({ index, entryOffset: header.l1Offset + index * ENTRY_BYTES });

function entryParts(inspected: Inspected, { l1, l2, tableOffset }: Found): Pick<Place, "l1" | "l2"> {
  return { l1: l1Part(inspected, l1), l2: { index: l2, entryOffset: tableOffset + l2 * inspected.format.entryBytes, tableOffset } };
}

/** Where a byte of a cluster is stored, null for one that is stored nowhere; of a compressed cluster, where its stream begins. */
function storedAt({ format }: Inspected, entry: ClusterEntry, inCluster: number): number | null {
  if (entry.compressedBytes > 0) return entry.hostOffset;
  return isPlaced(subclusterKind(entry, Math.floor(inCluster / format.subclusterSize))) ? entry.hostOffset + inCluster : null;
}

function dataKind(entry: ClusterEntry | null, { format }: Inspected, inCluster: number): LayoutKind | null {
  if (entry === null || !entry.placed) return null;
  if (entry.compressedBytes > 0) return "compressed";
  return subclusterKind(entry, Math.floor(inCluster / format.subclusterSize)) === "zero-allocated" ? "zero-allocated" : "data";
}

/** The first active entry that leads to the cluster, or to a stream that has the byte. All tables are gone through for the first one. */
function* findEntry(inspected: Inspected, hostOffset: number): Generator<number, Found | null, void> {
  const { header, format } = inspected;
  if (format.externalData) return null;
  const cluster = Math.floor(hostOffset / header.clusterSize);
  const hinted = inspected.hostIndex === undefined ? (inspected.hint?.tableOf(cluster) ?? null) : null;
  if (hinted !== null && typeof hinted === "object" && hinted.l1Index < header.l1Size) {
    const found = findBy(inspected, hinted.l1Index, hostOffset);
    if (found !== null) return found;
  }
  if (inspected.hostIndex === undefined) inspected.hostIndex = yield* HostIndex.build(inspected);
  const sought = inspected.hostIndex?.tableOf(cluster) ?? "anywhere";
  if (sought === "nowhere") return null;
  if (sought !== "anywhere") return findBy(inspected, sought.l1Index, hostOffset);
  for (const { l1Index, offset, table } of inspected.activeTables()) {
    const found = table === null ? null : findInTable(inspected, table, offset, hostOffset);
    if (found !== null) return { l1: l1Index, ...found };
    yield l1Index / header.l1Size;
  }
  return null;
}

/** As findEntry, in the table of one L1 entry. */
function findBy(inspected: Inspected, l1Index: number, hostOffset: number): Found | null {
  const offset = offsetAt(inspected.l1Words(l1Index, 1), 0);
  const found = offset === 0 || offset >= inspected.fileSize ? null : findInTable(inspected, inspected.l2Table(offset), offset, hostOffset);
  return found === null ? null : { l1: l1Index, ...found };
}

function findInTable(inspected: Inspected, table: DataView, tableOffset: number, hostOffset: number): Omit<Found, "l1"> | null {
  const { header, format } = inspected;
  const clusterStart = Math.floor(hostOffset / header.clusterSize) * header.clusterSize;
  for (let at = 0, l2 = 0; at < header.clusterSize; at += format.entryBytes, l2++) {
    const [high, low] = [table.getUint32(at), table.getUint32(at + 4)];
    if (high === 0 && low === 0) continue;
    if (leadsTo(high, low, header.clusterBits, clusterStart, hostOffset)) return { l2, tableOffset, entry: tolerant(() => decodeCluster(table, l2, tableOffset, format)).value };
  }
  return null;
}

function leadsTo(high: number, low: number, clusterBits: number, clusterStart: number, hostOffset: number): boolean {
  if (!isCompressed(high)) return offsetOf(high, low) === clusterStart;
  const { offset, lengthBytes } = compressedPlace(high, low, clusterBits);
  return hostOffset >= offset && hostOffset < offset + lengthBytes;
}
