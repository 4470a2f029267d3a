/**
 * A zoned extension that says what cannot be, or that there are no zones, through the whole of opening: what is refused, by which name, and
 * what opens as a plain disk. Zoned format, "What a reader must refuse".
 */
import { describe, expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { runConsoleLine } from "../../../src/command/console.ts";
import type { Dialect } from "../../../src/protocol/index.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import { fileReader, putFile, rawExtension } from "./images.ts";

const DIALECTS: readonly Dialect[] = ["v4", "v7", "v9"];
const SIZE = 4 * MIB;

/** An image of four zones, the first conventional, with something in the second; its bytes. */
async function zonedBytes(dialect: Dialect): Promise<Uint8Array> {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  const zoned = { dialect, zoneCapacity: 768 * KIB, conventionalZones: 1, maxOpenZones: 2, maxActiveZones: 3 };
  await fixture.ok("create", { file: "image", options: createOptions({ sizeBytes: SIZE, zoned }) });
  const { handle } = await fixture.ok("open", { file: "image", readOnly: false, format: null });
  await fixture.ok("append", { handle, offset: MIB, lengths: [4 * KIB], pattern: 7 });
  await fixture.ok("close", { handle });
  const { size, read } = await fileReader(files, "image");
  return read(0, size);
}

async function withBytes(bytes: Uint8Array) {
  const files = new MemoryFiles();
  await putFile(files, "image", bytes);
  const fixture = engineFixture(files);
  return { files, engine: fixture.engine, ok: fixture.ok.bind(fixture), fail: fixture.fail.bind(fixture) };
}

/** Where a field of the extension lies behind its data's start, by the tables of the format's page. */
const PLACES: Readonly<Record<Dialect, Readonly<Record<string, readonly [at: number, width: 4 | 8]>>>> = {
  v4: { zone_size: [4, 4], zone_capacity: [8, 4], nr_conv_zones: [12, 4], nr_zones: [16, 4], max_active_zones: [20, 4], max_open_zones: [24, 4], zonedmeta_offset: [32, 8], zonedmeta_size: [40, 8] },
  v7: { zone_size: [4, 4], zone_capacity: [8, 4], nr_conv_zones: [12, 4], nr_zones: [16, 4], max_active_zones: [20, 4], max_open_zones: [24, 4], zonedmeta_offset: [40, 8], zonedmeta_size: [32, 8] },
  v9: { zone_size: [4, 8], zone_capacity: [12, 8], conventional_zones: [20, 4], nr_zones: [24, 4], max_active_zones: [28, 4], max_open_zones: [32, 4], zonedmeta_offset: [48, 8], zonedmeta_size: [40, 8] },
};

function lie(bytes: Uint8Array, dialect: Dialect, field: string, value: number): { readonly bytes: Uint8Array; readonly hostOffset: number } {
  const lying = bytes.slice();
  const [at, width] = PLACES[dialect][field]!;
  const hostOffset = rawExtension(bytes).at + at;
  const view = new DataView(lying.buffer);
  if (width === 4) view.setUint32(hostOffset, value);
  else view.setBigUint64(hostOffset, BigInt(value));
  return { bytes: lying, hostOffset };
}

describe.each(DIALECTS)("%s", (dialect) => {
  const conventional = dialect === "v9" ? "conventional_zones" : "nr_conv_zones";
  test.each<[string, number]>([
    ["zone_size", 0], ["zone_size", 256], ["zone_size", 3 * MIB],
    ["zone_capacity", 0], ["zone_capacity", 1000], ["zone_capacity", 2 * MIB],
    [conventional, 4], [conventional, 2 ** 32 - 1],
    ["nr_zones", 0], ["nr_zones", 3], ["nr_zones", 5], ["nr_zones", 2 ** 32 - 1],
    ["zonedmeta_size", 0], ["zonedmeta_size", 24], ["zonedmeta_size", 40], ["zonedmeta_size", 2 ** 40],
    ["zonedmeta_offset", 0], ["zonedmeta_offset", 512], ["zonedmeta_offset", 3 * 65536 + 1], ["zonedmeta_offset", 2 ** 40],
  ])("%s is %i: refused by that name, for reading too, and the file stays as it was", async (field, value) => {
    const { bytes, hostOffset } = lie(await zonedBytes(dialect), dialect, field, value);
    const { files, fail } = await withBytes(bytes);
    for (const readOnly of [true, false]) {
      expect(await fail("open", { file: "image", readOnly, format: null })).toMatchObject({ kind: "image", structure: "zoned extension", field, hostOffset, found: String(value) });
    }
    const after = await fileReader(files, "image");
    expect([after.size, Buffer.compare(after.read(0, bytes.length), bytes)]).toEqual([bytes.length, 0]);
  });

  // What the limits say is taken as it is: a limit of open zones above that of active ones is never reached.
  test.each<[string, number]>([["max_open_zones", 100], ["max_open_zones", 0], ["max_active_zones", 1], ["max_active_zones", 0], [conventional, 0], [conventional, 3]])("%s is %i: opened", async (field, value) => {
    const { ok } = await withBytes(lie(await zonedBytes(dialect), dialect, field, value).bytes);
    const { handle } = await ok("open", { file: "image", readOnly: false, format: null });
    const [first, second] = await ok("report", { handle, offset: 0, count: 2 });
    expect([first!.type, second!.type, second!.writePointer]).toEqual([1, 2, MIB + 4 * KIB]);
  });

  test("a pointer that is no multiple of 512 opens for reading alone, with a finding, and zrp rounds it down", async () => {
    const bytes = await zonedBytes(dialect);
    const entryAt = rawExtension(bytes).metadataOffset + 8;
    new DataView(bytes.buffer).setBigUint64(entryAt, BigInt(MIB + 4 * KIB - 100), true);
    const { ok, fail, engine } = await withBytes(bytes);
    const { handle, facts } = await ok("open", { file: "image", readOnly: false, format: null });
    expect(facts.image).toMatchObject({ readOnly: true, readOnlyReason: "a write pointer is no multiple of a sector" });
    expect(facts.zoned!.findings).toEqual([{ code: "pointer-not-sector-aligned", zone: 1, hostOffset: entryAt, stored: MIB + 4 * KIB - 100 }]);
    let line = "";
    const stay = (): Promise<void> => Promise.reject(new Error("the image stays attached"));
    await runConsoleLine("zrp 1M 1", { perform: engine.perform, write: (text) => void (line += text), now: () => 0, attached: () => ({ handle, file: "image" }), detach: stay, attach: stay });
    expect(line).toBe("start: 0x800, len 0x800, cap 0x600, wptr 0x807, zcond:4, [type: 2]\n");
    expect(await fail("manage", { handle, operation: "reset", offset: MIB, length: MIB })).toMatchObject({ kind: "usage", code: "read-only" });
  });

  test("zoned is 0: a plain disk, written like one", async () => {
    const bytes = await zonedBytes(dialect);
    bytes[rawExtension(bytes).at] = 0;
    const { ok, fail } = await withBytes(bytes);
    const { handle, facts } = await ok("open", { file: "image", readOnly: false, format: null });
    expect([facts.zoned, facts.image.readOnly]).toEqual([null, false]);
    expect(await fail("report", { handle, offset: 0, count: 1 })).toMatchObject({ code: "unsupported", reason: "not-zoned" });
    await ok("write", { handle, offset: 3 * MIB + 100, length: 1000, pattern: 9, data: null });
    const { mismatchOffset } = await ok("read", { handle, offset: 3 * MIB + 100, length: 1000, pattern: 9, wantData: false });
    expect(mismatchOffset).toBe(null);
    await ok("close", { handle });
  });

  test("a second zoned extension is refused: readers that take the first and the last see two disks", async () => {
    const bytes = await zonedBytes(dialect);
    const { at, data } = rawExtension(bytes);
    // Behind the first one, before whatever came there.
    const length = 8 + data.length;
    const rest = bytes.slice(at + data.length, 65536 - length);
    bytes.copyWithin(at + data.length, at - 8, at + data.length);
    bytes.set(rest, at + data.length + length);
    const { fail, ok } = await withBytes(bytes);
    const problem = { structure: "zoned extension", hostOffset: at + length, found: "a second zoned extension", allowed: "one" };
    for (const readOnly of [true, false]) expect(await fail("open", { file: "image", readOnly, format: null })).toMatchObject({ kind: "image", ...problem });
    expect((await ok("inspect", { file: "image" })).header!.problem).toMatchObject(problem);
    expect((await ok("dialect", { file: "image" })).problem).toMatchObject(problem);
  });
});
