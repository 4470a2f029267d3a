/**
 * docs/semantics.md: what each operation does to a zone in each condition, told by asking the rules themselves (src/zoned), the refusals
 * with their names elsewhere, told by the one formatter, and what a power cycle does, told by an engine.
 */
import { Condition, conditionName } from "../../base/conditions.ts";
import { guestOffset, zoneIndex } from "../../base/units.ts";
import { explain } from "../../command/explain.ts";
import { PROFILE_NAMES } from "../../protocol/index.ts";
import { WRITE_ORDER, stepsOf } from "../../qcow2/write-order.ts";
import { PROFILES } from "../../zoned/profiles.ts";
import type { ZonePolicy } from "../../zoned/policy.ts";
import type { ZoneRefusal, ZoneRefusalCode } from "../../zoned/refusal.ts";
import { decideClose, decideFinish, decideOpen, decideReset, decideWrite } from "../../zoned/transitions.ts";
import type { Decision, ResourceView, ZoneView } from "../../zoned/transitions.ts";
import { KIB, MIB, createOptions, engineFixture } from "../engine-fixture.ts";
import { table } from "./tables.ts";

const CONDITIONS = [Condition.EMPTY, Condition.IMPLICIT_OPEN, Condition.EXPLICIT_OPEN, Condition.CLOSED, Condition.FULL] as const;
type SequentialCondition = (typeof CONDITIONS)[number];

/** Zone 1 of a disk with zones of 1 MiB and a capacity of 768 KiB; half written where it is neither empty nor full. */
const START = MIB;
const CAPACITY_END = START + 768 * KIB;
const LENGTH = 4 * KIB;

function zoneIn(condition: SequentialCondition, unwritten = false): ZoneView {
  const below = condition === Condition.EMPTY || unwritten ? 0 : condition === Condition.FULL ? 768 * KIB : 384 * KIB;
  return { zone: zoneIndex(1), condition, writePointer: guestOffset(START + below), start: guestOffset(START), capacityEnd: guestOffset(CAPACITY_END), end: guestOffset(2 * MIB) };
}

const FREE: ResourceView = { open: 0, active: 0, maxOpen: 2, maxActive: 2, victim: null };
const NO_OPEN: ResourceView = { ...FREE, open: 2 };
const NO_ACTIVE: ResourceView = { ...FREE, active: 2 };

type Rule = (view: ZoneView, resources: ResourceView, policy: ZonePolicy) => Decision;

const OPERATIONS: readonly (readonly [name: string, rule: Rule, unwritten?: true])[] = [
  ["OPEN", decideOpen],
  ["CLOSE", (view, _, policy) => decideClose(view, policy)],
  ["CLOSE, nothing written", (view, _, policy) => decideClose(view, policy), true],
  ["FINISH", decideFinish],
  ["RESET", (view) => decideReset(view)],
  ["WRITE or APPEND at the pointer", (view, resources, policy) => decideWrite("write", view, view.writePointer, LENGTH, resources, policy)],
  ["WRITE up to the capacity", (view, resources, policy) => decideWrite("write", view, view.writePointer, Math.max(LENGTH, view.capacityEnd - view.writePointer), resources, policy)],
  ["WRITE below the pointer", (view, resources, policy) => decideWrite("write", view, view.start - LENGTH, LENGTH, resources, policy)],
  ["WRITE above the pointer", (view, resources, policy) => decideWrite("write", view, view.writePointer + LENGTH, LENGTH, resources, policy)],
  ["WRITE beyond the capacity", (view, resources, policy) => decideWrite("write", view, view.writePointer, MIB, resources, policy)],
];

const refused = (decision: Decision): ZoneRefusalCode | null => (decision.ok ? null : decision.error.code);

/** What one operation comes to in one condition, with the slots that it wants. */
function outcome(rule: Rule, view: ZoneView, policy: ZonePolicy): string {
  const decision = rule(view, FREE, policy);
  if (!decision.ok) return `refused: ${decision.error.code}`;
  if (decision.value === null) return "no change";
  const { to } = decision.value;
  const wants = [
    ...(refused(rule(view, NO_ACTIVE, policy)) === "too-many-active" ? ["an active slot"] : []),
    ...(refused(rule(view, NO_OPEN, policy)) === "too-many-open" ? ["an open slot"] : []),
  ];
  const end = to === view.condition ? "stays" : `→ ${conditionName(to)}`;
  return wants.length === 0 ? end : `${end}; needs ${wants.join(" and ")}`;
}

const operationTable = (policy: ZonePolicy): string =>
  table(
    ["", ...CONDITIONS.map(conditionName)],
    OPERATIONS.map(([name, rule, unwritten]) => [
      name,
      ...CONDITIONS.map((condition) => (unwritten === true && condition !== Condition.EXPLICIT_OPEN ? "" : outcome(rule, zoneIn(condition, unwritten), policy))),
    ]),
  );

/** One refusal of each kind, of a disk of 8 zones of 1 MiB. */
const REFUSALS: Readonly<Record<ZoneRefusalCode, ZoneRefusal>> = {
  "not-at-write-pointer": { kind: "zone", code: "not-at-write-pointer", operation: "write", zone: 1, requested: START, writePointer: START + 8 * KIB },
  "zone-full": { kind: "zone", code: "zone-full", operation: "write", zone: 1, requested: START, writePointer: 2 * MIB },
  "exceeds-capacity": { kind: "zone", code: "exceeds-capacity", operation: "write", zone: 1, requested: CAPACITY_END - 4 * KIB, lengthBytes: 8 * KIB, writableEnd: CAPACITY_END },
  "too-many-open": { kind: "zone", code: "too-many-open", operation: "open", zone: 1, open: 2, maxOpen: 2 },
  "too-many-active": { kind: "zone", code: "too-many-active", operation: "open", zone: 1, active: 3, maxActive: 3 },
  "invalid-transition": { kind: "zone", code: "invalid-transition", operation: "open", zone: 1, condition: Condition.FULL },
  "conventional-zone": { kind: "zone", code: "conventional-zone", operation: "append", zone: 0 },
  "append-too-large": { kind: "zone", code: "append-too-large", operation: "append", zone: 1, lengthBytes: 128 * KIB, maxAppendBytes: 64 * KIB },
  "append-disabled": { kind: "zone", code: "append-disabled", operation: "append", zone: 1 },
  misaligned: { kind: "zone", code: "misaligned", operation: "write", zone: 1, subject: "offset", value: START + 100, multipleOf: 512 },
  "out-of-range": { kind: "zone", code: "out-of-range", operation: "read", zone: null, offset: 8 * MIB, lengthBytes: 4 * KIB, deviceSize: 8 * MIB },
  unsupported: { kind: "zone", code: "unsupported", operation: "discard", zone: 1, reason: "discard-of-sequential-zone" },
};

function refusalTables(): string {
  const refusals = Object.values(REFUSALS).map((refusal) => ({ refusal, told: explain(refusal) }));
  const report: ZoneRefusal = { ...(REFUSALS["out-of-range"] as Extract<ZoneRefusal, { code: "out-of-range" }>), operation: "report" };
  const errnoOf = ({ code }: ZoneRefusal, errno: string): string => (code === "out-of-range" ? `${errno} (a report: ${explain(report).names?.errno ?? ""})` : errno);
  const names = table(
    ["refusal", "errno", "virtio-blk", "NVMe", "SCSI"],
    refusals.map(({ refusal, told }) => [`\`${refusal.code}\``, errnoOf(refusal, told.names?.errno ?? ""), told.names?.virtio ?? "–", told.names?.nvme ?? "–", told.names?.scsi ?? "–"]),
  );
  const words = table(["refusal", "why, by an example", "what would work"], refusals.map(({ refusal, told }) => [`\`${refusal.code}\``, told.why, told.instead ?? "–"]));
  return `${names}\n${words}`;
}

const POLICY_ROWS: Readonly<Record<Exclude<keyof ZonePolicy, "name">, string>> = {
  openOfFull: "OPEN of FULL",
  closeOfEmptyOrFull: "CLOSE of EMPTY or FULL",
  closeOfUnwritten: "CLOSE of an explicitly open zone with nothing written",
  openOfEmptyNeeds: "OPEN of EMPTY needs a slot",
  writeOfEmptyNeeds: "WRITE of EMPTY needs a slot",
  finishOfEmptyNeeds: "FINISH of EMPTY needs a slot",
  finishOfClosedNeeds: "FINISH of CLOSED needs a slot",
  activeLimit: "limit of active zones",
  implicitCloseWhileActiveFull: "closing a zone to make room while no active slot is free",
  closesImplicitly: "who is closed to make room",
  writeAboveWritePointer: "WRITE above the pointer",
  reportedCapacity: "capacity in a report",
  append: "APPEND",
  conventionalZones: "conventional zones",
};

const profileTable = (): string =>
  table(
    ["rule", ...PROFILE_NAMES.map((name) => `\`${name}\``)],
    (Object.keys(POLICY_ROWS) as (keyof typeof POLICY_ROWS)[]).map((field) => [POLICY_ROWS[field], ...PROFILE_NAMES.map((name) => PROFILES[name][field].replaceAll("-", " "))]),
  );

/** What the zones of an image are after it was closed and opened again, by what they were. */
async function powerCycle(): Promise<string> {
  const fixture = engineFixture();
  const file = "cycled.qcow2";
  await fixture.ok("create", { file, options: createOptions() });
  const { handle } = await fixture.ok("open", { file, readOnly: false, format: null });
  const at = (zone: number): number => zone * MIB;
  const write = (zone: number): Promise<unknown> => fixture.ok("write", { handle, offset: at(zone), length: LENGTH, pattern: 1, data: null });
  const manage = (zone: number, operation: "open" | "close" | "finish"): Promise<unknown> => fixture.ok("manage", { handle, offset: at(zone), length: MIB, operation });
  const what = ["EMPTY", "IMPLICIT_OPEN", "EXPLICIT_OPEN, nothing written", "EXPLICIT_OPEN, written", "CLOSED", "FULL"];
  await write(1);
  await manage(2, "open");
  await manage(3, "open");
  await write(3);
  await write(4);
  await manage(4, "close");
  await manage(5, "finish");
  await fixture.ok("close", { handle });
  const again = await fixture.ok("open", { file, readOnly: true, format: null });
  const zones = await fixture.ok("report", { handle: again.handle, offset: 0, count: what.length });
  await fixture.ok("close", { handle: again.handle });
  return table(["before", "after"], what.map((before, zone) => [before, conditionName(zones[zone]!.condition as Condition)]));
}

/** The page. */
export async function semanticsPage(): Promise<string> {
  const steps = stepsOf(WRITE_ORDER).map((kinds, index) => `${index + 1}. ${kinds.join(", ").replaceAll("-", " ")}\n`);
  return `# What a zone does

The rules of the profile \`qcow2\`, which every zoned image follows unless \`profile NAME\` switches it: the device of the series posted for QEMU,
with its mistakes mended towards the standards. The tables are made by asking the rules; a test holds them against the page.

A sequential zone has a write pointer and a condition: EMPTY ${Condition.EMPTY}, IMPLICIT_OPEN ${Condition.IMPLICIT_OPEN}, EXPLICIT_OPEN ${Condition.EXPLICIT_OPEN}, CLOSED ${Condition.CLOSED}, FULL ${Condition.FULL}, in the numbers of Linux and virtio-blk. A
conventional zone has neither, and reports NOT_WP ${Condition.NOT_WP}. *Open* zones are those of the two open conditions, *active* ones are the open and the closed; both
may have a limit, and 0 is none. READ_ONLY ${Condition.READ_ONLY} and OFFLINE ${Condition.OFFLINE} are what [wear](commands/wear.md) makes of a zone until the image is opened anew: the one is read and not written, the
other neither, and both refuse everything else with \`invalid-transition\`.

## Operation by condition

A *slot* is a place below a limit. Where all open slots are taken, the least recently written IMPLICIT_OPEN zone is closed to make room; only
where there is none is \`too-many-open\` the answer. Where both limits are reached, \`too-many-active\` is the one told.

${operationTable(PROFILES.qcow2)}
A refused operation on one zone changes nothing: no condition, no pointer, no byte, no order of closing. Offsets and lengths of writes are
multiples of 512 bytes. A write of no length does nothing. READ goes anywhere, across zones too: at or above a write pointer and above
a capacity there are zeros. WRITE ZEROES is a write; DISCARD is for conventional zones.

- **APPEND** names its zone by the zone's start and tells where it landed. Its lengths together are at most the append limit; 0 turns it off.
- **OPEN, CLOSE, FINISH, RESET** take a range that begins at a zone's start and covers whole zones. It is done zone by zone and stops at the first
  refusal, which names the zone; what was done before it stands. A range with a conventional zone is refused, except the whole disk, which skips them.
- **FINISH** makes what was not written zeros. **RESET** gives the zone's clusters back.
- **REPORT** begins with the zone that holds the offset. A conventional zone's capacity is its length.
- A **conventional** zone is written anywhere. A write may cross conventional zones, and not enter a sequential one.

## A power cycle

Closing and opening an image, as between two runs of qemu-io. Nothing but the pointers is on the disk, so that what a zone is follows from its own.

${await powerCycle()}
## Refusals

A refusal is a value with the zone and the numbers it was decided on. \`set explain on\` and \`--explain\` print the sentences; an emulated or a
real disk would have answered with the names beside.

${refusalTables()}
## What survives a power failure

A write is acknowledged when the engine has it, and durable when a flush that began after it has returned. After a power failure at any moment each
zone shows a moment between the last flush and the last command: its pointer is between the two, and every byte below it is what was written.
A reset or a finish is there as a whole or not at all. A flush is made of these steps, with a barrier behind each; a step with nothing to write is left out:

${steps.join("")}
They follow from rules, each with what would be there without it. [The crash lab](crash-lab.md) leaves them out one by one.

${table(["first", "then", "otherwise"], WRITE_ORDER.map(({ first, then, prevents }) => [first.replaceAll("-", " "), then.replaceAll("-", " "), prevents]))}
## Other rules

\`profile NAME\` has a disk follow others' rules until it is detached, and \`profile compare\` runs the same commands under all of them. They differ in
what this table has, and in nothing else.

${profileTable()}
`;
}
