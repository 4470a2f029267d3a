/** The calls on internal snapshots: which images have them, and what is told of one. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { bytes } from "../base/units.ts";
import type { DeviceFacts, Failure, SnapshotFacts, SnapshotQuery } from "../protocol/index.ts";
import { AUTOCLEAR_BITMAPS, INCOMPATIBLE_EXTERNAL_DATA, hasBit } from "../qcow2/features.ts";
import { BITMAPS_MAGIC } from "../qcow2/header.ts";
import type { Header } from "../qcow2/header.ts";
import { readHeader } from "../qcow2/open.ts";
import { applySnapshot, createSnapshot, deleteSnapshot } from "../qcow2/snapshot-changes.ts";
import { findSnapshot, textOf } from "../qcow2/snapshots.ts";
import { readSnapshotTable, snapshotEntries } from "../qcow2/snapshot-reader.ts";
import type { Snapshot } from "../qcow2/snapshots.ts";
import { tellsOfZones } from "../zoned/dialect.ts";
import type { OpenImage } from "./open-image.ts";

/** QEMU's programs show that much of an id and of a name. */
const SHOWN_ID_BYTES = 127;
const SHOWN_NAME_BYTES = 255;
const SECOND = 10n ** 9n;

const done = ok({ done: true } as const);

export function listSnapshots(image: OpenImage): Result<readonly SnapshotFacts[], Failure> {
  if (image.format === "raw") return ok([]);
  const facts: SnapshotFacts[] = [];
  for (const { snapshot } of snapshotEntries(image.store, readHeader(image.store), false)) facts.push(factsOf(snapshot));
  return ok(facts);
}

const factsOf = (snapshot: Snapshot): SnapshotFacts => ({
  id: textOf(snapshot.id.subarray(0, SHOWN_ID_BYTES)),
  name: textOf(snapshot.name.subarray(0, SHOWN_NAME_BYTES)),
  dateSeconds: snapshot.dateSeconds,
  dateNanoseconds: snapshot.dateNanoseconds,
  vmClockSeconds: Number(snapshot.vmClock / SECOND),
  vmClockNanoseconds: Number(snapshot.vmClock % SECOND),
  vmStateBytes: bytes(Number(snapshot.vmStateBytes)),
  diskSize: snapshot.diskSize === null ? null : bytes(Number(snapshot.diskSize)),
  icount: snapshot.icount === null ? null : Number(snapshot.icount),
});

export function createSnapshotOf(image: OpenImage, name: string, timeMs: number): Result<{ id: string }, Failure> {
  const refused = refusal(image, name);
  if (refused !== null) return err(refused);
  const made = image.changeWhole((state) => createSnapshot(state, { name, timeMs }));
  return made.ok ? ok({ id: made.value }) : made;
}

export function applySnapshotOf(image: OpenImage, query: SnapshotQuery): Result<DeviceFacts, Failure> {
  const refused = refusal(image, askedOf(query));
  if (refused !== null) return err(refused);
  if (hasBitmaps(readHeader(image.store))) return err({ kind: "snapshot", code: "has-bitmaps", snapshot: askedOf(query) });
  const missing = missingFrom(image, query);
  if (missing !== null) return err(missing);
  const applied = image.changeWhole((state) => applySnapshot(state, query));
  return applied.ok ? ok(image.facts()) : applied;
}

export function deleteSnapshotOf(image: OpenImage, query: SnapshotQuery): Result<{ readonly done: true }, Failure> {
  const refused = refusal(image, askedOf(query));
  if (refused !== null) return err(refused);
  const missing = missingFrom(image, query);
  if (missing !== null) return err(missing);
  const deleted = image.changeWhole((state) => deleteSnapshot(state, query));
  return deleted.ok ? done : deleted;
}

/** That an image which cannot be written has no such snapshot, as QEMU finds before it would write; null where there is more to say of it. */
function missingFrom(image: OpenImage, query: SnapshotQuery): Failure | null {
  if (!image.device.disk.readOnly) return null;
  const { snapshots } = readSnapshotTable(image.store, readHeader(image.store));
  return findSnapshot(snapshots, query) < 0 ? { kind: "snapshot", code: "not-found", snapshot: askedOf(query) } : null;
}

const askedOf = (query: SnapshotQuery): string => (typeof query === "string" ? query : (query.name ?? query.id ?? ""));

const hasBitmaps = (header: Header): boolean => hasBit(header.autoclear, AUTOCLEAR_BITMAPS) && header.extensions.some(({ magic }) => magic === BITMAPS_MAGIC);

/** Images of which snapshots are not changed (zone semantics, "Durability": data would go back, pointers would not). */
function refusal(image: OpenImage, snapshot: string): Failure | null {
  if (image.format === "raw") return { kind: "snapshot", code: "format-without", snapshot };
  const header = readHeader(image.store);
  if (tellsOfZones(header.extensions)) return { kind: "unsupported", feature: "changing the internal snapshots of a zoned image" };
  return hasBit(header.incompatible, INCOMPATIBLE_EXTERNAL_DATA) ? { kind: "unsupported", feature: "internal snapshots of an image with an external data file" } : null;
}
