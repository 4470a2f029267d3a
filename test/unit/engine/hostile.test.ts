/**
 * Images that somebody broke: thousands of seeded mutations of a small zoned image's header, extension, tables, refcounts and
 * pointers. Whatever is done with one ends soon, is an answer and never a bug of ours, and no write lands on a table in use.
 */
import { expect, test } from "vitest";
import { Random } from "../../../src/base/random.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { KIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { CallName, Outcome, RequestOf } from "../../../src/protocol/index.ts";
import { fileReader, putFile, rawExtension } from "./images.ts";

const SEED = Number(process.env["HOSTILE_SEED"] ?? 77);
const ROUNDS = Number(process.env["HOSTILE_ROUNDS"] ?? 900);
/** What the calls write, and what therefore must be nowhere in a table. */
const MARK = 0xee;
/** Of the processor: what else runs on the machine is not the image's. */
const SLOWEST_MS = 3000;

interface Base {
  readonly bytes: Uint8Array;
  readonly clusterSize: number;
  /** Regions to break: [name, start, end) in the file. */
  readonly regions: readonly (readonly [string, number, number])[];
}

const u64 = (bytes: Uint8Array, at: number): bigint => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at);
const OFFSET = 0x00fffffffffffe00n;

async function makeBase(clusterSize: number, dialect: "v4" | "v9", refcountBits: number): Promise<Base> {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  const zoned = { dialect, zoneSize: 16 * KIB, zoneCapacity: 12 * KIB, conventionalZones: 1, maxOpenZones: 3, maxActiveZones: 4 };
  await fixture.ok("create", { file: "base", options: createOptions({ sizeBytes: 120 * KIB, clusterSize, refcountBits, zoned }) });
  const { handle } = await fixture.ok("open", { file: "base", readOnly: false, format: null });
  await fixture.ok("write", { handle, offset: 0, length: 16 * KIB, pattern: 0x11, data: null });
  for (const zone of [1, 2, 3]) await fixture.ok("write", { handle, offset: zone * 16 * KIB, length: 4 * KIB * zone, pattern: 0x20 + zone, data: null });
  await fixture.ok("manage", { handle, operation: "finish", offset: 64 * KIB, length: 16 * KIB });
  await fixture.ok("close", { handle });
  const { size, read } = await fileReader(files, "base");
  const bytes = read(0, size);
  const { at, data, metadataOffset, metadataSize } = rawExtension(bytes);
  const l1Offset = Number(u64(bytes, 40));
  const l2Offset = Number(u64(bytes, l1Offset) & OFFSET);
  const tableOffset = Number(u64(bytes, 48));
  const blockOffset = Number(u64(bytes, tableOffset));
  const regions = [
    ["header", 0, 112], ["extension", at - 8, at + data.length + 16], ["refcount table", tableOffset, tableOffset + 24],
    ["refcount block", blockOffset, blockOffset + Math.min(clusterSize, 64)], ["L1", l1Offset, l1Offset + 16], ["L2", l2Offset, l2Offset + Math.min(clusterSize, 160)],
    ["pointers", metadataOffset, metadataOffset + metadataSize],
  ] as const;
  return { bytes, clusterSize, regions };
}

/** Breaks one to three places. @returns what was done */
function mutate(base: Base, bytes: Uint8Array, random: Random): string {
  const done: string[] = [];
  const view = new DataView(bytes.buffer);
  const clusters = bytes.length / base.clusterSize;
  for (let count = 1 + random.below(3); count > 0; count--) {
    const [name, start, end] = random.pick(base.regions);
    const at = start + random.below(end - start);
    const word = start + 8 * Math.floor((at - start) / 8);
    const kind = random.below(6);
    const old = view.getBigUint64(word);
    if (kind === 0) view.setUint8(at, random.below(256));
    else if (kind === 1) view.setUint8(at, view.getUint8(at) ^ (1 << random.below(8)));
    else if (kind === 2) view.setBigUint64(word, (old & ~OFFSET) | BigInt(random.below(clusters + 2) * base.clusterSize));
    else if (kind === 3) view.setUint32(start + 4 * Math.floor((at - start) / 4), random.pick([0, 1, 2, 0x7fffffff, 0x80000000, 0xffffffff, 512, 65536]));
    else if (kind === 4) view.setBigUint64(word, random.pick([0n, 1n, 1n << 63n, (1n << 63n) | 1n, 1n << 62n, 2n ** 64n - 1n, 1n << 53n, (1n << 52n) | (1n << 63n)]));
    else view.setBigUint64(word, view.getBigUint64(start + 8 * random.below(Math.floor((end - start) / 8))));
    done.push(`${name} at ${word}: ${old.toString(16)} -> ${view.getBigUint64(word).toString(16)}`);
  }
  return done.join("; ");
}

/** Clusters that hold tables as the file now stands, by following it without believing it. */
function tablesOf(read: (offset: number, length: number) => Uint8Array, clusterSize: number): Map<number, string> {
  const tables = new Map<number, string>();
  const header = read(0, 512);
  const view = new DataView(header.buffer);
  const add = (offset: bigint, length: number, what: string): void => {
    for (let at = Number(offset); at < Number(offset) + length; at += clusterSize) tables.set(at, what);
  };
  add(0n, clusterSize, "header");
  const l1Offset = view.getBigUint64(40);
  const l1Size = Math.min(view.getUint32(36), 64);
  add(l1Offset, l1Size * 8, "L1 table");
  const l1 = read(Number(l1Offset), l1Size * 8);
  for (let index = 0; index < l1Size; index++) if ((u64(l1, index * 8) & OFFSET) !== 0n) add(u64(l1, index * 8) & OFFSET, clusterSize, "L2 table");
  const tableOffset = view.getBigUint64(48);
  add(tableOffset, clusterSize, "refcount table");
  const table = read(Number(tableOffset), clusterSize);
  for (let index = 0; index < clusterSize / 8; index++) if (u64(table, index * 8) !== 0n) add(u64(table, index * 8), clusterSize, "refcount block");
  try {
    const { metadataOffset, metadataSize } = rawExtension(header);
    add(BigInt(metadataOffset), metadataSize, "zoned metadata");
  } catch {
    // Opened as an image without zones: the mutation hid the extension.
  }
  return tables;
}

const marked = (bytes: Uint8Array): boolean => Buffer.from(bytes).includes(Buffer.alloc(64, MARK));

/** Opens the broken image, does everything with it, closes it, opens it again. @returns what is wrong with that */
async function torment(base: Base, bytes: Uint8Array, tally: Map<string, number>): Promise<string | null> {
  const files = new MemoryFiles();
  await putFile(files, "image", bytes);
  const { engine } = engineFixture(files);
  let wrong: string | null = null;
  const call = async <Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<Outcome<Name>> => {
    const started = process.cpuUsage();
    const outcome = await engine.perform(name, request);
    const { user, system } = process.cpuUsage(started);
    const took = (user + system) / 1000;
    if (took > SLOWEST_MS) wrong ??= `${name} took ${took} ms`;
    const kind = `${name}: ${outcome.ok ? "ok" : outcome.error.kind}`;
    tally.set(kind, (tally.get(kind) ?? 0) + 1);
    if (!outcome.ok && outcome.error.kind === "bug") wrong ??= `${name} ${JSON.stringify(request)}: ${outcome.error.message}`;
    return outcome;
  };
  const opened = await call("open", { file: "image", readOnly: false, format: "qcow2" });
  if (!opened.ok) {
    const untouched = await fileReader(files, "image");
    return wrong ?? (Buffer.compare(untouched.read(0, bytes.length), bytes) === 0 ? null : "an image that was refused was written to");
  }
  const { handle, facts } = opened.value;
  const size = facts.image.virtualSize;
  await call("watch", { handle });
  const report = await call("report", { handle, offset: 0, count: 8 });
  await call("read", { handle, offset: 0, length: Math.min(size, 256 * KIB), pattern: null, wantData: true });
  await call("read", { handle, offset: Math.max(0, size - 4096), length: Math.min(size, 4096), pattern: 0, wantData: false });
  await call("map", { handle, offset: 0, length: Math.min(size, 512 * KIB), maxExtents: 1000 });
  for (const zone of report.ok ? report.value : []) {
    await call("append", { handle, offset: zone.start, lengths: [2048], pattern: MARK });
    await call("write", { handle, offset: zone.writePointer, length: 1024, pattern: MARK, data: null });
  }
  for (let at = 0; at < Math.min(size, 128 * KIB); at += 16 * KIB) await call("write", { handle, offset: at, length: 8 * KIB, pattern: MARK, data: null });
  await call("flush", { handle });
  await call("manage", { handle, operation: "finish", offset: 16 * KIB, length: 16 * KIB });
  await call("manage", { handle, operation: "reset", offset: 32 * KIB, length: 32 * KIB });
  await call("writeZeroes", { handle, offset: 4096, length: 4096, unmap: true });
  await call("discard", { handle, offset: 0, length: 4096 });
  await call("flush", { handle });
  for (const offset of [0, 16, 32, 48, 80]) await call("write", { handle, offset: offset * KIB, length: 12 * KIB, pattern: MARK, data: null });
  await call("manage", { handle, operation: "reset", offset: 0, length: size });
  await call("write", { handle, offset: 16 * KIB, length: 12 * KIB, pattern: MARK, data: null });
  await call("powerCycle", { handle });
  await call("close", { handle });
  const after = await fileReader(files, "image");
  for (const [at, what] of tablesOf(after.read, base.clusterSize)) {
    // What the mutation itself made a table of may have been data before; only what was written now counts.
    if (marked(after.read(at, base.clusterSize))) wrong ??= `guest data lies in the ${what} at ${at}`;
  }
  return wrong;
}

test.each([
  [512, "v4", 16],
  [512, "v9", 1],
  [4096, "v4", 64],
  [65536, "v4", 16],
] as const)("clusters of %i, dialect %s, refcounts of %i bits", { timeout: 600_000 }, async (clusterSize, dialect, refcountBits) => {
  const base = await makeBase(clusterSize, dialect, refcountBits);
  const random = new Random(SEED + clusterSize + refcountBits);
  const tally = new Map<string, number>();
  const wrong: string[] = [];
  for (let round = 0; round < ROUNDS && wrong.length < 10; round++) {
    const bytes = base.bytes.slice();
    const what = mutate(base, bytes, random);
    // Sometimes the file ends early.
    const cut = random.chance(0.05) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
    const found = await torment(base, cut, tally);
    if (found !== null) wrong.push(`round ${round}, ${cut.length} bytes, ${what}: ${found}`);
  }
  expect(wrong).toEqual([]);
  if (process.env["HOSTILE_PRINT"] !== undefined) console.log(Object.fromEntries([...tally].sort()));
  // The mutations are worth something: some images are refused, some opened, some written until something is found.
  for (const kind of ["open: ok", "open: image", "write: ok", "write: image", "close: ok"]) expect(tally.get(kind) ?? 0, kind).toBeGreaterThan(10);
});
