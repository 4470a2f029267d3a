/**
 * The words of a virtio block device: request types, statuses, features, and the two headers of a request. Knows neither the
 * engine nor the emulator.
 *
 * Source: virtio 1.3, 5.2 "Block Device".
 */
import { SECTOR_SIZE } from "../base/units.ts";

const RequestType = {
  IN: 0,
  OUT: 1,
  FLUSH: 4,
  GET_ID: 8,
  ZONE_APPEND: 15,
  ZONE_REPORT: 16,
  ZONE_OPEN: 18,
  ZONE_CLOSE: 20,
  ZONE_FINISH: 22,
  ZONE_RESET: 24,
  ZONE_RESET_ALL: 26,
} as const;

export const Status = {
  OK: 0,
  IOERR: 1,
  UNSUPP: 2,
  ZONE_INVALID_CMD: 3,
  ZONE_UNALIGNED_WP: 4,
  ZONE_OPEN_RESOURCE: 5,
  ZONE_ACTIVE_RESOURCE: 6,
} as const;
export type Status = (typeof Status)[keyof typeof Status];

/** Bit numbers. VERSION_1 is every modern device's. */
export const Feature = { SEG_MAX: 2, RO: 5, BLK_SIZE: 6, FLUSH: 9, ZONED: 17, INDIRECT_DESC: 28, VERSION_1: 32 } as const;

export const DEVICE_ID = 0x1042;
/** Requests that can be under way; also how many descriptors a request may have. */
export const QUEUE_SIZE = 128;
/** Data segments of one request: the queue less the header's and the status's. */
export const MAX_SEGMENTS = QUEUE_SIZE - 2;
/** More than this in one request, 16 MiB of data beside header and status, is no request of a disk but a lie about memory: nothing is allocated for it. */
export const MAX_REQUEST_BYTES = 2 ** 24 + SECTOR_SIZE;
/** Type (u32), priority (u32), sector (u64). */
const REQUEST_HEADER_BYTES = 16;
/** What GET_ID answers with. */
export const ID_BYTES = 20;

export type ZoneOperationName = "open" | "close" | "finish" | "reset";

/** What a guest asks for; offsets and lengths are bytes of the disk. */
export type GuestRequest =
  | { readonly type: "read"; readonly offset: number; readonly lengthBytes: number }
  | { readonly type: "write"; readonly offset: number; readonly data: Uint8Array }
  | { readonly type: "append"; readonly offset: number; readonly data: Uint8Array }
  | { readonly type: "flush" }
  | { readonly type: "id"; readonly lengthBytes: number }
  | { readonly type: "report"; readonly offset: number; readonly lengthBytes: number }
  | { readonly type: "manage"; readonly operation: ZoneOperationName; readonly offset: number }
  | { readonly type: "reset-all" };

/** Why no request could be made of what a guest sent: status is what it is told, or null where it left no room to tell it anything. */
export interface Unreadable {
  readonly type: "unreadable";
  readonly status: Status | null;
}

const MANAGED: ReadonlyMap<number, ZoneOperationName> = new Map([
  [RequestType.ZONE_OPEN, "open"],
  [RequestType.ZONE_CLOSE, "close"],
  [RequestType.ZONE_FINISH, "finish"],
  [RequestType.ZONE_RESET, "reset"],
]);

/**
 * Reads a request.
 * @param readable what the device may read of the descriptors, end to end: the header, and the data of a write
 * @param writableBytes how much it may write; the last byte of it is the status
 */
export function decodeRequest(readable: Uint8Array, writableBytes: number): GuestRequest | Unreadable {
  if (writableBytes < 1) return { type: "unreadable", status: null };
  if (readable.length < REQUEST_HEADER_BYTES) return { type: "unreadable", status: Status.IOERR };
  const view = new DataView(readable.buffer, readable.byteOffset, readable.byteLength);
  const type = view.getUint32(0, true);
  const sector = view.getBigUint64(8, true);
  // A position that is no safe integer is behind every disk's end, and rounding must not bring it back.
  const offset = sector > BigInt(Math.floor(Number.MAX_SAFE_INTEGER / SECTOR_SIZE)) ? null : Number(sector) * SECTOR_SIZE;
  const data = readable.subarray(REQUEST_HEADER_BYTES);
  const room = writableBytes - 1;
  if (type === RequestType.FLUSH) return { type: "flush" };
  if (type === RequestType.GET_ID) return { type: "id", lengthBytes: room };
  if (type === RequestType.ZONE_RESET_ALL) return { type: "reset-all" };
  const operation = MANAGED.get(type);
  if (operation === undefined && type !== RequestType.IN && type !== RequestType.OUT && type !== RequestType.ZONE_APPEND && type !== RequestType.ZONE_REPORT) {
    return { type: "unreadable", status: Status.UNSUPP };
  }
  if (offset === null) return { type: "unreadable", status: Status.IOERR };
  if (operation !== undefined) return { type: "manage", operation, offset };
  if (type === RequestType.IN) return { type: "read", offset, lengthBytes: room };
  if (type === RequestType.OUT) return { type: "write", offset, data };
  if (type === RequestType.ZONE_REPORT) return { type: "report", offset, lengthBytes: room };
  // An append is answered with the sector where it landed, so that it needs room for one.
  return room < 8 ? { type: "unreadable", status: Status.IOERR } : { type: "append", offset, data };
}

/** The writable part as the guest gets it: what was asked for from its start, zeros, and the status in its last byte. */
export function encodeAnswer(writableBytes: number, status: Status, content: Uint8Array | null): Uint8Array {
  const answer = new Uint8Array(writableBytes);
  if (content !== null) answer.set(content.subarray(0, writableBytes - 1));
  answer[writableBytes - 1] = status;
  return answer;
}
