/**
 * A zone's refusal in sentences. Every number that the rule was decided on is in the first sentence; the second says what to
 * type instead. Source: zone semantics, "Transitions" and "Errors".
 */
import { assertNever } from "../base/assert.ts";
import { Condition, conditionName } from "../base/conditions.ts";
import type { ZoneOperation, ZoneRefusal, ZoneRefusalCode } from "../protocol/index.ts";
import type { Explanation, StandardNames } from "./explain.ts";
import { counted, exact, exactBytes, integer } from "./format.ts";
import { errnoOf } from "./strerror.ts";

/** virtio-blk, NVMe ZNS, SCSI ZBC; null where that standard has no such refusal. */
const NAMES: Readonly<Record<ZoneRefusalCode, readonly [virtio: string, nvme: string | null, scsi: string | null]>> = {
  "not-at-write-pointer": ["ZONE_UNALIGNED_WP", "1BCh Zone Invalid Write", "UNALIGNED WRITE COMMAND"],
  "zone-full": ["ZONE_INVALID_CMD", "1B9h Zone Is Full", "INVALID FIELD IN CDB"],
  "exceeds-capacity": ["ZONE_INVALID_CMD", "1B8h Zone Boundary Error", "WRITE BOUNDARY VIOLATION"],
  "too-many-open": ["ZONE_OPEN_RESOURCE", "1BEh Too Many Open Zones", "INSUFFICIENT ZONE RESOURCES"],
  "too-many-active": ["ZONE_ACTIVE_RESOURCE", "1BDh Too Many Active Zones", null],
  "invalid-transition": ["ZONE_INVALID_CMD", "1BFh Invalid Zone State Transition", "INVALID FIELD IN CDB"],
  "conventional-zone": ["ZONE_INVALID_CMD", null, "INVALID FIELD IN CDB"],
  "append-too-large": ["ZONE_INVALID_CMD", "Invalid Field", null],
  "append-disabled": ["UNSUPP", null, null],
  misaligned: ["ZONE_INVALID_CMD", "Invalid Field", "INVALID FIELD IN CDB"],
  "out-of-range": ["ZONE_INVALID_CMD", "LBA Out of Range", "LBA OUT OF RANGE"],
  unsupported: ["UNSUPP", "Invalid Opcode", "INVALID COMMAND"],
};

/** The operation as a noun: "an append of …". */
const NOUNS: Readonly<Record<ZoneOperation, string>> = {
  report: "report",
  open: "open",
  close: "close",
  finish: "finish",
  reset: "reset",
  read: "read",
  write: "write",
  "write-zeroes": "write of zeros",
  append: "append",
  discard: "discard",
  wear: "wear",
};

/** The operation done to a zone: "cannot be …". */
const PARTICIPLES: Readonly<Record<ZoneOperation, string>> = {
  report: "reported",
  open: "opened",
  close: "closed",
  finish: "finished",
  reset: "reset",
  read: "read",
  write: "written",
  "write-zeroes": "written",
  append: "appended to",
  discard: "discarded",
  wear: "worn further",
};

export function explainRefusal(refusal: ZoneRefusal): Explanation {
  const [virtio, nvme, scsi] = wornNames(refusal) ?? NAMES[refusal.code];
  const names: StandardNames = { errno: errnoOf(refusal), virtio, nvme, scsi };
  const [title, why, instead] = sentences(refusal);
  return { title, why, instead, names };
}

/** What a read or a write of a zone that wore out is refused as; its management is refused as from any other condition. */
function wornNames(refusal: ZoneRefusal): (typeof NAMES)[ZoneRefusalCode] | null {
  if (refusal.code !== "invalid-transition" || !TRANSFERS.has(refusal.operation)) return null;
  if (refusal.condition === Condition.READ_ONLY) return ["ZONE_INVALID_CMD", "1BAh Zone Is Read Only", "ZONE IS READ ONLY"];
  return refusal.condition === Condition.OFFLINE ? ["ZONE_INVALID_CMD", "1BBh Zone Is Offline", "ZONE IS OFFLINE"] : null;
}

const TRANSFERS: ReadonlySet<ZoneOperation> = new Set(["read", "write", "write-zeroes", "append"]);

const zoneName = (refusal: ZoneRefusal): string => (refusal.zone === null ? "the zone" : `zone ${refusal.zone}`);
const leadingName = (refusal: ZoneRefusal): string => (refusal.zone === null ? "The zone" : `Zone ${refusal.zone}`);

type Sentences = readonly [title: string, why: string, instead: string | null];

function sentences(refusal: ZoneRefusal): Sentences {
  switch (refusal.code) {
    case "not-at-write-pointer": {
      const { requested, writePointer } = refusal;
      const side = requested < writePointer ? "below" : "above";
      const apart = exactBytes(Math.abs(requested - writePointer));
      return [
        "Not at the write pointer",
        `${leadingName(refusal)} is written only at its write pointer, ${exact(writePointer)}; this ${NOUNS[refusal.operation]} starts at ${exact(requested)}, ${apart} ${side} it.`,
        requested < writePointer
          ? `Write at ${integer(writePointer)}, or reset ${zoneName(refusal)} to write it from its start again.`
          : `Write at ${integer(writePointer)}, or append, which finds the pointer by itself.`,
      ];
    }
    case "zone-full":
      return [
        "The zone is full",
        `${leadingName(refusal)} is FULL, with its write pointer at ${exact(refusal.writePointer)}; the ${NOUNS[refusal.operation]} at ${exact(refusal.requested)} has no place in it.`,
        `Reset ${zoneName(refusal)} to write it again, or go on in another zone.`,
      ];
    case "exceeds-capacity": {
      const { requested, lengthBytes, writableEnd } = refusal;
      const room = Math.max(0, writableEnd - requested);
      return [
        "Beyond the zone's capacity",
        `This ${NOUNS[refusal.operation]} of ${exactBytes(lengthBytes)} would end at ${exact(requested + lengthBytes)}; ${zoneName(refusal)} can be written up to ${exact(writableEnd)}.`,
        room > 0 ? `At most ${exactBytes(room)} fit here; the rest belongs into another zone.` : "Nothing fits here; use another zone.",
      ];
    }
    case "too-many-open":
      return [
        "Too many open zones",
        `${counted(refusal.open, "zone")} are open, the limit is ${refusal.maxOpen}, and none of them can be closed to make room for ${zoneName(refusal)}.`,
        "Close, finish or reset an open zone first.",
      ];
    case "too-many-active":
      return [
        "Too many active zones",
        `${counted(refusal.active, "zone")} are active (open or closed), the limit is ${refusal.maxActive}, and ${zoneName(refusal)} would be one more.`,
        "Finish or reset an active zone first; to close one does not help, a closed zone is active.",
      ];
    case "invalid-transition":
      return [
        "Not from this condition",
        `${leadingName(refusal)} is ${conditionName(refusal.condition)}, and a zone in that condition cannot be ${PARTICIPLES[refusal.operation]}.`,
        insteadOfTransition(refusal.condition, refusal.operation, zoneName(refusal)),
      ];
    case "conventional-zone":
      return conventional(refusal);
    case "append-too-large":
      return [
        "The append is too large",
        `This append is ${exactBytes(refusal.lengthBytes)} in all; the disk takes at most ${exactBytes(refusal.maxAppendBytes)} in one.`,
        refusal.maxAppendBytes > 0 ? `Split it into ${Math.ceil(refusal.lengthBytes / refusal.maxAppendBytes)} appends of at most ${integer(refusal.maxAppendBytes)} bytes each.` : null,
      ];
    case "append-disabled":
      return ["Append is turned off", "The append limit of this disk is 0, which turns append off.", "Write at the zone's write pointer."];
    case "misaligned":
      return misaligned(refusal);
    case "out-of-range":
      return outOfRange(refusal);
    case "unsupported":
      return unsupported(refusal);
    default:
      return assertNever(refusal);
  }
}

function unsupported(refusal: Extract<ZoneRefusal, { code: "unsupported" }>): Sentences {
  switch (refusal.reason) {
    case "not-zoned":
      return ["The disk has no zones", `This image is not zoned, and a zone ${NOUNS[refusal.operation]} needs zones.`, "Create an image with zone_model=1 and a zone_size."];
    case "no-append-command":
      return ["No append under these rules", "The disk follows the rules of SCSI's ZBC, which has no command to append.", "Write at the zone's write pointer, or switch to a profile that appends."];
    case "discard-of-sequential-zone":
      return [
        "No discard in a sequential zone",
        `${leadingName(refusal)} is sequential: its data goes as a whole, with the write pointer, and not in pieces.`,
        `Reset ${zoneName(refusal)}.`,
      ];
    default:
      return assertNever(refusal.reason);
  }
}

function insteadOfTransition(condition: Condition, operation: ZoneOperation, zone: string): string | null {
  if (condition === Condition.FULL) return `Reset ${zone}; it is EMPTY then.`;
  if (condition === Condition.READ_ONLY) return "What is below its write pointer can be read; write in another zone. The image stores nothing of this: it is gone after a power cycle.";
  if (condition === Condition.OFFLINE) return "Go on in another zone. The image stores nothing of this: it is gone after a power cycle.";
  if (condition === Condition.EMPTY && operation === "close") return `There is nothing to close; open or write ${zone} first.`;
  return null;
}

function conventional(refusal: Extract<ZoneRefusal, { code: "conventional-zone" }>): Sentences {
  const title = "A conventional zone";
  switch (refusal.operation) {
    case "append":
      return [title, `${leadingName(refusal)} is conventional: it has no write pointer to append at.`, "Write to it, at any offset."];
    case "write":
    case "write-zeroes":
      return [title, `The write runs from a conventional zone into ${zoneName(refusal)}, which is sequential.`, "Split it where the sequential zone starts."];
    default:
      return [
        title,
        `${leadingName(refusal)} is conventional: it has no condition to ${refusal.operation === "report" ? "report" : refusal.operation}.`,
        "Name a range of sequential zones, or the whole disk, which skips the conventional ones.",
      ];
  }
}

function misaligned(refusal: Extract<ZoneRefusal, { code: "misaligned" }>): Sentences {
  const { value, multipleOf } = refusal;
  const down = Math.floor(value / multipleOf) * multipleOf;
  const multiples = `the nearest are ${integer(down)} and ${integer(down + multipleOf)}`;
  switch (refusal.subject) {
    case "offset":
      return ["Not on a sector", `The offset ${exact(value)} is no multiple of ${multipleOf}.`, `Use a multiple of ${multipleOf}; ${multiples}.`];
    case "length":
      return ["Not whole sectors", `The length ${exactBytes(value)} is no multiple of ${multipleOf}.`, `Use a multiple of ${multipleOf}; ${multiples}.`];
    case "append-address":
      return [
        "Not a zone's start",
        `An append names its zone by the zone's start, a multiple of ${exact(multipleOf)}; ${exact(value)} is none.`,
        `Append to ${integer(down)}; the disk finds the write pointer.`,
      ];
    case "range-start":
      return [
        "Not a zone's start",
        `The range starts at ${exact(value)}; zones start at multiples of ${exact(multipleOf)}.`,
        `Start at ${integer(down)}, the start of the zone that holds it.`,
      ];
    case "range-end":
      // An end on a boundary is refused for one reason only: the range began there too.
      if (value === down) {
        return ["No zones", `The range starts and ends at ${exact(value)}: it covers no zone.`, `Name whole zones: end at ${integer(down + multipleOf)}, or at the end of the disk if that comes first.`];
      }
      return [
        "Not whole zones",
        `The range ends at ${exact(value)}, inside a zone; zones end at multiples of ${exact(multipleOf)} and at the end of the disk.`,
        `Name whole zones: end at ${integer(down + multipleOf)}, or at the end of the disk if that comes first.`,
      ];
    default:
      return assertNever(refusal.subject);
  }
}

function outOfRange(refusal: Extract<ZoneRefusal, { code: "out-of-range" }>): Sentences {
  const { offset, lengthBytes, deviceSize } = refusal;
  const size = `the disk's size, ${exact(deviceSize)}`;
  if (offset >= deviceSize) {
    return ["Beyond the disk", `The offset ${exact(offset)} is at or beyond ${size}.`, `Stay below ${integer(deviceSize)}.`];
  }
  return [
    "Beyond the disk",
    `The ${NOUNS[refusal.operation]} of ${exactBytes(lengthBytes)} at ${exact(offset)} ends beyond ${size}.`,
    `From there at most ${exactBytes(deviceSize - offset)} are left.`,
  ];
}
