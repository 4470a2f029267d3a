/** The header and its extensions: what is encoded is decoded, and each field that cannot be is refused by name and place. */
import { describe, expect, test } from "vitest";
import type { ImageProblem } from "../../../src/base/fault.ts";
import { FEATURE_NAMES_MAGIC, HEADER_LENGTH, decodeClusterSize, decodeHeader, encodeAutoclear, encodeHeader, encodeRefcountTablePlace, looksLikeQcow2 } from "../../../src/qcow2/header.ts";
import type { Header } from "../../../src/qcow2/header.ts";

const FILE_LENGTH = 0x100000;
const CLUSTER = 65536;
const SIZE = 768 * 2 ** 20;

/** The first cluster of a good image. */
function good(extensions: readonly { magic: number; data: Uint8Array }[] = []): Uint8Array {
  const cluster = new Uint8Array(CLUSTER);
  cluster.set(encodeHeader({
    clusterBits: 16, virtualSize: SIZE, l1Size: 2, l1Offset: 0x40000, refcountTableOffset: 0x10000, refcountTableClusters: 1,
    incompatible: 0n, refcountOrder: 4, extensions,
  }));
  return cluster;
}

function changed(...changes: readonly (readonly [at: number, width: 1 | 4 | 8, value: number | bigint])[]): Uint8Array {
  const cluster = good();
  const view = new DataView(cluster.buffer);
  for (const [at, width, value] of changes) {
    if (width === 1) view.setUint8(at, Number(value));
    else if (width === 4) view.setUint32(at, Number(value));
    else view.setBigUint64(at, BigInt(value));
  }
  return cluster;
}

function decoded(cluster: Uint8Array, fileLength = FILE_LENGTH): Header {
  const header = decodeHeader(cluster, fileLength);
  if (!header.ok) throw new Error(JSON.stringify(header.error));
  return header.value;
}
function refused(cluster: Uint8Array, fileLength = FILE_LENGTH): ImageProblem {
  const header = decodeHeader(cluster, fileLength);
  if (header.ok) throw new Error("the header was accepted");
  return header.error;
}

test("what is encoded is decoded", () => {
  const names = { magic: FEATURE_NAMES_MAGIC, data: Uint8Array.of(1, 2, 3) };
  const other = { magic: 0x1234, data: new Uint8Array(0) };
  const header = decoded(good([other, names]));
  expect(header).toMatchObject({
    version: 3, clusterBits: 16, clusterSize: CLUSTER, virtualSize: SIZE, cryptMethod: 0, l1Size: 2, l1Offset: 0x40000, refcountTableOffset: 0x10000,
    refcountTableClusters: 1, snapshotCount: 0, snapshotsOffset: 0, incompatible: 0n, compatible: 0n, autoclear: 0n, refcountOrder: 4,
    headerLength: HEADER_LENGTH, compressionType: 0, backingFile: null,
  });
  expect(header.extensions).toEqual([
    { magic: 0x1234, hostOffset: HEADER_LENGTH + 8, data: new Uint8Array(0) },
    { magic: FEATURE_NAMES_MAGIC, hostOffset: HEADER_LENGTH + 16, data: names.data },
  ]);
});

test("version 2 ends at byte 72: what lies behind is no feature, and its extensions begin there", () => {
  const cluster = changed([4, 4, 2], [72, 8, 0x1234_0000_0002n], [80, 8, 0xffff_0000_0000_0000n], [88, 8, 0]);
  const header = decoded(cluster);
  expect(header).toMatchObject({ version: 2, incompatible: 0n, compatible: 0n, autoclear: 0n, refcountOrder: 4, headerLength: 72 });
  expect(header.extensions.map(({ magic, hostOffset, data }) => [magic, hostOffset, data.length])).toEqual([[0x1234, 80, 2]]);
});

test("zstd is told by the field and by the feature bit together", () => {
  expect(decoded(changed([72, 8, 8], [104, 1, 1])).compressionType).toBe(1);
});

test("feature bits of all 64 positions", () => {
  const header = decoded(changed([72, 8, 1n << 63n], [80, 8, (1n << 63n) | 1n], [88, 8, 2n ** 64n - 1n]));
  expect([header.incompatible, header.compatible, header.autoclear]).toEqual([1n << 63n, (1n << 63n) | 1n, 2n ** 64n - 1n]);
});

test("a backing file's name ends the extensions", () => {
  const cluster = changed([8, 8, 200], [16, 4, 4]);
  cluster.set(new TextEncoder().encode("base"), 200);
  expect(decoded(cluster).backingFile).toBe("base");
});

describe("tables that are not there, or are too long", () => {
  const needs = ["all", "read", "check"] as const;
  test.each<[string, Uint8Array, readonly (typeof needs)[number][]]>([
    ["no refcount table", changed([48, 8, 0], [56, 4, 0]), ["check"]],
    ["a refcount table over the header", changed([48, 8, 0]), ["read", "check"]],
    ["a refcount table behind the file", changed([48, 8, 0x100000]), ["read", "check"]],
    ["a refcount table at no cluster's start", changed([48, 8, 512]), []],
    ["a refcount table that is too long", changed([56, 4, 129]), []],
    ["snapshots behind the file", changed([60, 4, 1], [64, 8, 0x100000]), ["read", "check"]],
    ["snapshots at no cluster's start", changed([60, 4, 1], [64, 8, 513]), ["check"]],
    ["too many snapshots", changed([60, 4, 65537], [64, 8, 0x10000]), ["check"]],
  ])("%s", (_, cluster, taken) => {
    expect(needs.filter((need) => decodeHeader(cluster, FILE_LENGTH, need).ok)).toEqual(taken);
  });
});

describe("refused, by field and host offset", () => {
  test.each<[string, number, string, Uint8Array]>([
    ["magic", 0, "51 46 49 fa", changed([0, 4, 0x514649fa])],
    ["version", 4, "1", changed([4, 4, 1])],
    ["version", 4, "4", changed([4, 4, 4])],
    ["cluster_bits", 20, "8", changed([20, 4, 8])],
    ["cluster_bits", 20, "22", changed([20, 4, 22])],
    // More than an L1 table could ever have, and what this one is too small for.
    ["size", 24, String(2n ** 60n), changed([24, 8, 2n ** 60n])],
    ["l1_size", 36, "2", changed([24, 8, 2n ** 53n])],
    ["crypt_method", 32, "3", changed([32, 4, 3])],
    ["l1_size", 36, "1", changed([36, 4, 1])],
    ["l1_size", 36, "4294967295", changed([36, 4, 0xffffffff])],
    ["l1_size", 36, String(2 ** 22 + 1), changed([36, 4, 2 ** 22 + 1])],
    ["l1_table_offset", 40, "0", changed([40, 8, 0])],
    ["l1_table_offset", 40, "262656", changed([40, 8, 0x40200])],
    ["l1_table_offset", 40, "1048576", changed([40, 8, 0x100000])],
    ["l1_table_offset", 40, String(2n ** 63n), changed([40, 8, 2n ** 63n])],
    ["l1_table_offset", 40, String(2n ** 64n - 1n), changed([40, 8, 2n ** 64n - 1n])],
    ["refcount_table_offset", 48, "0", changed([48, 8, 0])],
    ["refcount_table_offset", 48, "512", changed([48, 8, 512])],
    ["refcount_table_offset", 48, "1048576", changed([48, 8, 0x100000])],
    ["refcount_table_clusters", 56, "0", changed([56, 4, 0])],
    ["refcount_table_clusters", 56, "129", changed([56, 4, 129])],
    ["refcount_table_clusters", 56, "4294967295", changed([56, 4, 0xffffffff])],
    ["nb_snapshots", 60, "65537", changed([60, 4, 65537])],
    ["snapshots_offset", 64, "0", changed([60, 4, 1])],
    ["snapshots_offset", 64, "513", changed([60, 4, 1], [64, 8, 513])],
    ["snapshots_offset", 64, "1048576", changed([60, 4, 1], [64, 8, 0x100000])],
    ["refcount_order", 96, "7", changed([96, 4, 7])],
    ["header_length", 100, "0", changed([100, 4, 0])],
    ["header_length", 100, "103", changed([100, 4, 103])],
    ["header_length", 100, "65544", changed([100, 4, 65544])],
    ["header_length", 100, "4294967288", changed([100, 4, 0xfffffff8])],
    ["compression_type", 104, "2", changed([104, 1, 2])],
    ["compression_type", 104, "1", changed([104, 1, 1])],
    ["compression_type", 104, "0", changed([72, 8, 8])],
    ["backing_file_size", 16, "1024", changed([8, 8, 200], [16, 4, 1024])],
    ["backing_file_size", 16, "4", changed([8, 8, 65534], [16, 4, 4])],
    ["backing_file_offset", 8, "65537", changed([8, 8, 65537], [16, 4, 4])],
    ["backing_file_offset", 8, String(2n ** 60n), changed([8, 8, 2n ** 60n], [16, 4, 4])],
  ])("%s at %i: %s", (field, hostOffset, found, cluster) => {
    expect(refused(cluster)).toMatchObject({ kind: "image", structure: "header", field, hostOffset, found });
  });

  test("extended L2 entries halve what an L1 entry maps", () => {
    expect(refused(changed([72, 8, 16])).field).toBe("l1_size");
    expect(decoded(changed([72, 8, 16], [36, 4, 3])).l1Size).toBe(3);
  });

  test.each<[string, number, number]>([
    ["beyond the cluster", 0x1234, CLUSTER - HEADER_LENGTH - 7],
    ["of 4 GiB", 0x1234, 0xffffffff],
    ["the zoned one, beyond the cluster", 0x007a6264, 0x10000],
  ])("an extension that overruns: %s", (_name, magic, length) => {
    expect(refused(changed([HEADER_LENGTH, 4, magic], [HEADER_LENGTH + 4, 4, length]))).toMatchObject({
      field: `length of header extension 0x${magic.toString(16).padStart(8, "0")}`, hostOffset: HEADER_LENGTH + 4, found: String(length),
    });
  });

  test("an extension that runs into the backing file's name", () => {
    const cluster = changed([8, 8, 136], [16, 4, 4], [HEADER_LENGTH, 4, 0x1234], [HEADER_LENGTH + 4, 4, 17]);
    expect(refused(cluster)).toMatchObject({ hostOffset: HEADER_LENGTH + 4, allowed: "at most the 16 bytes left for extensions" });
  });

  test("an extension that fills the cluster to its last byte is taken", () => {
    const length = CLUSTER - HEADER_LENGTH - 8;
    expect(decoded(changed([HEADER_LENGTH, 4, 0x1234], [HEADER_LENGTH + 4, 4, length])).extensions).toMatchObject([{ magic: 0x1234 }]);
  });
});

describe("files that end too early", () => {
  test.each([0, 1, 3])("%i bytes have no magic", (length) => {
    expect(looksLikeQcow2(good().subarray(0, length))).toBe(false);
    expect(decodeClusterSize(good().subarray(0, length))).toMatchObject({ ok: false, error: { field: "magic", hostOffset: 0 } });
  });
  test.each([4, 71, 72, 103])("%i bytes are no header", (length) => {
    expect(refused(good().subarray(0, length), length).field).toBe("length");
  });
  test("any prefix of a header is an answer, never an exception", () => {
    const whole = good([{ magic: 0x1234, data: new Uint8Array(64) }]);
    for (let length = 0; length < 400; length++) expect(decodeHeader(whole.subarray(0, length), length).ok).toBe(false);
  });
});

test("pieces that are rewritten in place lie in the first sector", () => {
  const place = encodeRefcountTablePlace(0x12_3456_0000, 7);
  const cluster = good();
  cluster.set(place.data, place.at);
  const autoclear = encodeAutoclear(1n << 63n);
  cluster.set(autoclear.data, autoclear.at);
  expect(decoded(cluster, 2 ** 41)).toMatchObject({ refcountTableOffset: 0x12_3456_0000, refcountTableClusters: 7, autoclear: 1n << 63n, l1Offset: 0x40000 });
});
