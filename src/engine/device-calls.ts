/** The calls on an open device: requests unpacked, sizes bounded, answers packed. */
import { Condition } from "../base/conditions.ts";
import { err, ok } from "../base/result.ts";
import { assert } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import type { CallName, Failure, Outcome, RequestOf } from "../protocol/index.ts";
import type { Disk } from "./disk.ts";
import { changeBitmap } from "./bitmap-calls.ts";
import { writeCompressed, writeWidened } from "./compressed-write.ts";
import type { OpenImage } from "./open-image.ts";
import { dataPayload, patternPayload } from "./payload.ts";
import { outOfRange } from "./range.ts";
import { resizeOpened } from "./resize-calls.ts";
import { applySnapshotOf, createSnapshotOf, deleteSnapshotOf, listSnapshots } from "./snapshot-calls.ts";
import { readPieces } from "./read-pieces.ts";
import { readVmState, writeVmState } from "./vm-state-calls.ts";
import { zoneSteps } from "./zone-steps.ts";

export type DeviceCallName = "facts" | "watch" | "setProfile" | "read" | "write" | "writeZeroes" | "discard" | "flush" | "report" | "zoneSteps" | "manage" | "wear" | "append" | "map" | "listSnapshots" | "createSnapshot" | "applySnapshot" | "deleteSnapshot" | "resize" | "changeBitmap";
type Handler<Name extends CallName> = (image: OpenImage, request: RequestOf<Name>) => Outcome<Name>;

const done = ok({ done: true } as const);

/**
 * Runs a change of the device: refused on a read-only image, and owing a flush afterwards. A refused command changed nothing and
 * owes none. One that works zone by zone owes one where it moved a pointer, whatever it ended with: conditions are not stored.
 */
function changing<Value>(image: OpenImage, act: () => Result<Value, Failure>, zoneByZone = false): Result<Value, Failure> {
  const { readOnly, readOnlyReason } = image.device.disk;
  if (readOnly) return err({ kind: "usage", code: "read-only", detail: readOnlyReason ?? "the image is open for reading" });
  const owed = image.unflushed;
  // Set first: what a store's Fault leaves behind half-way has to be flushed too.
  image.unflushed = true;
  const { log } = image.device;
  const movesBefore = log.pointerMoves;
  const outcome = act();
  const changedNothing = zoneByZone ? log.pointerMoves === movesBefore : !outcome.ok;
  if (changedNothing) image.unflushed = owed;
  return outcome;
}

const finished = (outcome: Result<unknown, Failure>): Result<{ readonly done: true }, Failure> => (outcome.ok ? done : outcome);

const handlers: { readonly [Name in DeviceCallName]: Handler<Name> } = {
  facts: (image) => ok(image.facts()),
  watch: (image) => ok(image.watch()),
  setProfile: (image, { profile }) => image.setProfile(profile),
  read: (image, { offset, length, pattern, wantData, vmState }) => {
    if (vmState === true) return readVmState(image.device, offset, length, pattern, wantData);
    const outside = outOfRange("read", offset, length, image.device.disk.virtualSize);
    if (outside !== null) {
      image.device.log.refused(outside.error);
      return outside;
    }
    return readPieces((at, into) => image.device.read(at, into), offset, length, pattern, wantData);
  },
  write: (image, { offset, length, pattern, data, compressed, vmState, copiesOnRead }) =>
    changing(image, () => {
      if (copiesOnRead === true) image.device.keepsRead?.();
      const payload = data === null ? patternPayload(pattern, length) : dataPayload(data);
      if (vmState === true) return finished(writeVmState(image.device, offset, payload));
      if (compressed === true) return finished(writeCompressed(image.device, offset, payload));
      return finished(image.files.compresses === true ? writeWidened(image.device, offset, payload) : image.device.write(offset, payload));
    }),
  writeZeroes: (image, { offset, length, unmap, fallback, copiesOnRead }) =>
    changing(image, () => {
      if (copiesOnRead === true) image.device.keepsRead?.();
      if (fallback === false && !takesZerosWhole(image.device.disk, offset, length)) return err({ kind: "unsupported", feature: "zeros in a part of a cluster without storing them as bytes" });
      return finished(image.device.writeZeroes(offset, length, unmap));
    }),
  discard: (image, { offset, length }) => changing(image, () => finished(image.device.discard(offset, length))),
  flush: (image) => finished(image.flush()),
  resize: (image, { sizeBytes, preallocation }) => resizeOpened(image, sizeBytes, preallocation !== "off"),
  listSnapshots: (image) => listSnapshots(image),
  createSnapshot: (image, { name }) => createSnapshotOf(image, name, image.now()),
  applySnapshot: (image, { snapshot }) => applySnapshotOf(image, snapshot),
  deleteSnapshot: (image, { snapshot }) => deleteSnapshotOf(image, snapshot),
  changeBitmap: (image, { bitmap, change }) => changeBitmap(image, bitmap, change),
  report: (image, { offset, count }) => image.device.report(offset, count),
  zoneSteps: (image, { zone }) => zoneSteps(image.device.zones, image.policy, zone),
  manage: (image, { operation, offset, length }) => changing(image, () => finished(image.device.manage(operation, offset, length)), true),
  // Nothing that an image stores: one that is open read-only wears out too, and owes no flush.
  wear: (image, { offset, condition }) => {
    if (condition !== Condition.READ_ONLY && condition !== Condition.OFFLINE) return err({ kind: "option", option: "condition", found: String(condition), allowed: `${Condition.READ_ONLY} or ${Condition.OFFLINE}` });
    return finished(image.device.wear(offset, condition));
  },
  append: (image, { offset, lengths, pattern, data = null }) =>
    changing(image, () => {
      const total = lengths.reduce((sum, length) => sum + length, 0);
      assert(data === null || data.length === total, "an append has as much data as its lengths say");
      const answer = image.device.append(offset, lengths, data === null ? patternPayload(pattern, total) : dataPayload(data));
      return answer.ok ? ok({ offset: answer.value }) : answer;
    }),
  map: (image, { offset, length, maxExtents }) => image.device.map(offset, length, maxExtents),
};

/** Whether a range can become zeros without a byte of them written as data. */
function takesZerosWhole(disk: Disk, offset: number, length: number): boolean {
  // What lies outside the disk is refused as any write there.
  if (length === 0 || offset + length > disk.virtualSize) return true;
  if (disk.takesZeros !== undefined) return disk.takesZeros(offset, length);
  const end = Math.min(offset + length, disk.virtualSize);
  return [offset, end].every((edge) => edge % disk.clusterSize === 0 || edge >= disk.virtualSize);
}

export const isDeviceCall = (name: CallName): name is DeviceCallName => Object.hasOwn(handlers, name);

export function performOnDevice<Name extends DeviceCallName>(name: Name, image: OpenImage, request: RequestOf<Name>): Outcome<Name> {
  return (handlers[name] as Handler<Name>)(image, request);
}
