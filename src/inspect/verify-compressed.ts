/**
 * Whether the compressed clusters of the active disk can be read: each is decompressed, which no check of refcounts does. Long work.
 * Source: qcow2 specification, "Compressed Clusters Descriptor".
 */
import type { CompressedFinding, CompressedReport } from "../protocol/inspect.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { readPadded } from "../bytes/byte-store.ts";
import { ZSTD } from "../qcow2/codecs.ts";
import type { Codecs } from "../qcow2/codecs.ts";
import { compressedPlace, isCompressed } from "../qcow2/entry-words.ts";
import type { Inspected } from "./inspected.ts";

const MOST_FINDINGS = 1000;

/** Yields the fraction of the L1 table that was gone through. @throws Fault of the store, and for more tables than the file can hold */
export function* verifyCompressedClusters(inspected: Inspected, codecs: Codecs): Generator<number, CompressedReport, void> {
  const { header, format } = inspected;
  const { clusterSize, clusterBits } = header;
  const findings: CompressedFinding[] = [];
  let clusters = 0;
  let bad = 0;
  for (const { l1Index: index, table } of inspected.activeTables()) {
    for (let at = 0; table !== null && at < clusterSize; at += format.entryBytes) {
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
