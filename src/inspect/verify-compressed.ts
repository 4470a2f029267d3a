/**
 * Whether the compressed clusters of the active disk can be read: each is decompressed, which no check of refcounts does. Long work.
 * Source: qcow2 specification, "Compressed Clusters Descriptor".
 */
import type { CompressedFinding, CompressedReport } from "../protocol/inspect.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { ZSTD } from "../qcow2/codecs.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { ENTRY_BYTES } from "../qcow2/entries.ts";
import { compressedPlace, isCompressed, offsetOf } from "../qcow2/entry-words.ts";
import { ClusterSet } from "./cluster-set.ts";
import type { Inspected } from "./inspected.ts";

const MOST_FINDINGS = 1000;

/** Yields the fraction of the L1 table that was gone through. @throws Fault of the store, and for more tables than the file can hold */
export function* verifyCompressedClusters(inspected: Inspected, codecs: Codecs): Generator<number, CompressedReport, void> {
  const { header, format, fileSize } = inspected;
  const { clusterSize, clusterBits } = header;
  const findings: CompressedFinding[] = [];
  const walked = new ClusterSet();
  let clusters = 0;
  let bad = 0;
  const l1 = inspected.l1Words(0, header.l1Size);
  for (let index = 0; index < header.l1Size; index++) {
    const tableOffset = offsetOf(l1.getUint32(index * ENTRY_BYTES), l1.getUint32(index * ENTRY_BYTES + 4));
    if (tableOffset === 0 || tableOffset >= fileSize || !walked.add(Math.floor(tableOffset / clusterSize))) continue;
    const table = inspected.nextTable(index, tableOffset);
    if (table === null) continue;
    for (let at = 0; at < clusterSize; at += format.entryBytes) {
      const high = table.getUint32(at);
      if (!isCompressed(high)) continue;
      clusters++;
      const place = compressedPlace(high, table.getUint32(at + 4), clusterBits);
      const code = problemOf(inspected, codecs, place);
      yield (index + at / clusterSize) / header.l1Size;
      if (code === null) continue;
      bad++;
      if (findings.length < MOST_FINDINGS) findings.push({ guestOffset: index * inspected.l2Span + (at / format.entryBytes) * clusterSize, hostOffset: place.offset, code });
    }
    yield index / header.l1Size;
  }
  return { clusters, bad, findings };
}

/** "short" where a sector of the stream is not in the file at all; that the last one is cut off is usual. */
function problemOf({ store, header, fileSize }: Inspected, codecs: Codecs, { offset, lengthBytes }: { offset: number; lengthBytes: number }): CompressedFinding["code"] | null {
  if (offset >= fileSize) return "short";
  const packed = new Uint8Array(lengthBytes);
  readPadded(store, offset, packed);
  try {
    if (header.compressionType === ZSTD) codecs.unzstd(packed, header.clusterSize);
    else codecs.inflate(packed, header.clusterSize);
    return null;
  } catch {
    return offset + lengthBytes - SECTOR_SIZE >= fileSize ? "short" : "undecodable";
  }
}
