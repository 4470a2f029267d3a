/** Requests by their bytes, as a guest lays them out. */
import { describe, expect, test } from "vitest";
import { Status, decodeRequest, encodeAnswer } from "../../../src/guest/virtio-block.ts";
import { requestBytes } from "./request-bytes.ts";

describe("decoding a request", () => {
  test("a read is as long as the room for its answer, less the status", () => {
    expect(decodeRequest(requestBytes(0, 8n), 4097)).toEqual({ type: "read", offset: 4096, lengthBytes: 4096 });
  });

  test("a write's data is what follows the header", () => {
    const data = Uint8Array.from([1, 2, 3]);
    expect(decodeRequest(requestBytes(1, 3n, data), 1)).toEqual({ type: "write", offset: 1536, data });
  });

  test.each([
    [18, "open"],
    [20, "close"],
    [22, "finish"],
    [24, "reset"],
  ] as const)("type %i is %s of the zone at the sector", (type, operation) => {
    expect(decodeRequest(requestBytes(type, 2048n), 1)).toEqual({ type: "manage", operation, offset: 2 ** 20 });
  });

  test("flush, identity, report, append and reset of all", () => {
    expect(decodeRequest(requestBytes(4, 0n), 1)).toEqual({ type: "flush" });
    expect(decodeRequest(requestBytes(8, 0n), 21)).toEqual({ type: "id", lengthBytes: 20 });
    expect(decodeRequest(requestBytes(16, 2n), 1025)).toEqual({ type: "report", offset: 1024, lengthBytes: 1024 });
    expect(decodeRequest(requestBytes(15, 0n, Uint8Array.of(9)), 12)).toEqual({ type: "append", offset: 0, data: Uint8Array.of(9) });
    expect(decodeRequest(requestBytes(26, 0n), 1)).toEqual({ type: "reset-all" });
  });

  test("what a device does not offer is unsupported: discard, zeros, secure erase, what has no meaning", () => {
    for (const type of [2, 11, 13, 14, 19, 25, 2 ** 31]) expect(decodeRequest(requestBytes(type, 0n), 1)).toEqual({ type: "unreadable", status: Status.UNSUPP });
  });

  test("a sector that no number can hold does not come back as a small one", () => {
    for (const sector of [2n ** 64n - 1n, 2n ** 55n, 2n ** 44n]) expect(decodeRequest(requestBytes(1, sector), 1)).toEqual({ type: "unreadable", status: Status.IOERR });
    expect(decodeRequest(requestBytes(0, 2n ** 44n - 1n), 1)).toMatchObject({ type: "read", offset: (2 ** 44 - 1) * 512 });
  });

  test("a short header is an I/O error, and no room for a status cannot be answered", () => {
    expect(decodeRequest(requestBytes(0, 0n).subarray(0, 15), 513)).toEqual({ type: "unreadable", status: Status.IOERR });
    expect(decodeRequest(requestBytes(0, 0n), 0)).toEqual({ type: "unreadable", status: null });
  });

  test("an append without room for its sector is not begun", () => {
    expect(decodeRequest(requestBytes(15, 0n, new Uint8Array(512)), 8)).toEqual({ type: "unreadable", status: Status.IOERR });
    expect(decodeRequest(requestBytes(15, 0n, new Uint8Array(512)), 9)).toMatchObject({ type: "append" });
  });
});

describe("an answer", () => {
  test("has its content at the start, zeros, and the status in the last byte", () => {
    expect([...encodeAnswer(6, Status.OK, Uint8Array.of(7, 8))]).toEqual([7, 8, 0, 0, 0, 0]);
    expect([...encodeAnswer(3, Status.ZONE_UNALIGNED_WP, null)]).toEqual([0, 0, 4]);
  });

  test("too much content never reaches the status", () => {
    expect([...encodeAnswer(3, Status.IOERR, Uint8Array.of(7, 8, 9, 10))]).toEqual([7, 8, 1]);
  });
});
