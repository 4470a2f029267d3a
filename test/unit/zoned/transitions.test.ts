/** Every row of the transitions table, and every value of the policy record beside the default. Zone semantics, "Transitions". */
import { describe, expect, test } from "vitest";
import { Condition, conditionName } from "../../../src/base/conditions.ts";
import { guestOffset, zoneIndex } from "../../../src/base/units.ts";
import { QCOW2_POLICY } from "../../../src/zoned/policy.ts";
import type { ZonePolicy } from "../../../src/zoned/policy.ts";
import { decideClose, decideFinish, decideOpen, decideReset, decideWrite } from "../../../src/zoned/transitions.ts";
import type { Decision, ResourceView, ZoneView } from "../../../src/zoned/transitions.ts";

const START = 8192;
const CAPACITY_END = START + 3072;
const END = START + 4096;
const INSIDE = START + 1024;

/** A zone by its column; "EXPLICIT wp=start" is the explicitly open zone that holds nothing. */
const ZONES = {
  EMPTY: [Condition.EMPTY, START],
  IMPLICIT: [Condition.IMPLICIT_OPEN, INSIDE],
  EXPLICIT: [Condition.EXPLICIT_OPEN, INSIDE],
  "EXPLICIT wp=start": [Condition.EXPLICIT_OPEN, START],
  CLOSED: [Condition.CLOSED, INSIDE],
  FULL: [Condition.FULL, CAPACITY_END],
  READ_ONLY: [Condition.READ_ONLY, INSIDE],
  OFFLINE: [Condition.OFFLINE, INSIDE],
  NOT_WP: [Condition.NOT_WP, START],
} as const;
type Column = keyof typeof ZONES;

const view = (column: Column): ZoneView => ({
  zone: zoneIndex(2),
  condition: ZONES[column][0],
  writePointer: guestOffset(ZONES[column][1]),
  start: guestOffset(START),
  capacityEnd: guestOffset(CAPACITY_END),
  end: guestOffset(END),
});

/** What the limits leave. */
const ROOMS = {
  unlimited: { open: 90, active: 99, maxOpen: 0, maxActive: 0, victim: null },
  free: { open: 1, active: 2, maxOpen: 2, maxActive: 3, victim: zoneIndex(7) },
  evict: { open: 2, active: 2, maxOpen: 2, maxActive: 3, victim: zoneIndex(7) },
  pinned: { open: 2, active: 2, maxOpen: 2, maxActive: 3, victim: null },
  "active full": { open: 1, active: 3, maxOpen: 2, maxActive: 3, victim: zoneIndex(7) },
  "evict, active full": { open: 2, active: 3, maxOpen: 2, maxActive: 3, victim: zoneIndex(7) },
  "pinned, active full": { open: 2, active: 3, maxOpen: 2, maxActive: 3, victim: null },
} as const satisfies Record<string, ResourceView>;
type Room = keyof typeof ROOMS;

/** "CLOSED @9216", "nothing", "FULL @12288 closing 7" or the code of the refusal. */
function told(decision: Decision): string {
  if (!decision.ok) return decision.error.code;
  if (decision.value === null) return "nothing";
  const { to, writePointer, implicitlyCloses } = decision.value;
  return `${conditionName(to)} @${writePointer}${implicitlyCloses === null ? "" : ` closing ${implicitlyCloses}`}`;
}

type Operation = "OPEN" | "CLOSE" | "FINISH" | "RESET" | "WRITE" | "FILL";
function decide(operation: Operation, column: Column, room: Room, policy: ZonePolicy = QCOW2_POLICY): string {
  const zone = view(column);
  const resources = ROOMS[room];
  switch (operation) {
    case "OPEN":
      return told(decideOpen(zone, resources, policy));
    case "CLOSE":
      return told(decideClose(zone, policy));
    case "FINISH":
      return told(decideFinish(zone, resources, policy));
    case "RESET":
      return told(decideReset(zone));
    case "WRITE":
      return told(decideWrite("write", zone, zone.writePointer, 512, resources, policy));
    default:
      return told(decideWrite("append", zone, zone.writePointer, CAPACITY_END - zone.writePointer, resources, policy));
  }
}

const opened = `EXPLICIT_OPEN @${INSIDE}`;
const finished = `FULL @${END}`;
const filled = `FULL @${CAPACITY_END}`;
const emptied = `EMPTY @${START}`;

describe("the table, with slots free", () => {
  test.each<[Operation, Partial<Record<Column, string>>]>([
    ["OPEN", { EMPTY: `EXPLICIT_OPEN @${START}`, IMPLICIT: opened, EXPLICIT: "nothing", "EXPLICIT wp=start": "nothing", CLOSED: opened, FULL: "invalid-transition" }],
    ["CLOSE", { EMPTY: "nothing", IMPLICIT: `CLOSED @${INSIDE}`, EXPLICIT: `CLOSED @${INSIDE}`, "EXPLICIT wp=start": emptied, CLOSED: "nothing", FULL: "nothing" }],
    ["FINISH", { EMPTY: finished, IMPLICIT: finished, EXPLICIT: finished, "EXPLICIT wp=start": finished, CLOSED: finished, FULL: "nothing" }],
    ["RESET", { EMPTY: "nothing", IMPLICIT: emptied, EXPLICIT: emptied, "EXPLICIT wp=start": emptied, CLOSED: emptied, FULL: emptied }],
    ["WRITE", {
      EMPTY: `IMPLICIT_OPEN @${START + 512}`, IMPLICIT: `IMPLICIT_OPEN @${INSIDE + 512}`, EXPLICIT: `EXPLICIT_OPEN @${INSIDE + 512}`,
      "EXPLICIT wp=start": `EXPLICIT_OPEN @${START + 512}`, CLOSED: `IMPLICIT_OPEN @${INSIDE + 512}`, FULL: "zone-full",
    }],
    ["FILL", { EMPTY: filled, IMPLICIT: filled, EXPLICIT: filled, "EXPLICIT wp=start": filled, CLOSED: filled, FULL: "zone-full" }],
  ])("%s", (operation, row) => {
    for (const room of ["unlimited", "free"] as const) {
      for (const [column, expected] of Object.entries(row)) expect(decide(operation, column as Column, room), `${operation} of ${column}, ${room}`).toBe(expected);
    }
  });

  test("no operation has a rule for a condition that no sequential zone of the format reaches", () => {
    for (const column of ["READ_ONLY", "OFFLINE", "NOT_WP"] as const) {
      for (const operation of ["OPEN", "CLOSE", "FINISH", "RESET", "WRITE"] as const) expect(decide(operation, column, "free")).toBe("invalid-transition");
    }
  });
});

describe("slots", () => {
  const needsBoth = ["unlimited", "free", "evict", "pinned", "active full", "evict, active full", "pinned, active full"] as const;

  test.each<[Operation, string]>([
    ["OPEN", `EXPLICIT_OPEN @${START}`],
    ["FINISH", finished],
    ["WRITE", `IMPLICIT_OPEN @${START + 512}`],
    ["FILL", filled],
  ])("%s of EMPTY needs an active and an open slot", (operation, done) => {
    expect(needsBoth.map((room) => decide(operation, "EMPTY", room))).toEqual([
      done, done, `${done} closing 7`, "too-many-open", "too-many-active", "too-many-active", "too-many-active",
    ]);
  });

  test.each<[Operation, string]>([
    ["OPEN", opened],
    ["FINISH", finished],
    ["WRITE", `IMPLICIT_OPEN @${INSIDE + 512}`],
    ["FILL", filled],
  ])("%s of CLOSED needs an open slot, and may close another zone though no active slot is free", (operation, done) => {
    expect(needsBoth.map((room) => decide(operation, "CLOSED", room))).toEqual([
      done, done, `${done} closing 7`, "too-many-open", done, `${done} closing 7`, "too-many-open",
    ]);
  });

  test("an open zone needs nothing, whatever is done with it", () => {
    for (const column of ["IMPLICIT", "EXPLICIT"] as const) {
      for (const operation of ["OPEN", "CLOSE", "FINISH", "RESET", "WRITE", "FILL"] as const) {
        const whenFree = decide(operation, column, "free");
        for (const room of needsBoth) expect(decide(operation, column, room)).toBe(whenFree);
      }
    }
  });

  test("a refusal carries the counts and the limit", () => {
    expect(decideOpen(view("EMPTY"), ROOMS["pinned, active full"], QCOW2_POLICY)).toEqual({
      ok: false, error: { kind: "zone", code: "too-many-active", operation: "open", zone: 2, active: 3, maxActive: 3 },
    });
    expect(decideWrite("append", view("CLOSED"), guestOffset(INSIDE), 512, ROOMS.pinned, QCOW2_POLICY)).toEqual({
      ok: false, error: { kind: "zone", code: "too-many-open", operation: "append", zone: 2, open: 2, maxOpen: 2 },
    });
  });
});

describe("where a write may go", () => {
  const write = (column: Column, offset: number, length: number, policy = QCOW2_POLICY): string =>
    told(decideWrite("write", view(column), guestOffset(offset), length, ROOMS.free, policy));

  test.each<[string, Column, number, number, string]>([
    ["below the pointer", "CLOSED", START, 512, "not-at-write-pointer"],
    ["one sector below", "IMPLICIT", INSIDE - 512, 512, "not-at-write-pointer"],
    ["above the pointer", "IMPLICIT", INSIDE + 512, 512, "not-at-write-pointer"],
    ["above the start of an empty zone", "EMPTY", START + 512, 512, "not-at-write-pointer"],
    ["a ragged offset", "IMPLICIT", INSIDE + 1, 512, "misaligned"],
    ["a ragged length", "IMPLICIT", INSIDE, 513, "misaligned"],
    ["one sector too many", "IMPLICIT", INSIDE, CAPACITY_END - INSIDE + 512, "exceeds-capacity"],
    ["across the zone's end", "IMPLICIT", INSIDE, 8192, "exceeds-capacity"],
    ["a full zone, below its pointer", "FULL", START, 512, "zone-full"],
    ["a full zone, above its capacity", "FULL", CAPACITY_END, 512, "zone-full"],
    ["above the pointer and too long: the pointer is named first", "EMPTY", START + 512, 4096, "not-at-write-pointer"],
  ])("%s", (_name, column, offset, length, expected) => expect(write(column, offset, length)).toBe(expected));

  test("numbers of the refusals", () => {
    expect(decideWrite("write", view("IMPLICIT"), guestOffset(START), 512, ROOMS.free, QCOW2_POLICY)).toMatchObject({ error: { requested: START, writePointer: INSIDE } });
    expect(decideWrite("write", view("IMPLICIT"), guestOffset(INSIDE), 4096, ROOMS.free, QCOW2_POLICY)).toMatchObject({ error: { writableEnd: CAPACITY_END, lengthBytes: 4096 } });
    expect(decideWrite("write", view("IMPLICIT"), guestOffset(INSIDE), 100, ROOMS.free, QCOW2_POLICY)).toMatchObject({ error: { subject: "length", value: 100, multipleOf: 512 } });
  });

  test("a policy may allow a write above the pointer, and never one below", () => {
    const policy = { ...QCOW2_POLICY, writeAboveWritePointer: "allowed" } as const;
    expect(write("IMPLICIT", INSIDE + 512, 512, policy)).toBe(`IMPLICIT_OPEN @${INSIDE + 1024}`);
    expect(write("IMPLICIT", INSIDE - 512, 512, policy)).toBe("not-at-write-pointer");
    expect(write("IMPLICIT", INSIDE + 512, 2048, policy)).toBe("exceeds-capacity");
    expect(write("FULL", CAPACITY_END, 512, policy)).toBe("zone-full");
  });
});

describe("other policies", () => {
  const policy = (changes: Partial<ZonePolicy>): ZonePolicy => ({ ...QCOW2_POLICY, ...changes });

  test.each([["refused", "invalid-transition"], ["becomes-explicit", `EXPLICIT_OPEN @${CAPACITY_END}`], ["stays-full", "nothing"]] as const)(
    "OPEN of FULL: %s", (openOfFull, expected) => expect(decide("OPEN", "FULL", "pinned, active full", policy({ openOfFull }))).toBe(expected),
  );

  test("CLOSE of EMPTY and FULL refused, of the others as ever", () => {
    const zns = policy({ closeOfEmptyOrFull: "refused" });
    expect((["EMPTY", "FULL", "CLOSED", "IMPLICIT"] as const).map((column) => decide("CLOSE", column, "free", zns))).toEqual([
      "invalid-transition", "invalid-transition", "nothing", `CLOSED @${INSIDE}`,
    ]);
  });

  test("CLOSE of an unwritten zone may stay active", () => {
    expect(decide("CLOSE", "EXPLICIT wp=start", "free", policy({ closeOfUnwritten: "closed" }))).toBe(`CLOSED @${START}`);
    expect(decide("CLOSE", "EXPLICIT", "free", policy({ closeOfUnwritten: "closed" }))).toBe(`CLOSED @${INSIDE}`);
  });

  const rooms = ["free", "evict", "pinned", "active full", "pinned, active full"] as const;
  const outcomes = {
    nothing: ["done", "done", "done", "done", "done"],
    active: ["done", "done", "done", "too-many-active", "too-many-active"],
    open: ["done", "done closing 7", "too-many-open", "done", "too-many-open"],
    "active-and-open": ["done", "done closing 7", "too-many-open", "too-many-active", "too-many-active"],
  } as const;
  const fields: readonly (readonly [keyof ZonePolicy, Operation, Column, string])[] = [
    ["openOfEmptyNeeds", "OPEN", "EMPTY", `EXPLICIT_OPEN @${START}`],
    ["writeOfEmptyNeeds", "WRITE", "EMPTY", `IMPLICIT_OPEN @${START + 512}`],
    ["finishOfEmptyNeeds", "FINISH", "EMPTY", finished],
    ["finishOfClosedNeeds", "FINISH", "CLOSED", finished],
  ];
  test.each(fields.flatMap(([field, operation, column, done]) => Object.entries(outcomes).map(([needs, expected]) => [field, needs, operation, column, done, expected] as const)))(
    "%s: %s",
    (field, needs, operation, column, done, expected) => {
      const found = rooms.map((room) => decide(operation, column, room, policy({ [field]: needs })));
      expect(found).toEqual(expected.map((line) => line.replace("done", done)));
    },
  );

  test("a zone may not be closed to make room while no active slot is free", () => {
    const refusing = policy({ implicitCloseWhileActiveFull: "refused" });
    expect(decide("OPEN", "CLOSED", "evict, active full", refusing)).toBe("too-many-open");
    expect(decide("OPEN", "CLOSED", "evict", refusing)).toBe(`${opened} closing 7`);
  });
});
