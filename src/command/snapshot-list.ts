/** A list of internal snapshots as QEMU's programs print it, for people and as JSON. Names are printed as the image has them. */
import type { SnapshotFacts } from "../protocol/index.ts";
import { imgSize, integer } from "./format.ts";
import type { FactTree } from "./image-facts.ts";

/** The lines of a list, its heading first; nothing for no snapshots. */
export function* snapshotLines(snapshots: readonly SnapshotFacts[]): Generator<string, void, void> {
  if (snapshots.length === 0) return;
  yield `Snapshot list:\n${row(HEADINGS)}`;
  for (const snapshot of snapshots) {
    yield row([snapshot.id, snapshot.name, imgSize(snapshot.vmStateBytes), localTime(snapshot.dateSeconds), clock(snapshot), snapshot.icount === null ? "--" : integer(snapshot.icount)]);
  }
}

const HEADINGS = ["ID", "TAG", "VM_SIZE", "DATE", "VM_CLOCK", "ICOUNT"];
/** Below 0: to the left. */
const WIDTHS = [-7, -16, 8, 19, 15, 10];

/** C counts a column's width in bytes. */
function row(cells: readonly string[]): string {
  const columns = cells.map((cell, index) => {
    const width = WIDTHS[index]!;
    const space = " ".repeat(Math.max(0, Math.abs(width) - new TextEncoder().encode(cell).length));
    return width < 0 ? cell + space : space + cell;
  });
  return `${columns.join(" ")}\n`;
}

const digits = (value: number, count: number): string => String(value).padStart(count, "0");

/** "2024-02-29 13:05:09" where the program runs. */
function localTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const day = [digits(date.getFullYear(), 4), digits(date.getMonth() + 1, 2), digits(date.getDate(), 2)].join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => digits(part, 2)).join(":")}`;
}

/** "0001:02:03.456": hours, minutes, seconds, and what is left in milliseconds. */
function clock({ vmClockSeconds, vmClockNanoseconds }: SnapshotFacts): string {
  const [hours, minutes, seconds] = [Math.floor(vmClockSeconds / 3600), Math.floor(vmClockSeconds / 60) % 60, vmClockSeconds % 60];
  return `${digits(hours, 4)}:${digits(minutes, 2)}:${digits(seconds, 2)}.${digits(Math.floor(vmClockNanoseconds / 1e6), 3)}`;
}

/** The value of "snapshots" in qemu-img info's JSON. */
export const snapshotTrees = (snapshots: readonly SnapshotFacts[]): FactTree[] =>
  snapshots.map((snapshot) => ({
    ...(snapshot.icount === null ? {} : { icount: snapshot.icount }),
    "vm-clock-nsec": snapshot.vmClockNanoseconds,
    name: snapshot.name,
    "date-sec": snapshot.dateSeconds,
    "date-nsec": snapshot.dateNanoseconds,
    "vm-clock-sec": snapshot.vmClockSeconds,
    id: snapshot.id,
    "vm-state-size": snapshot.vmStateBytes,
  }));
