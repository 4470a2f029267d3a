import { describe, expect, it } from "vitest";
import { formattingLine, parseCreateOptions, resolveCreateOptions, respelled } from "../../../src/command/create-options.ts";
import type { CreateOptions } from "../../../src/protocol/index.ts";

const V4 = "size=768M,zone_size=64M,zone_model=1";
const V9 = "size=768M,zone.mode=host-managed";

function resolved(lists: string[], size: number | null = null): CreateOptions | string {
  const given = parseCreateOptions("qcow2", lists, size);
  if (!given.ok) return "list" in given.error ? `list ${given.error.list}` : given.error.mistake;
  const options = resolveCreateOptions(given.value);
  return options.ok ? options.value : options.error;
}

describe("what options come to", () => {
  const check = (list: string, expected: Partial<CreateOptions>): void => it(list, () => expect(resolved([list])).toMatchObject(expected));
  check("size=64M", { sizeBytes: 67108864, clusterSize: 65536, refcountBits: 16, zoned: null });
  check("size=1000", { sizeBytes: 1024 });
  check("size=1M,size=2M", { sizeBytes: 2097152 });
  check("size=64M,cluster_size=4k,refcount_bits=8,compat=v3,lazy_refcounts=off,preallocation=off,extended_l2=off,compression_type=zlib", { clusterSize: 4096, refcountBits: 8 });
  check(V4, {
    zoned: { dialect: "v4", zoneSize: 67108864, zoneCapacity: 67108864, conventionalZones: 0, maxOpenZones: 0, maxActiveZones: 0, maxAppendBytes: 65536 },
  });
  check(`${V4},zone_capacity=48M,nr_conv_zones=2,max_append_sectors=512,max_active_zones=5,max_open_zones=3`, {
    zoned: { dialect: "v4", zoneSize: 67108864, zoneCapacity: 50331648, conventionalZones: 2, maxOpenZones: 3, maxActiveZones: 5, maxAppendBytes: 262144 },
  });
  check(V9, {
    zoned: { dialect: "v9", zoneSize: 268435456, zoneCapacity: 268435456, conventionalZones: 0, maxOpenZones: 0, maxActiveZones: 0, maxAppendBytes: 65536 },
  });
  check(`${V9},zone.size=64M,zone.max_append_bytes=32M,zone.max_active_zones=8`, {
    zoned: { dialect: "v9", zoneSize: 67108864, zoneCapacity: 67108864, conventionalZones: 0, maxOpenZones: 8, maxActiveZones: 8, maxAppendBytes: 33554432 },
  });
  check("size=1M,compat=0.10", { version: 2 });
  check("size=1M,lazy_refcounts=on,extended_l2=on,compression_type=zstd,preallocation=full,encryption=off,nocow=on", {
    version: 3,
    lazyRefcounts: true,
    extendedL2: true,
    compressionType: "zstd",
    preallocation: "full",
  });
  check("size=1M,backing_file=a,,b,backing_fmt=raw", { backing: { file: "a,b", format: "raw" } });
  check("size=1M,data_file=d,data_file_raw=on", { dataFile: { file: "d", raw: true } });
  check(`${V4},max_append_sectors=0`, { zoned: { dialect: "v4", maxAppendBytes: 0 } as CreateOptions["zoned"] });
  check("size=1M,zone_model=0,zone_size=64k", { zoned: null });
  it("several lists and a size apart", () => expect(resolved(["cluster_size=4k", "refcount_bits=8"], 1048576)).toMatchObject({ sizeBytes: 1048576, clusterSize: 4096, refcountBits: 8 }));
});

describe("what is refused", () => {
  const check = (list: string, expected: string): void => it(list, () => expect(resolved([list])).toBe(expected));
  const expectsSize = (name: string): string =>
    `Parameter '${name}' expects a non-negative number below 2^64\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.`;
  check("foo=1", "Invalid parameter 'foo'");
  check("=", "Invalid parameter ''");
  check("size=64M,", "list size=64M,");
  check(",size=64M", "list ,size=64M");
  check("", "list ");
  check("size=64M,,", expectsSize("size"));
  check("size=x", expectsSize("size"));
  check("cluster_size", expectsSize("cluster_size"));
  check("refcount_bits=x", "Parameter 'refcount_bits' expects a number");
  check("lazy_refcounts=maybe", "Parameter 'lazy_refcounts' expects 'on' or 'off'");
  for (const value of ["3k", "256", "4M", "0"]) check(`size=1M,cluster_size=${value}`, "Cluster size must be a power of two between 512 and 2048k");
  for (const value of ["7", "128", "0", "-1"]) check(`size=1M,refcount_bits=${value}`, "Refcount width must be a power of two and may not exceed 64 bits");
  check("size=8P", "The image size is too large for file format 'qcow2' (try using a larger cluster size)");
  check("size=1M,compat=9", "Parameter 'version' does not accept value '9'");
  check("size=1M,preallocation=foo", "Parameter 'preallocation' does not accept value 'foo'");
  check("size=1M,compression_type=foo", "Parameter 'compression-type' does not accept value 'foo'");
  check("size=1M,encryption=on", "The option 'encryption' is not supported");
  check("size=1M,backing_fmt=foo", "Parameter 'backing-fmt' does not accept value 'foo'");
  check("size=1M,encrypt.format=luks", "The option 'encrypt.format' is not supported");
  check("size=1M,zone_model=1", "Missing zone_size parameter");
  check("size=1M,zone_size=64k", "The option 'zone_size' needs zone_model=1: without it the image has no zones");
  check("size=1M,zone.size=64k", "The option 'zone.size' needs zone.mode=host-managed: without it the image has no zones");
  check("size=1M,zone_model=2,zone_size=64k", "Parameter 'zone_model' does not accept value '2'");
  check("size=1M,zone.mode=host-aware", "Parameter 'zone.mode' does not accept value 'host-aware'");
  check(`${V4},zone.capacity=1M`, "The options 'zone_size' and 'zone.capacity' are two spellings of the zone options, which cannot be mixed");
  it("a size given twice", () => expect(resolved(["size=64M"], 1048576)).toBe("The image size must be specified only once"));
});

describe("the Formatting line", () => {
  const check = (list: string, expected: string): void =>
    it(list, () => {
      const given = parseCreateOptions("qcow2", [list], null);
      if (!given.ok) throw new Error("refused");
      expect(formattingLine("a.qcow2", "qcow2", given.value)).toBe(`Formatting 'a.qcow2', fmt=qcow2 ${expected}\n`);
    });
  check("size=64M", "cluster_size=65536 extended_l2=off compression_type=zlib size=67108864 lazy_refcounts=off refcount_bits=16");
  check("size=1E", "cluster_size=65536 extended_l2=off compression_type=zlib size=1152921504606846976 lazy_refcounts=off refcount_bits=16");
  check("refcount_bits=8,size=64M,compat=1.1,preallocation=off", "cluster_size=65536 extended_l2=off preallocation=off compression_type=zlib size=67108864 compat=1.1 lazy_refcounts=off refcount_bits=8");
  check(V4, "cluster_size=65536 extended_l2=off compression_type=zlib zone_model=1 zone_size=67108864 size=805306368 lazy_refcounts=off refcount_bits=16");
});

describe("what the engine says of an option, in the command's spelling", () => {
  const text = "zone_capacity is 3; allowed is a multiple of 512 from 512 to zone_size (2)";
  it("v4 stays", () => expect(respelled(text, "v4")).toBe(text));
  it("v9", () => expect(respelled(text, "v9")).toBe("zone.capacity is 3; allowed is a multiple of 512 from 512 to zone.size (2)"));
  it("the append limit", () => {
    expect(respelled("max_append_bytes is 3", "v9")).toBe("zone.max_append_bytes is 3");
    expect(respelled("max_append_bytes is 3", "v4")).toBe("max_append_sectors, in bytes, is 3");
  });
  it("no zones, no zone options", () => expect(respelled("size is 3", null)).toBe("size is 3"));
});
