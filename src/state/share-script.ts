/**
 * What a link of the attached image says: every command since it was made, or, where that is not known, commands that make a disk of
 * the same geometry and bring its zones to where they are now. Commands, never bytes: what cannot be carried is told in a sentence.
 */
import { Condition } from "../base/conditions.ts";
import { uniform } from "../base/uniform.ts";
import { createImageLine, quoteWord } from "../command/create-line.ts";
import type { CreateOptions, DeviceFacts, Resources } from "../protocol/index.ts";
import { LINK_DISK_NAME, MOST_LINES, checkScript } from "../share/index.ts";
import type { Core } from "./core.ts";
import { displayName } from "./device.ts";
import { APPEND_PATTERN, callLine } from "./scripts.ts";
import type { Attached } from "./store.ts";
import type { TapedCall, TapeEntry } from "./tape.ts";
import { commandSize, counted, formatHex } from "./units.ts";
import type { ZoneModel } from "./zone-model.ts";

export interface SharedScript {
  readonly lines: readonly string[];
  /** Where the link is to stop: the moment that is shown; null for the end. */
  readonly step: number | null;
  /** What the link does not carry, a sentence each. */
  readonly notes: readonly string[];
}

export type ShareWay = "history" | "now";

/** Every command since the image was made; null where the log does not reach back so far. */
export function historyScript(core: Core): SharedScript | null {
  const { attached, moment } = core.store.getState();
  const { created, file, complete } = core.tape;
  if (attached === null || created === null || !complete || file !== attached.file) return null;
  // What it stands on cannot come along, and without it the commands would do something else.
  if ((created.backing ?? null) !== null) return null;
  const name = linkName(attached.file);
  // What a power cut undid later had been done at the moment that is shown: such a link ends there.
  const { tape } = core;
  const ends = moment !== null && tape.undoneBefore(moment) < tape.undoneBefore(Infinity);
  const entries = tape.until(ends ? moment : Infinity);
  const lines = [createImageLine(name, created, commandSize), ...entries.map((entry) => lineOf(entry, name))];
  const unsaid = entries.filter((entry) => entry.leftOutBytes > 0 || carriesBytes(entry.call)).length;
  const notes = unsaid === 0 ? [] : [`${counted(unsaid, "command")} wrote bytes that a link cannot carry: it writes ${formatHex(APPEND_PATTERN)} there.`];
  return { lines, step: moment === null || ends ? null : 1 + tape.until(moment).length, notes };
}

/** Whether it has bytes that no pattern stands for. */
const carriesBytes = (call: TapedCall): boolean => (call.name === "write" || call.name === "append") && (call.request.data ?? null) !== null && uniform(call.request.data!) === null;

/** The byte that a write or an append fills with, in a link. */
const fillOf = ({ pattern, data }: { readonly pattern: number; readonly data?: Uint8Array | null }): number => ((data ?? null) === null ? pattern : (uniform(data!) ?? APPEND_PATTERN));

/** The command as the console has it. */
function lineOf({ call, landed }: TapeEntry, name: string): string {
  switch (call.name) {
    case "powerCycle":
      return `qemu-io -c quit ${quoteWord(name)}`;
    case "repair":
      return `qemu-img check -r ${call.request.mode} ${quoteWord(name)}`;
    case "write":
      return callLine({ ...call, request: { ...call.request, data: null, pattern: fillOf(call.request) } });
    case "append": {
      const { lengths } = call.request;
      const fill = fillOf(call.request);
      // qemu-io's append has no option for another byte: a write to where it landed moves the pointer in the same way.
      if (fill === APPEND_PATTERN || landed === null) return callLine({ ...call, request: { ...call.request, data: null, pattern: APPEND_PATTERN } });
      return `write -P ${formatHex(fill)} ${commandSize(landed)} ${commandSize(lengths.reduce((sum, part) => sum + part, 0))}`;
    }
    default:
      return callLine(call);
  }
}

/** A name that a link may carry. */
function linkName(file: string): string {
  const name = displayName(file);
  return checkScript(name, "run").ok ? name : LINK_DISK_NAME;
}

/** A disk of the same geometry with its zones as they are now; null without an image. */
export function nowScript(core: Core): SharedScript | null {
  const { attached } = core.store.getState();
  if (attached === null) return null;
  const name = linkName(attached.file);
  const notes = notesOn(attached);
  const { facts, zones } = attached;
  if (facts.image.format === "raw") return { lines: [`qemu-img create -f raw ${quoteWord(name)} ${commandSize(facts.image.virtualSize)}`], step: null, notes };
  const lines = [createImageLine(name, optionsOf(facts), commandSize)];
  if (facts.zoned?.dialect === "v7") lines.push(`dialect ${quoteWord(name)} v7`);
  if (facts.zoned !== null && facts.zoned.policy !== "qcow2") lines.push(`profile ${facts.zoned.policy}`);
  if (zones !== null) lines.push(...zoneLines(zones, core.latestResources, facts.zoned?.policy === AS_POSTED));
  return { lines, step: null, notes };
}

function notesOn({ facts, zones }: Attached): readonly string[] {
  const { backingFile } = facts.image;
  return [
    zones === null ? "The link makes a disk of the same size and options. It carries none of its bytes." : "The link makes a disk of the same geometry and brings its zones to where they are now. It carries none of its bytes: zeros lie below the write pointers.",
    ...(backingFile === null ? [] : ["The image stands on another file; the link’s disk stands alone."]),
    ...(facts.zoned?.policy === AS_POSTED ? [`Under the rules of ${AS_POSTED} limits can be exceeded; a disk on which they were may come out otherwise.`] : []),
  ];
}

function optionsOf({ image, zoned }: DeviceFacts): CreateOptions {
  const { virtualSize: sizeBytes, clusterSize, refcountBits, lazyRefcounts, extendedL2, compressionType, version } = image;
  const plain = { sizeBytes, clusterSize, refcountBits, lazyRefcounts, extendedL2, compressionType, version: version === 2 ? (2 as const) : (3 as const) };
  if (zoned === null) return { ...plain, zoned: null };
  const { zoneSize, zoneCapacity, conventionalZones, maxOpenZones, maxActiveZones, maxAppendBytes } = zoned.geometry;
  return { ...plain, zoned: { dialect: zoned.dialect, zoneSize, zoneCapacity, conventionalZones, maxOpenZones, maxActiveZones, maxAppendBytes } };
}

/** The rules under which the zone that was used last is closed first, and limits can be exceeded in ways that only the same commands lead to. */
const AS_POSTED = "v4-as-posted";

/** One write is at most this long: qemu-io takes less than 2 GiB. */
const LONGEST_WRITE = 2 ** 30;

/**
 * Commands from empty zones to these. Worn and full zones come first, then closed ones, while nothing else is open, so that no limit is met
 * that the disk itself did not meet; the implicitly open come last, in the order in which they would be closed.
 *
 * @param newestFirst whether the zone that was used last is the first to be closed
 */
function zoneLines(zones: ZoneModel, resources: Resources | null, newestFirst = false): readonly string[] {
  const lines: string[] = [];
  const byCondition = new Map<Condition, number[]>();
  for (let zone = 0; zone < zones.count; zone++) {
    const condition = zones.conditionOf(zone);
    if (condition === Condition.EMPTY || zones.isConventional(zone)) continue;
    const list = byCondition.get(condition);
    if (list === undefined) byCondition.set(condition, [zone]);
    else list.push(zone);
  }
  const of = (condition: Condition): readonly number[] => byCondition.get(condition) ?? [];
  const room = (): boolean => lines.length <= MOST_LINES;
  const range = (zone: number): string => `${commandSize(zones.start(zone))} ${commandSize(zones.length(zone))}`;
  const write = (zone: number): void => {
    const end = zones.writePointer[zone]!;
    for (let at = zones.start(zone); at < end && room(); at += LONGEST_WRITE) lines.push(`write -z ${commandSize(at)} ${commandSize(Math.min(LONGEST_WRITE, end - at))}`);
  };
  const finished = (zone: number): boolean => zones.writePointer[zone]! >= zones.start(zone) + zones.length(zone);
  const isFull = (zone: number): boolean => zones.writePointer[zone]! >= zones.start(zone) + zones.capacity(zone);
  /** A zone that is full and open all the same: the series as posted opens full zones. */
  const openFull = (zone: number): void => {
    if (finished(zone)) lines.push(`zf ${range(zone)}`);
    else write(zone);
    lines.push(`zo ${range(zone)}`);
  };

  for (const [condition, word] of [[Condition.READ_ONLY, "read-only"], [Condition.OFFLINE, "offline"]] as const) {
    for (const zone of of(condition)) {
      if (!room()) break;
      // A zone that wore out is neither open nor active: none that follows is held up by it.
      if (finished(zone)) lines.push(`zf ${range(zone)}`);
      else write(zone);
      lines.push(`wear ${word} ${commandSize(zones.start(zone))}`);
    }
  }
  const full = of(Condition.FULL);
  for (let first = 0; first < full.length && room(); ) {
    if (!finished(full[first]!)) {
      write(full[first++]!);
      continue;
    }
    let last = first;
    while (last + 1 < full.length && full[last + 1] === full[last]! + 1 && finished(full[last + 1]!)) last++;
    const start = zones.start(full[first]!);
    lines.push(`zf ${commandSize(start)} ${commandSize(zones.start(full[last]!) + zones.length(full[last]!) - start)}`);
    first = last + 1;
  }
  for (const zone of of(Condition.CLOSED)) {
    if (!room()) break;
    if (isFull(zone)) openFull(zone);
    else if (zones.writePointer[zone]! > zones.start(zone)) write(zone);
    else lines.push(`zo ${range(zone)}`);
    lines.push(`zc ${range(zone)}`);
  }
  for (const zone of of(Condition.EXPLICIT_OPEN)) {
    if (!room()) break;
    if (isFull(zone)) openFull(zone);
    else {
      lines.push(`zo ${range(zone)}`);
      write(zone);
    }
  }
  const order = resources?.implicitOrder ?? [];
  const implicit = of(Condition.IMPLICIT_OPEN);
  const wanted = new Set(implicit);
  const known = order.filter((zone) => wanted.delete(zone));
  // The order is told from its front, and only so far: behind it are newer zones, or, from the newest on, older ones.
  for (const zone of newestFirst ? [...wanted, ...known.reverse()] : [...known, ...wanted]) {
    if (!room()) break;
    write(zone);
  }
  return lines;
}
