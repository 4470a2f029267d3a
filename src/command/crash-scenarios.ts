/**
 * For each mistake of the crash lab a small disk and a few commands on which it shows, for whoever wants to see it without thinking of
 * commands. The order of a flush is what differs, so that the same commands lose nothing in the right one.
 */
import type { CreateOptions } from "../protocol/index.ts";

export interface CrashScenario {
  /** What the commands set up, in a sentence. */
  readonly story: string;
  readonly options: CreateOptions;
  readonly commands: readonly string[];
}

const KIB = 1024;

/** 32 zones of 64 KiB, two of them conventional, in clusters of 4 KiB. */
const SMALL_DISK: CreateOptions = {
  sizeBytes: 2048 * KIB,
  clusterSize: 4 * KIB,
  refcountBits: 16,
  zoned: { dialect: "v4", zoneSize: 64 * KIB, zoneCapacity: 64 * KIB, conventionalZones: 2, maxOpenZones: 4, maxActiveZones: 6, maxAppendBytes: 64 * KIB },
};

/** The smallest clusters and the widest counts, so that a few writes need a new refcount block. */
const TINY_CLUSTERS: CreateOptions = {
  sizeBytes: 2560 * KIB,
  clusterSize: 512,
  refcountBits: 64,
  zoned: { dialect: "v4", zoneSize: 64 * KIB, zoneCapacity: 64 * KIB, conventionalZones: 0, maxOpenZones: 0, maxActiveZones: 0, maxAppendBytes: 64 * KIB },
};

/** The usual case: some bytes were flushed, and a zone is written further. */
const WRITE_ON: CrashScenario = {
  story: "Zone 2 has 8 KiB that were flushed; then 8 KiB more are written, and the power fails in the flush that is to save them.",
  options: SMALL_DISK,
  commands: ["write -P 0x11 128k 8k", "flush", "write -P 0x22 136k 8k"],
};

const RESET: CrashScenario = {
  story: "Zone 2 is full and flushed; then it is reset, and the power fails in the flush that is to make the reset durable.",
  options: SMALL_DISK,
  commands: ["write -P 0x11 128k 64k", "flush", "zrs 128k 64k"],
};

const REUSED: CrashScenario = {
  story: "A zone is written, flushed and reset, so that its clusters are free and still hold its bytes; then a conventional zone is written, which takes one of them.",
  options: SMALL_DISK,
  commands: ["write -P 0x11 128k 64k", "flush", "zrs 128k 64k", "flush", "write -P 0x22 0 4k"],
};

const NEW_BLOCK: CrashScenario = {
  story: "With clusters of 512 bytes the counts of 64 clusters fill a refcount block, so that this write needs a new one.",
  options: TINY_CLUSTERS,
  commands: ["write -P 0x11 64k 16k", "flush", "write -P 0x22 80k 32k"],
};

const SCENARIOS: Readonly<Record<string, CrashScenario>> = {
  "mappings-before-data": REUSED,
  "mappings-before-new-l2-tables": {
    story: "A zone is written, flushed and reset, so that its clusters are free and still hold its bytes; the first write to the upper half of the disk then needs a new L2 table, which takes one of them.",
    options: { ...SMALL_DISK, sizeBytes: 4096 * KIB },
    commands: ["write -P 0x11 128k 64k", "write -P 0x22 192k 8k", "flush", "zrs 128k 64k", "flush", "write -P 0x33 2048k 8k"],
  },
  "mappings-before-raised-refcounts": WRITE_ON,
  "mappings-before-refcount-table-entries": NEW_BLOCK,
  "refcount-table-entries-before-raised-refcounts": NEW_BLOCK,
  "refcount-table-entries-before-moved-refcount-table": {
    story: "The refcount table is one cluster of 512 bytes, and this much data outgrows it, so that it moves.",
    options: TINY_CLUSTERS,
    commands: [...Array.from({ length: 30 }, (_, zone) => `write -P 0x11 ${zone * 64}k 64k`), "flush", "write -P 0x22 1920k 64k", "write -P 0x33 1984k 64k"],
  },
  "mappings-before-reset-pointers": RESET,
  "lowered-refcounts-before-reset-pointers": RESET,
  "lowered-refcounts-before-mappings": {
    story: "A conventional zone has 16 KiB that were flushed; then they are discarded, which is to give their clusters back.",
    options: SMALL_DISK,
    commands: ["write -P 0x11 0 16k", "flush", "discard 0 16k"],
  },
  "advanced-pointers-before-data": WRITE_ON,
  "advanced-pointers-before-mappings": WRITE_ON,
  "no-barriers": WRITE_ON,
};

/** The commands on which a mistake shows; of several that of the first, of none the usual case. */
export const scenarioFor = (mistakes: readonly string[]): CrashScenario => mistakes.map((mistake) => SCENARIOS[mistake]).find((scenario) => scenario !== undefined) ?? WRITE_ON;
