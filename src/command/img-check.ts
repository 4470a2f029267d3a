/**
 * qemu-img check: the engine's report as QEMU prints it, findings on standard error and the sums on standard output. With
 * -r the image is repaired first, and checked again where that changed anything. Zoned metadata counts as used, so that a zoned
 * image in order is clean. What it says of
 * zones comes behind QEMU's lines and leaves the exit status alone: it is odd at most, and no corruption.
 */
import { assertNever } from "../base/assert.ts";
import type { CheckFinding, CheckReport, HiddenData, KeptLeaks, RepairMode, RepairReport, ZoneCheck, ZoneFinding } from "../protocol/index.ts";
import { explained, imageWords } from "./explain.ts";
import { counted, fixed, hex, integer } from "./format.ts";
import { factJson, findingSentence } from "./image-facts.ts";
import type { FactTree, FactValue } from "./image-facts.ts";
import { READING_OPTIONS, closeRead, imageToRead, openToRead, optionValue } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { mistakenMode } from "./io-open.ts";
import { callShown, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";
import { progressShown } from "./progress.ts";
import type { ProgressShown } from "./progress.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { strerror } from "./strerror.ts";

/** What a script learns from the exit status. */
const STATUS = { clean: 0, failed: 1, corrupt: 2, leaks: 3, unsupported: 63 } as const;
/** QEMU's entries of an L1 or L2 table. */
const ENTRY_BYTES = 8;

export const checkImage: ImgCommand = {
  name: "check",
  args: "[-q] [-p] [-f fmt] [--output=human|json] [-r leaks|all] [-U] [--image-opts] filename",
  oneline: "looks for leaked and corrupt clusters, and repairs what can be without guessing",
  shorts: "hf:r:qpT:U",
  longs: [...READING_OPTIONS, { name: "repair", takesValue: true, flag: "r" }],
  *run(given): Program {
    const repair = optionValue(given, "r");
    if (repair !== null && repair !== "leaks" && repair !== "all") {
      yield imgUsageError(`Unknown option value for -r (expecting 'leaks' or 'all'): ${repair}`);
      return STATUS.failed;
    }
    const asked = yield* imageToRead(given);
    if (asked === null) return STATUS.failed;
    const cache = optionValue(given, "T");
    if (cache !== null && mistakenMode("t", cache) !== null) {
      yield imgError(`Invalid source cache option: ${cache}`);
      return STATUS.failed;
    }
    const image = yield* openToRead(given, asked.word, repair !== null);
    if (image === null) return STATUS.failed;
    const quiet = optionValue(given, "q") !== null;
    const progress = progressShown(optionValue(given, "p") !== null && !quiet);
    const status = yield* checkOpened(image, repair, progress, (report, repaired) => {
      if (quiet) return "";
      return asked.output === "json" ? jsonCheck(report, asked.word, repaired) : `${repaired === null ? "" : repairSums(repaired)}${humanCheck(report)}`;
    });
    yield* closeRead(image);
    return status;
  },
};

type Print = (report: CheckReport, repaired: RepairReport | null) => string;

function* checkOpened(image: ReadImage, mode: RepairMode | null, progress: ProgressShown, print: Print): Program {
  const { handle, facts } = image;
  if (facts.image.format === "raw") {
    yield imgError("This image format does not support checks");
    return STATUS.unsupported;
  }
  yield out(progress.begin());
  const repaired = mode === null ? null : yield* callShown("repair", { handle, mode }, progress.shown);
  const checked = repaired === null ? yield* callShown("check", { handle }, progress.shown) : repaired.ok ? { ...repaired, value: repaired.value.after } : repaired;
  yield out(progress.end(checked.ok));
  if (!checked.ok) {
    yield imgError(`Check failed: ${strerror(checked.error)}`);
    yield explained(checked.error);
    return STATUS.failed;
  }
  const report = checked.value;
  const repair = repaired?.ok === true ? repaired.value : null;
  const { clusterSize } = facts.image;
  if (repair !== null) {
    const told = repairLines(repair, clusterSize);
    if (told !== "") yield errorOut(told);
    if (repair.keptLeaks !== null) yield { step: "print", stream: "explain", text: KEPT_LEAKS[repair.keptLeaks] };
  }
  // Where nothing was changed, the repair's own look is the check.
  const lines = repair === null || changedAnything(repair) ? findingLines(report, clusterSize) : "";
  if (lines !== "") yield errorOut(lines);
  const text = print(report, repair);
  if (text !== "") yield out(text);
  if (report.checkErrors > 0) {
    yield imgError("Check failed");
    return STATUS.failed;
  }
  return report.corruptions > 0 ? STATUS.corrupt : report.leaks > 0 ? STATUS.leaks : STATUS.clean;
}

const changedAnything = ({ leaksFixed, corruptionsFixed, unmappedBytes }: RepairReport): boolean => leaksFixed + corruptionsFixed + unmappedBytes > 0;

const KEPT_LEAKS: Readonly<Record<KeptLeaks, string>> = {
  "unread-references":
    "Leaked clusters are left as they are: not every reference could be read, and one that could not may be to one of them.\n",
  "unknown-extension": "Leaked clusters are left as they are: they may belong to a header extension that this program does not know.\n",
};

/** What a repair found, and what it did about each. */
export function repairLines({ found, foundCount, attempts, attemptCount }: RepairReport, clusterSize: number): string {
  let text = found.map((finding) => `${findingLine(finding, clusterSize)}\n`).join("");
  if (foundCount > found.length) text += `... and ${counted(foundCount - found.length, "finding")} more\n`;
  for (const { finding, repaired } of attempts) {
    const line = findingLine(finding, clusterSize);
    text += `${repaired ? line.replace(/^(ERROR|Leaked)/, "Repairing") : line}\n`;
  }
  if (attemptCount > attempts.length) text += `... and ${counted(attemptCount - attempts.length, "finding")} more\n`;
  return text;
}

/** What a repair changed; nothing where it changed nothing. */
function repairSums(repair: RepairReport): string {
  const { leaksFixed, corruptionsFixed, unmappedBytes } = repair;
  if (!changedAnything(repair)) return "";
  const unmapped = unmappedBytes > 0 ? `    ${integer(unmappedBytes)} bytes of data above write pointers\n` : "";
  return (
    "The following inconsistencies were found and repaired:\n\n" +
    `    ${leaksFixed} leaked clusters\n    ${corruptionsFixed} corruptions\n${unmapped}\nDouble checking the fixed image now...\n`
  );
}

/** A line by finding, and how many more there are than the report holds. */
export function findingLines(report: CheckReport, clusterSize: number): string {
  const lines = report.findings.map((finding) => `${findingLine(finding, clusterSize)}\n`).join("");
  const untold = report.corruptions + report.leaks + report.checkErrors - report.findings.length;
  return untold > 0 ? `${lines}... and ${counted(untold, "finding")} more\n` : lines;
}

function findingLine(finding: CheckFinding, clusterSize: number): string {
  switch (finding.finding) {
    case "leak":
      return `Leaked cluster ${finding.cluster} refcount=${integer(finding.refcount)} reference=${finding.references}`;
    case "refcount-too-low":
      return `ERROR cluster ${finding.cluster} refcount=${integer(finding.refcount)} reference=${finding.references}`;
    case "copied-flag": {
      const { entry, refcount } = finding;
      if (finding.structure === "L2 table") return `ERROR OFLAG_COPIED data cluster: l2_entry=${entry} refcount=${integer(refcount)}`;
      const index = finding.guestOffset / ((clusterSize / ENTRY_BYTES) * clusterSize);
      return `ERROR OFLAG_COPIED L2 cluster: l1_index=${index} l1_entry=${entry} refcount=${integer(refcount)}`;
    }
    case "copied-compressed":
      return `ERROR: coffset=${hex(finding.hostOffset)}: copied flag must never be set for compressed clusters`;
    case "beyond-end": {
      const place = `offset ${hex(finding.offset)} size ${hex(finding.lengthBytes)}`;
      return `ERROR: counting reference for region exceeding the end of the file by one cluster or more: ${place}`;
    }
    case "overflow":
      return `ERROR: overflow cluster offset=${hex(finding.offset)}\n${OVERFLOW_ADVICE}`;
    case "block-outside":
      return `ERROR refcount block ${finding.block} is outside image`;
    case "block-shared":
      return `ERROR refcount block ${finding.block} refcount=${finding.references}`;
    case "refcount-unreadable":
      return `Can't get refcount for cluster ${finding.cluster}: Input/output error`;
    case "structure":
      return `ERROR ${imageWords(finding.problem)}`;
    default:
      return assertNever(finding);
  }
}

const OVERFLOW_ADVICE =
  "Use qemu-img amend to increase the refcount entry width or qemu-img convert to create a clean copy if the image cannot be opened for writing";

/** The sums for people. */
export function humanCheck(report: CheckReport): string {
  const { corruptions, leaks, checkErrors, totalClusters, allocatedClusters, fragmentedClusters, compressedClusters } = report;
  let text = "";
  if (corruptions === 0 && leaks === 0 && checkErrors === 0) text += "No errors were found on the image.\n";
  if (corruptions > 0) text += `\n${corruptions} errors were found on the image.\nData may be corrupted, or further writes to the image may corrupt it.\n`;
  if (leaks > 0) text += `\n${leaks} leaked clusters were found on the image.\nThis means waste of disk space, but no harm to data.\n`;
  if (checkErrors > 0) text += `\n${checkErrors} internal errors have occurred during the check.\n`;
  if (totalClusters > 0 && allocatedClusters > 0) {
    const percent = (part: number, whole: number): string => `${fixed((part * 100) / whole, 2)}%`;
    text +=
      `${allocatedClusters}/${totalClusters} = ${percent(allocatedClusters, totalClusters)} allocated, ` +
      `${percent(fragmentedClusters, allocatedClusters)} fragmented, ${percent(compressedClusters, allocatedClusters)} compressed clusters\n`;
  }
  if (report.imageEndOffset > 0) text += `Image end offset: ${integer(report.imageEndOffset)}\n`;
  return report.zoned === null ? text : text + zoneLines(report.zoned);
}

/** A line by finding about zones, and what is not told. */
function zoneLines({ counts, unreadSpans, findings }: ZoneCheck): string {
  let text = findings.map((finding) => `${zoneLine(finding)}\n`).join("");
  const untold = Object.values(counts).reduce((sum, count) => sum + count, 0) - findings.length;
  if (untold > 0) text += `... and ${counted(untold, "finding")} more about zones\n`;
  if (unreadSpans > 0) text += `Zones: data above write pointers is not all told, because of the errors that were found (${counted(unreadSpans, "L2 table")})\n`;
  return text;
}

function zoneLine(finding: ZoneFinding): string {
  switch (finding.code) {
    case "type-disagrees":
    case "pointer-not-sector-aligned":
      return findingSentence(finding).replace(/^z/, "Z");
    case "data-in-empty-zone":
      return hiddenLine(finding, "in an empty zone");
    case "data-above-pointer":
      return hiddenLine(finding, `above its write pointer ${integer(finding.writePointer)}`);
    case "data-above-capacity":
      return hiddenLine(finding, `above its capacity, which ends at ${integer(finding.capacityEnd)}`);
    default:
      return assertNever(finding);
  }
}

const hiddenLine = ({ zone, lengthBytes, guestOffset }: HiddenData, where: string): string =>
  `Zone ${zone}: ${integer(lengthBytes)} bytes of data at guest offset ${integer(guestOffset)}, ${where} (harmless: reads there give zeros)`;

/** The sums as JSON: what is zero is left out, but for check-errors; the order is QEMU's. Of a zoned image, the key "zoned" comes last. */
export function jsonCheck(report: CheckReport, filename: string, repaired: RepairReport | null = null): string {
  const tree: Record<string, FactValue> = {};
  const unlessZero = (key: string, value: number): void => {
    if (value !== 0) tree[key] = value;
  };
  unlessZero("image-end-offset", report.imageEndOffset);
  unlessZero("compressed-clusters", report.compressedClusters);
  unlessZero("total-clusters", report.totalClusters);
  unlessZero("corruptions", report.corruptions);
  unlessZero("corruptions-fixed", repaired?.corruptionsFixed ?? 0);
  tree["check-errors"] = report.checkErrors;
  unlessZero("leaks", report.leaks);
  unlessZero("leaks-fixed", repaired?.leaksFixed ?? 0);
  unlessZero("allocated-clusters", report.allocatedClusters);
  tree["filename"] = filename;
  tree["format"] = "qcow2";
  unlessZero("fragmented-clusters", report.fragmentedClusters);
  if (report.zoned !== null) tree["zoned"] = zonedTree(report.zoned);
  unlessZero("unmapped-bytes", repaired?.unmappedBytes ?? 0);
  return `${factJson(tree)}\n`;
}

const zonedTree = ({ counts, hiddenBytes, unreadSpans, findings }: ZoneCheck): FactTree => ({
  ...counts,
  "hidden-bytes": hiddenBytes,
  "unread-spans": unreadSpans,
  findings: findings.map((finding): FactTree => {
    const { code, zone } = finding;
    if ("hostOffset" in finding) return { code, zone, "host-offset": finding.hostOffset, stored: finding.stored };
    const { guestOffset, lengthBytes, writePointer, capacityEnd } = finding;
    return { code, zone, "guest-offset": guestOffset, length: lengthBytes, "write-pointer": writePointer, "capacity-end": capacityEnd };
  }),
});
