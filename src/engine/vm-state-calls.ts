/** Reads and writes of a machine's state behind the disk. A zoned disk has none: its snapshots, which would keep the state, are not made. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Failure, ReplyOf } from "../protocol/index.ts";
import type { Device } from "./device.ts";
import type { Disk } from "./disk.ts";
import { forEachPiece } from "./payload.ts";
import type { Payload } from "./payload.ts";
import { readPieces } from "./read-pieces.ts";

/** The disk, where it keeps such a state. */
function keeper({ disk, zones }: Device): Required<Pick<Disk, "readVmState" | "reserveVmState" | "writeVmState">> | null {
  return zones !== null || disk.readVmState === undefined ? null : (disk as Required<Disk>);
}

const none = (device: Device): Result<never, Failure> =>
  err({ kind: "unsupported", feature: `the state of a machine in a ${device.zones === null ? "raw" : "zoned"} image` });

/** @throws Fault of the store, or for a structure that cannot be */
export function readVmState(device: Device, offset: number, length: number, pattern: number | null, wantData: boolean): Result<ReplyOf<"read">, Failure> {
  const disk = keeper(device);
  if (disk === null) return none(device);
  const read = (at: number, into: Uint8Array): Result<null, never> => {
    disk.readVmState(at, into);
    return ok(null);
  };
  return readPieces(read, offset, length, pattern, wantData);
}

/** @throws as readVmState */
export function writeVmState(device: Device, offset: number, payload: Payload): Result<null, Failure> {
  const disk = keeper(device);
  if (disk === null) return none(device);
  if (payload.length === 0) return ok(null);
  if (!disk.reserveVmState(offset, payload.length)) return err({ kind: "usage", code: "vm-state-too-far", detail: `a state that ends ${offset + payload.length} bytes behind the disk needs more L1 table than an image may have` });
  forEachPiece(payload, (at, data) => disk.writeVmState(offset + at, data));
  return ok(null);
}
