/**
 * qemu-img check: the engine's report as QEMU prints it, findings on standard error and the sums on standard output. With
 * -r the image is repaired first, and checked again where that changed anything. Zoned metadata counts as used, so that a zoned
 * image in order is clean. What it says of
 * zones comes behind QEMU's lines and leaves the exit status alone: it is odd at most, and no corruption.
 */
import { assertNever } from "../base/assert.ts";
import type { CheckReport, HiddenData, KeptLeaks, RepairMode, RepairReport, ZoneCheck, ZoneFinding } from "../protocol/index.ts";
import { findingLines } from "./check-lines.ts";
import { explained } from "./explain.ts";
import { toldOfZones } from "./finding-words.ts";
import { counted, fixed, integer } from "./format.ts";
import { factJson, findingSentence } from "./image-facts.ts";
import type { FactTree, FactValue } from "./image-facts.ts";
import { snapshotTableWords } from "./image-problem-words.ts";
import { READING_OPTIONS, closeRead, imageToRead, openToRead, optionValue, longOptions } from "./img-open.ts";
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

export const checkImage: ImgCommand = {
  name: "check",
  args: "[-q] [-p] [-f fmt] [--output=human|json] [-r leaks|all] [-U] [--image-opts] filename",
  oneline: "looks for leaked and corrupt clusters, and repairs what can be without guessing",
  shorts: "hf:r:qpT:U",
  longs: [...READING_OPTIONS, ...longOptions({ quiet: "q" }, { repair: "r", cache: "T" })],
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
    const image = yield* openToRead(given, asked.word, repair !== null, false, { forCheck: true });
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
    const ofTable = checked.error.kind === "image" ? snapshotTableWords(checked.error) : null;
    if (ofTable !== null) yield imgError(`ERROR ${ofTable.checked}`);
    yield imgError(`Check failed: ${strerror(checked.error)}`);
    yield explained(checked.error);
    return STATUS.failed;
  }
  const report = checked.value;
  const repair = repaired?.ok === true ? repaired.value : null;
  if (repair !== null) {
    const told = findingLines(repair.findings, repair.told);
    if (told !== "") yield errorOut(told);
    if (repair.needsRebuild) {
      yield imgError("Check failed: Input/output error");
      return STATUS.failed;
    }
    if (repair.keptLeaks !== null) yield { step: "print", stream: "explain", text: KEPT_LEAKS[repair.keptLeaks] };
  }
  // Where nothing was changed, the repair's own look is the check.
  const lines = repair === null || changedAnything(repair) ? findingLines(report.findings, report.told) : "";
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

/** A line by finding about zones, one for those in empty zones where they are many, and what is not told. */
function zoneLines({ counts, unreadSpans, findings }: ZoneCheck): string {
  const { each, empty } = toldOfZones({ findings });
  let text = each.map((finding) => `${zoneLine(finding)}\n`).join("");
  if (empty !== null) text += `Zones: ${integer(empty.lengthBytes)} bytes of data in ${counted(empty.zones, "empty zone")} (harmless: reads there give zeros; preallocation makes such clusters)\n`;
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
