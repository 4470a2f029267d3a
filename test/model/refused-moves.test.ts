/**
 * A store that refuses in the middle of a commit or a rebase, at every write and truncate of either file, once or until the change has ended:
 * the disk reads as before, by the image that goes on and by whoever opens the files anew, no table is wrong in either file, and the
 * same change asked for again succeeds.
 */
import { beforeAll, expect, test } from "vitest";
import type { Result } from "../../src/base/result.ts";
import { MemoryContents, MemoryStore } from "../../src/bytes/memory-store.ts";
import { writeCompressed } from "../../src/engine/compressed-write.ts";
import { writeNewImage } from "../../src/engine/create-image.ts";
import { runToEnd } from "../../src/engine/jobs.ts";
import type { Job } from "../../src/engine/jobs.ts";
import { mendOnOpen } from "../../src/engine/mend-on-open.ts";
import { STANDALONE } from "../../src/engine/open-device.ts";
import type { OpenedFiles } from "../../src/engine/open-device.ts";
import { OpenImage } from "../../src/engine/open-image.ts";
import { dataPayload } from "../../src/engine/payload.ts";
import { commitImage, rebaseImage } from "../../src/engine/rebase-calls.ts";
import { createSnapshotOf } from "../../src/engine/snapshot-calls.ts";
import type { CreateOptions, Failure } from "../../src/protocol/index.ts";
import { portableCodecs } from "../../src/qcow2/codecs.ts";
import { KIB, createOptions } from "../../src/testing/engine-fixture.ts";
import { harmIn, writeDurably } from "./harm.ts";
import { Stop, StoppingStore } from "./stopping-store.ts";

beforeAll(() => portableCodecs.loadDeflate());

const DISK = 96 * KIB;
/** What is written afterwards. */
const WRITTEN = 10 * KIB;

function succeed<Value>(outcome: { ok: true; value: Value } | { ok: false; error: unknown }): Value {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}

interface Pair {
  readonly base: MemoryContents;
  readonly top: MemoryContents;
}
const copyOf = ({ base, top }: Pair): Pair => ({ base: base.copy(), top: top.copy() });

interface Kind {
  readonly base: "raw" | Partial<CreateOptions>;
  readonly top: Partial<CreateOptions>;
  readonly snapshot?: true;
}

const never = new Stop(Infinity, 0);

function open(pair: Pair, { base }: Kind, write = true, stop = never): OpenImage {
  const under: OpenedFiles = { ...STANDALONE, file: "base", format: base === "raw" ? "raw" : "qcow2", store: new StoppingStore(new MemoryStore("base", pair.base), stop) };
  return new OpenImage(1, { ...STANDALONE, file: "top", format: "qcow2", store: new StoppingStore(new MemoryStore("top", pair.top), stop), backing: under }, write, () => 0);
}

/** As the engine opens an image that is written. */
function reopened(pair: Pair, kind: Kind): OpenImage {
  const image = open(pair, kind);
  succeed(runToEnd(mendOnOpen(image.files)));
  return open(pair, kind);
}

/** A base with data, streams and zeros, and over it an image with some of its own. */
function made(kind: Kind): Pair {
  const pair = { base: new MemoryContents(), top: new MemoryContents() };
  const plain = (changes: Partial<CreateOptions>): CreateOptions => ({ ...createOptions({ sizeBytes: DISK, clusterSize: KIB, zoned: null }), ...changes });
  if (kind.base === "raw") new MemoryStore("base", pair.base).write(0, new Uint8Array(40 * KIB).fill(6));
  else {
    succeed(writeNewImage(new MemoryStore("base", pair.base), plain(kind.base)));
    const base = OpenImage.over(1, "base", new MemoryStore("base", pair.base), "qcow2", true, () => 0);
    const unit = base.device.disk.clusterSize ?? KIB;
    writeDurably(base, 3 * KIB, 20 * KIB, 6);
    for (let at = 32 * KIB; at < 48 * KIB; at += unit) succeed(writeCompressed(base.device, at, dataPayload(new Uint8Array(unit).fill(at / KIB))));
    if (kind.snapshot) succeed(createSnapshotOf(base, "below", 0));
    writeDurably(base, 36 * KIB, 2 * KIB, 5);
    succeed(base.close());
  }
  succeed(writeNewImage(new MemoryStore("top", pair.top), plain({ ...kind.top, backing: { file: "base", format: kind.base === "raw" ? "raw" : "qcow2" } })));
  const top = open(pair, kind);
  writeDurably(top, 8 * KIB, 6 * KIB, 1);
  writeDurably(top, 34 * KIB, 3 * KIB, 2);
  succeed(top.device.writeZeroes(20 * KIB, 4 * KIB, true));
  writeDurably(top, 80 * KIB, 5 * KIB, 3);
  succeed(top.close());
  return pair;
}

function look(pair: Pair, kind: Kind): string {
  const image = open(copyOf(pair), kind, false);
  const bytes = new Uint8Array(image.device.disk.virtualSize);
  succeed(image.device.read(0, bytes));
  return Buffer.from(bytes).toString("latin1");
}

/** In either file, where it has tables. */
const harmInPair = ({ base, top }: Pair, kind: Kind): string[] => [...harmIn(top), ...(kind.base === "raw" ? [] : harmIn(base))];

const place = { identity: (file: string) => file } as Parameters<typeof commitImage>[0];
const job = { outcome: (work: Generator<unknown, unknown>) => runToEnd(work as never) } as unknown as Job;

type Change = (image: OpenImage) => Promise<Result<unknown, Failure>>;
const CHANGES: Readonly<Record<string, Change>> = {
  "committed and emptied": async (image) => runToEnd(image.guardWork(() => commitImage(place, image, null, true, () => 0))),
  "committed": async (image) => runToEnd(image.guardWork(() => commitImage(place, image, null, false, () => 0))),
  "rebased onto nothing": (image) => rebaseImage(place, image, { backing: null, headerOnly: false, compressed: false }, () => 0, job),
  "rebased onto nothing, packed": (image) => rebaseImage(place, image, { backing: null, headerOnly: false, compressed: true }, () => 0, job),
};

const KINDS: readonly (readonly [name: string, kind: Kind])[] = [
  ["over raw", { base: "raw", top: {} }],
  ["over qcow2", { base: {}, top: {} }],
  ["over larger clusters", { base: { clusterSize: 4 * KIB }, top: {} }],
  ["over smaller clusters, with a snapshot", { base: { clusterSize: 512 }, top: { clusterSize: 2 * KIB }, snapshot: true }],
  ["over a shorter disk", { base: { sizeBytes: 50 * KIB }, top: {} }],
  ["lazy over lazy", { base: { lazyRefcounts: true }, top: { lazyRefcounts: true } }],
  ["subclusters", { base: { clusterSize: 16 * KIB, extendedL2: true }, top: { clusterSize: 16 * KIB, extendedL2: true } }],
];
const CASES = KINDS.flatMap(([kindName, kind]) => Object.entries(CHANGES).map(([changeName, change]) => [kindName, changeName, kind, change] as const));

test.each(CASES)("%s: %s", async (_, _change, kind, change) => {
  const start = made(kind);
  const disk = look(start, kind);
  const whole = copyOf(start);
  const unhindered = open(whole, kind);
  succeed(await change(unhindered));
  succeed(unhindered.close());
  expect(look(whole, kind) === disk).toBe(true);
  expect([harmInPair(start, kind), harmInPair(whole, kind)]).toEqual([[], []]);
  for (const times of [1, 2, Infinity]) {
    for (let nth = 1; ; nth++) {
      const where = `refused at ${nth}, ${times} times`;
      const stop = new Stop(nth, times);
      const pair = copyOf(start);
      let image = open(pair, kind, true, stop);
      const first = await change(image);
      stop.mended = true;
      if (stop.refused === 0) break;
      expect(look(pair, kind) === disk, `${where}: the disk by another reader`).toBe(true);
      expect(harmInPair(pair, kind), where).toEqual([]);
      const bytes = new Uint8Array(disk.length);
      succeed(image.guard(() => image.device.read(0, bytes)));
      expect(Buffer.from(bytes).toString("latin1") === disk, `${where}: the disk by the image`).toBe(true);

      if (image.device.disk.readOnly) {
        // The repair was refused, too: whoever opens the image next repairs it.
        expect(times).toBeGreaterThan(1);
        succeed(image.close());
        image = reopened(pair, kind);
      }
      expect(writeDurably(image, WRITTEN, KIB, 8), `${where}: a write`).toBe(true);
      const written = disk.slice(0, WRITTEN) + "\x08".repeat(KIB) + disk.slice(WRITTEN + KIB);
      expect(look(pair, kind) === written, `${where}: the disk behind a write`).toBe(true);
      expect(harmInPair(pair, kind), `${where}: behind a write`).toEqual([]);
      if (!first.ok) succeed(await change(image));
      succeed(image.close());
      expect(look(pair, kind) === written, `${where}: the disk in the end`).toBe(true);
      expect(harmInPair(pair, kind), `${where}: in the end`).toEqual([]);
    }
  }
});
