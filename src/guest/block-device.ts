/**
 * A virtio block device over the engine, and nothing more than an adapter: a request becomes a call, its outcome a status. Every
 * rule of zones is the engine's; nothing is decided, remembered or retried here.
 *
 * Source: virtio 1.3, 5.2.6.
 */
import { SECTOR_SIZE } from "../base/units.ts";
import type { Result } from "../base/result.ts";
import type { DeviceFacts, Failure, Perform } from "../protocol/index.ts";
import { statusOf } from "./status.ts";
import { ID_BYTES, MAX_REQUEST_BYTES, Status, decodeRequest, encodeAnswer } from "./virtio-block.ts";
import type { GuestRequest } from "./virtio-block.ts";
import { encodeReport, reportRoom } from "./zone-report.ts";

type Content = Uint8Array | null;

export class BlockDevice {
  readonly facts: DeviceFacts;
  private readonly handle: number;
  private readonly perform: Perform;

  /** `handle` is an open image of the engine that `perform` reaches, and `facts` are of it. */
  constructor(perform: Perform, handle: number, facts: DeviceFacts) {
    this.perform = perform;
    this.handle = handle;
    this.facts = facts;
  }

  /**
   * Carries a request out.
   * @param readable what the device may read of the descriptors, end to end
   * @param writableBytes how much it may write
   * @returns what to write there, status in its last byte, or null where the guest left no byte for one, or room for more than
   * MAX_REQUEST_BYTES
   */
  async answer(readable: Uint8Array, writableBytes: number): Promise<Uint8Array | null> {
    if (writableBytes > MAX_REQUEST_BYTES) return null;
    const request = decodeRequest(readable, writableBytes);
    if (request.type === "unreadable") return request.status === null ? null : encodeAnswer(writableBytes, request.status, null);
    const outcome = await this.carryOut(request);
    return outcome.ok ? encodeAnswer(writableBytes, Status.OK, outcome.value) : encodeAnswer(writableBytes, outcome.error, null);
  }

  private async carryOut(request: GuestRequest): Promise<Result<Content, Status>> {
    const { handle } = this;
    // A disk without zones has no rule of its own about pieces of a sector; virtio has one. With zones the engine refuses, and says why.
    if (this.facts.zoned === null && !isWholeSectors(request)) return { ok: false, error: Status.IOERR };
    const told = <Value>(reply: Result<Value, Failure>, content: (value: Value) => Content): Result<Content, Status> =>
      reply.ok ? { ok: true, value: content(reply.value) } : { ok: false, error: statusOf(reply.error, this.facts.zoned !== null) };
    switch (request.type) {
      case "read":
        return told(await this.perform("read", { handle, offset: request.offset, length: request.lengthBytes, pattern: null, wantData: true }), ({ data }) => data);
      case "write":
        return told(await this.perform("write", { handle, offset: request.offset, length: request.data.length, pattern: 0, data: request.data }), nothing);
      case "append":
        return told(await this.perform("append", { handle, offset: request.offset, lengths: [request.data.length], pattern: 0, data: request.data }), ({ offset }) => sectorOf(offset));
      case "flush":
        return told(await this.perform("flush", { handle }), nothing);
      case "id":
        return { ok: true, value: this.id().subarray(0, request.lengthBytes) };
      case "report": {
        const count = reportRoom(request.lengthBytes);
        if (count < 0) return { ok: false, error: Status.IOERR };
        return told(await this.perform("report", { handle, offset: request.offset, count }), encodeReport);
      }
      case "manage": {
        const { offset, operation } = request;
        return told(await this.perform("manage", { handle, operation, offset, length: this.lengthOfZoneAt(offset) }), nothing);
      }
      case "reset-all":
        return told(await this.perform("manage", { handle, operation: "reset", offset: 0, length: this.facts.image.virtualSize }), nothing);
    }
  }

  /** A request names a zone by its start; the engine wants the range, and judges a start that is none. The last zone may be short. */
  private lengthOfZoneAt(offset: number): number {
    const { zoned, image } = this.facts;
    const zoneSize = zoned?.geometry.zoneSize ?? 0;
    const left = image.virtualSize - offset;
    return left > 0 ? Math.min(zoneSize, left) : zoneSize;
  }

  /** The file's name, cut where the field ends. */
  private id(): Uint8Array {
    const id = new Uint8Array(ID_BYTES);
    id.set(new TextEncoder().encode(this.facts.image.file).subarray(0, ID_BYTES));
    return id;
  }
}

const nothing = (): Content => null;

const isWholeSectors = (request: GuestRequest): boolean => {
  if (request.type === "read") return request.lengthBytes % SECTOR_SIZE === 0;
  return request.type !== "write" || request.data.length % SECTOR_SIZE === 0;
};

function sectorOf(offset: number): Uint8Array {
  const sector = new Uint8Array(8);
  new DataView(sector.buffer).setBigUint64(0, BigInt(offset / SECTOR_SIZE), true);
  return sector;
}
