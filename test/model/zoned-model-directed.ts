/**
 * For every cell of the transitions table a disk and commands that lead straight to it: the zone is brought into its column, the
 * slots are used up as the cell wants, the command follows. Random sequences find the surprises; these leave no cell to luck.
 */
import type { Column } from "./zoned-model-cells.ts";
import { LEAST_EXTENDED_CLUSTER } from "./zoned-model-steps.ts";
import type { Command, Disk } from "./zoned-model-steps.ts";
import type { ModelManagement } from "./zoned-model.ts";

const ZONE = 8192;
const CAPACITY = 5120;
const ZONES = 7;
const CLUSTERS = [512, 4096, 8192, 65536];
const TARGET = 2;
const OTHERS = [3, 4];
const CLOSED = 5;

const at = (zone: number): number => zone * ZONE;
const manage = (operation: ModelManagement, zone: number): Command => ({ do: operation, offset: at(zone), length: ZONE });
const write = (offset: number, length: number): Command => ({ do: "write", offset, length, pattern: 0x5a, unmap: false });

/** Brings the target into its column; wp is 1024 above the start where the column has a wp inside. */
function columnCommands(column: Column): { readonly before: Command[]; readonly open: number; readonly active: number } {
  switch (column) {
    case "NOT_WP":
    case "EMPTY":
      return { before: [], open: 0, active: 0 };
    case "IMPLICIT_OPEN":
      return { before: [write(at(TARGET), 1024)], open: 1, active: 1 };
    case "EXPLICIT_OPEN unwritten":
      return { before: [manage("open", TARGET)], open: 1, active: 1 };
    case "EXPLICIT_OPEN written":
      return { before: [manage("open", TARGET), write(at(TARGET), 1024)], open: 1, active: 1 };
    case "CLOSED":
      return { before: [write(at(TARGET), 1024), manage("close", TARGET)], open: 0, active: 1 };
    default:
      return { before: [write(at(TARGET), CAPACITY)], open: 0, active: 0 };
  }
}

/** The command of a cell's first column, e.g. "write below fill" or "close of everything". */
function commandOf(what: string, column: Column): Command {
  const [kind, where, fit] = what.split(" ");
  const zone = column === "NOT_WP" ? 0 : TARGET;
  const start = at(zone);
  const written = column === "NOT_WP" || column === "EMPTY" || column === "EXPLICIT_OPEN unwritten" ? 0 : column === "FULL" ? CAPACITY : 1024;
  const pointer = start + written;
  const limit = start + CAPACITY;
  const offset = where === "below" ? start : where === "above" ? pointer + 512 : pointer;
  const length = fit === "fill" ? limit - offset : fit === "over" ? Math.max(512, limit - offset + 512) : 512;
  switch (kind) {
    case "open":
    case "close":
    case "finish":
    case "reset":
      return where === "of" ? { do: kind, offset: 0, length: ZONES * ZONE } : manage(kind, zone);
    case "write":
    case "write-zeroes":
      return { do: kind, offset, length, pattern: kind === "write" ? 0xa5 : 0, unmap: true };
    case "append":
      return { do: "append", offset: start, lengths: [512, length - 512], pattern: 0xb6 };
    case "power":
      return { do: "powerCycle" };
    default:
      return { do: kind as "read" | "discard", offset: start, length: 2048 };
  }
}

/** @param index varies the cluster size, the dialect and the size of L2 entries from cell to cell */
export function directed(cell: string, index: number): { readonly disk: Disk; readonly commands: readonly Command[] } {
  const [what, column, room] = cell.split(" | ") as [string, Column, string];
  const openFull = !room.startsWith("open free");
  const { before, open, active } = columnCommands(column);
  const others = openFull ? OTHERS.slice(0, 2 - open) : [];
  const pinned = room.startsWith("open pinned");
  const filling = others.map((zone) => (pinned ? manage("open", zone) : write(at(zone), 512)));
  const closing = [write(at(CLOSED), 512), manage("close", CLOSED)];
  const maxActive = room.endsWith("active full") ? active + others.length + 1 : 0;
  const clusterSize = CLUSTERS[index % CLUSTERS.length]!;
  const shape = { sizeBytes: ZONES * ZONE, zoneSize: ZONE, zoneCapacity: CAPACITY, conventionalZones: 1, maxOpen: openFull ? 2 : 0, maxActive, maxAppend: 65536, clusterSize };
  const dialects = ["v4", "v9", "v7"] as const;
  return {
    disk: { shape, refcountBits: 16, dialect: dialects[index % dialects.length]!, extendedL2: clusterSize >= LEAST_EXTENDED_CLUSTER && index % 8 > 3 },
    // Filling the target takes a slot for a moment, so it comes before the slots are used up.
    commands: [...(column === "FULL" ? [...before, ...closing] : [...closing, ...before]), ...filling, commandOf(what, column), { do: "flush" }],
  };
}
