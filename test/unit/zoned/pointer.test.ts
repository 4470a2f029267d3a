/** Entries of the zoned metadata: bit 59, little-endian, large offsets, and what is refused or found odd. Zoned format, "Zoned metadata". */
import { describe, expect, test } from "vitest";
import { Condition, ZoneType } from "../../../src/base/conditions.ts";
import { bytes, guestOffset } from "../../../src/base/units.ts";
import type { ZoneGeometry } from "../../../src/zoned/geometry.ts";
import { conditionsAfterPowerCycle, readPointers, decodePointer, encodePointer } from "../../../src/zoned/pointer.ts";

const GIB = 2 ** 30;
const geometry = (changes: Partial<Record<keyof ZoneGeometry, number>> = {}): ZoneGeometry =>
  ({
    deviceSize: bytes(4 * GIB), zoneSize: bytes(GIB), zoneCapacity: bytes(GIB / 2), zoneCount: 4, conventionalZones: 0,
    maxOpenZones: 0, maxActiveZones: 0, maxAppendBytes: bytes(65536), ...changes,
  }) as ZoneGeometry;

const HOST = 0x30000;

/** The array of raw 64-bit words, little-endian as stored. */
function stored(...words: bigint[]): DataView {
  const view = new DataView(new ArrayBuffer(words.length * 8));
  words.forEach((word, index) => view.setBigUint64(index * 8, word, true));
  return view;
}
const BIT_59 = 1n << 59n;
const fresh = (): bigint[] => [0n, 1n, 2n, 3n].map((zone) => zone * BigInt(GIB));

describe("one entry", () => {
  test.each<[string, number[], boolean, number]>([
    ["zero", [0, 0, 0, 0, 0, 0, 0, 0], false, 0],
    ["little-endian", [0x00, 0x10, 0x00, 0x08, 0, 0, 0, 0], false, 0x08001000],
    ["bit 59", [0, 0, 0, 0x04, 0, 0, 0, 0x08], true, 0x04000000],
    ["above 4 GiB", [0, 0x02, 0, 0, 0x12, 0, 0, 0], false, 0x12_0000_0200],
    ["bit 59 above 4 GiB", [0, 0, 0, 0x80, 1, 0, 0, 0x08], true, 0x1_8000_0000],
    ["the largest safe integer", [255, 255, 255, 255, 255, 255, 0x1f, 0], false, Number.MAX_SAFE_INTEGER],
  ])("%s", (_name, raw, conventional, offset) => {
    const view = new DataView(Uint8Array.from(raw).buffer);
    expect(decodePointer(view, 0)).toEqual({ conventional, offset });
    const encoded = new DataView(new ArrayBuffer(8));
    encodePointer(encoded, 0, { conventional, offset: guestOffset(offset) });
    expect([...new Uint8Array(encoded.buffer)]).toEqual(raw);
  });

  test.each([2n ** 53n, 1n << 58n, 1n << 60n, 1n << 63n, 2n ** 64n - 1n])("0x%s is beyond every zone", (word) => {
    expect(decodePointer(stored(word), 0).offset).toBe(Infinity);
  });

  test("an entry is written where it belongs and touches no other", () => {
    const view = stored(1n, 2n, 3n);
    encodePointer(view, 1, { conventional: true, offset: guestOffset(512) });
    expect([view.getBigUint64(0, true), view.getBigUint64(8, true), view.getBigUint64(16, true)]).toEqual([1n, BIT_59 | 512n, 3n]);
  });
});

describe("all entries", () => {
  test("a new disk, a filled one, a finished one", () => {
    expect(readPointers(geometry(), stored(...fresh()), HOST)).toMatchObject({ findings: [], readOnly: false });
    expect(readPointers(geometry(), stored(...fresh().map((word) => word + BigInt(GIB / 2))), HOST)).toMatchObject({ findings: [], readOnly: false });
    expect(readPointers(geometry(), stored(...fresh().map((word) => word + BigInt(GIB))), HOST)).toMatchObject({ findings: [], readOnly: false });
  });

  test("the patched builds finish a short last zone at the end of a full-length one", () => {
    const short = geometry({ deviceSize: 3 * GIB + 512 });
    const words = fresh();
    words[3] = 4n * BigInt(GIB);
    expect(readPointers(short, stored(...words), HOST)).toMatchObject({ findings: [], readOnly: false });
  });

  test.each<[string, bigint, string, string]>([
    ["below its zone", 2n * BigInt(GIB) - 512n, String(2 * GIB - 512), `${2 * GIB} to ${3 * GIB}`],
    ["beyond its zone", 3n * BigInt(GIB) + 512n, String(3 * GIB + 512), `${2 * GIB} to ${3 * GIB}`],
    ["a bit of 60 to 63", (2n * BigInt(GIB)) | (1n << 61n), "a value above 2^53 - 1", `${2 * GIB} to ${3 * GIB}`],
    ["conventional, and not at its start", (2n * BigInt(GIB) + 512n) | BIT_59, `conventional, ${2 * GIB + 512}`, `${2 * GIB}, the zone's start`],
  ])("refused: %s", (_name, word, found, allowed) => {
    const words = fresh();
    words[2] = word;
    expect(readPointers(geometry(), stored(...words), HOST)).toEqual({
      kind: "image", structure: "zoned metadata", field: "write pointer of zone 2", hostOffset: HOST + 16, found, allowed,
    });
  });

  test("bit 59 decides the type, and a disagreement with the header is a finding", () => {
    const words = fresh();
    words[2]! |= BIT_59;
    expect(readPointers(geometry({ conventionalZones: 1 }), stored(...words), HOST)).toEqual({
      columns: { type: Uint8Array.from([ZoneType.SEQUENTIAL, ZoneType.SEQUENTIAL, ZoneType.CONVENTIONAL, ZoneType.SEQUENTIAL]), writePointer: Float64Array.from([0, GIB, 2 * GIB, 3 * GIB]), condition: Uint8Array.from([Condition.EMPTY, Condition.EMPTY, Condition.NOT_WP, Condition.EMPTY]) },
      findings: [
        { code: "type-disagrees", zone: 0, hostOffset: HOST, stored: 0 },
        { code: "type-disagrees", zone: 2, hostOffset: HOST + 16, stored: 2 * GIB },
      ],
      readOnly: false,
    });
  });

  test("a pointer that is no multiple of a sector is a finding and makes the image read-only", () => {
    const words = fresh();
    words[1]! += 7n;
    expect(readPointers(geometry(), stored(...words), HOST)).toMatchObject({
      findings: [{ code: "pointer-not-sector-aligned", zone: 1, hostOffset: HOST + 8, stored: GIB + 7 }], readOnly: true,
    });
  });

  test("findings are bounded, and a scar behind the bound still makes it read-only", () => {
    const many = geometry({ zoneSize: 512, zoneCapacity: 512, zoneCount: 300, deviceSize: 300 * 512, conventionalZones: 299 });
    const words = Array.from({ length: 300 }, (_, zone) => BigInt(zone * 512));
    words[299]! += 1n;
    const report = readPointers(many, stored(...words), HOST);
    expect(report).toMatchObject({ readOnly: true });
    expect("findings" in report && report.findings.length).toBe(100);
  });

  test("an array written on a big-endian host is named as that", () => {
    const view = new DataView(new ArrayBuffer(32));
    fresh().forEach((word, index) => view.setBigUint64(index * 8, word));
    const problem = readPointers(geometry(), view, HOST);
    expect(problem).toMatchObject({ kind: "image", field: "write pointer of zone 1", hostOffset: HOST + 8 });
    expect("found" in problem && problem.found).toContain("every entry fits when read as big-endian");
  });

  test("so is one whose first entry fits both ways: what was read before the refusal is put back", () => {
    const small = geometry({ zoneSize: 4096, zoneCapacity: 4096, deviceSize: 4 * 4096, conventionalZones: 0 });
    const view = new DataView(new ArrayBuffer(32));
    [BIT_59, 4096n, 8192n, 12288n].forEach((word, index) => view.setBigUint64(index * 8, word));
    const before = new Uint8Array(view.buffer).slice();
    const problem = readPointers(small, view, HOST);
    expect("found" in problem && problem.found).toContain("every entry fits when read as big-endian");
    expect(new Uint8Array(view.buffer)).toEqual(before);
  });

  test("the column takes the entries' place, and one of its own where they are not aligned", () => {
    const words = fresh();
    words[1]! += 4096n;
    words[2]! |= BIT_59;
    const aligned = stored(...words);
    const shifted = new DataView(new ArrayBuffer(36), 4);
    words.forEach((word, index) => shifted.setBigUint64(index * 8, word, true));
    const [inPlace, apart] = [readPointers(geometry(), aligned, HOST), readPointers(geometry(), shifted, HOST)];
    if (!("columns" in inPlace) || !("columns" in apart)) throw new Error("refused");
    expect(inPlace.columns.writePointer.buffer).toBe(aligned.buffer);
    expect([...inPlace.columns.writePointer]).toEqual([0, GIB + 4096, 2 * GIB, 3 * GIB]);
    expect(apart).toEqual(inPlace);
    expect(shifted.getBigUint64(8, true)).toBe(words[1]);
  });

  test("one bad entry is not called big-endian", () => {
    const words = fresh();
    words[1] = 0n;
    const problem = readPointers(geometry(), stored(...words), HOST);
    expect("found" in problem && problem.found).toBe("0");
  });
});

test("every condition follows from its pointer, also of a short last zone, whichever loop read it", () => {
  const shape = geometry({ zoneCapacity: 3 * (GIB / 4), deviceSize: 3 * GIB + GIB / 2 });
  const words = fresh();
  words[1]! += BigInt(GIB / 4);
  words[2]! += BigInt(3 * (GIB / 4));
  words[3]! += BigInt(GIB / 2);
  const report = readPointers(shape, stored(...words), HOST);
  if (!("columns" in report)) throw new Error("refused");
  const expected = [Condition.EMPTY, Condition.CLOSED, Condition.FULL, Condition.FULL];
  expect([...report.columns.condition]).toEqual(expected);
  expect([...conditionsAfterPowerCycle(shape, report.columns)]).toEqual(expected);
});
