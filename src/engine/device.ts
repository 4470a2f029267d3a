/** A device as the calls see it, zoned or not. A refusal is a value; what the bytes do wrong is thrown as a Fault. */
import type { Result } from "../base/result.ts";
import type { Extent, Failure, ZoneDescriptor, ZoneRefusal, ZonedFacts } from "../protocol/index.ts";
import type { ZonePolicy } from "../zoned/policy.ts";
import type { WornCondition } from "../zoned/transitions.ts";
import type { ZoneTable } from "../zoned/zone-table.ts";
import type { ChangeLog } from "./change-log.ts";
import type { Disk } from "./disk.ts";
import type { Payload } from "./payload.ts";

export type Answer<Value = null> = Result<Value, ZoneRefusal>;
export type ManageOperation = "open" | "close" | "finish" | "reset";

export interface Device {
  readonly disk: Disk;
  readonly log: ChangeLog;
  /** null for a device without zones. */
  readonly zones: ZoneTable | null;
  zonedFacts(): ZonedFacts | null;
  /** Other rules from now on; what was done under the former ones stands. Refused where the rules cannot have this device. */
  setPolicy(policy: ZonePolicy): Result<null, Failure>;
  read(offset: number, into: Uint8Array): Answer;
  write(offset: number, payload: Payload): Answer;
  writeZeroes(offset: number, length: number, unmap: boolean): Answer;
  discard(offset: number, length: number): Answer;
  map(offset: number, length: number, maxExtents: number): Answer<{ extents: readonly Extent[]; next: number | null }>;
  report(offset: number, count: number): Answer<readonly ZoneDescriptor[]>;
  /** The zone that holds the offset wears out. Kept in memory alone: the image stores no such condition. */
  wear(offset: number, to: WornCondition): Answer;
  manage(operation: ManageOperation, offset: number, length: number): Answer;
  /** @param lengths the vector's lengths in bytes; payload.length is their sum. @returns the guest offset where it landed */
  append(offset: number, lengths: readonly number[], payload: Payload): Answer<number>;
  flush(): void;
  /** Told before what was read from a backing file is written, where anybody listens. */
  keepsRead?(): void;
}
