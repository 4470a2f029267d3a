/**
 * An error at every event that an image tells its store, once and from then on, early and late: whatever a random run of writes,
 * discards, snapshots and resizes meets, what was acknowledged is read, and the file that is left has no corruption (clusters may leak)
 * and goes on working. Stock qemu-img agrees on a part of the files.
 *
 * `ZONESCOPE_LONG=1` runs ten seeds in place of one.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { DEBUG_EVENTS } from "../../src/bytes/debug-rules.ts";
import type { DebugEvent } from "../../src/bytes/debug-rules.ts";
import { portableCodecs } from "../../src/qcow2/codecs.ts";
import { KIB, createOptions } from "../../src/testing/engine-fixture.ts";
import { inScratchFolder, stockCheck } from "../../src/testing/stock.ts";
import { ErrorWorkload, rulesAt } from "./error-workload.ts";
import type { Shape } from "./error-workload.ts";

beforeAll(() => portableCodecs.loadDeflate());

const SEEDS = process.env["ZONESCOPE_LONG"] === "1" ? 10 : 1;
const COMMANDS = 50;
const TIMES = [1, 4];
/** Of so many files stock qemu-img is asked about one. */
const STOCK_EVERY = 15;

const SHAPES: readonly Shape[] = [
  { name: "clusters of 1 KiB", options: createOptions({ sizeBytes: 256 * KIB, clusterSize: KIB, zoned: null }) },
  { name: "clusters of 512 bytes, counts of 64 bits", options: createOptions({ sizeBytes: 256 * KIB, clusterSize: 512, refcountBits: 64, zoned: null }) },
  { name: "over a backing file", options: createOptions({ sizeBytes: 128 * KIB, clusterSize: 2 * KIB, zoned: null }), backing: true },
  { name: "subclusters", options: createOptions({ sizeBytes: 512 * KIB, clusterSize: 16 * KIB, extendedL2: true, zoned: null }) },
  { name: "lazy refcounts", options: createOptions({ sizeBytes: 256 * KIB, clusterSize: KIB, lazyRefcounts: true, zoned: null }) },
  {
    name: "a refcount table that moves",
    options: createOptions({ sizeBytes: 1980 * KIB, clusterSize: 512, refcountBits: 64, zoned: null }),
    filled: true,
    events: ["reftable_grow", "refblock_alloc_write_blocks", "refblock_alloc_write_table", "refblock_alloc_switch_table", "flush_to_disk"],
  },
  { name: "version 2", options: createOptions({ sizeBytes: 256 * KIB, clusterSize: KIB, version: 2, zoned: null }) },
];

/** Told by no image here: another way is taken, or another command tells them. */
const NEVER: readonly DebugEvent[] = [
  "none", "cow_write", "cor_write", "reftable_update", "refblock_update", "cluster_alloc_space", "pwritev_zero", "empty_image_prepare",
  "pwritev_rmw_head", "pwritev_rmw_after_head", "pwritev_rmw_tail", "pwritev_rmw_after_tail", "vmstate_load",
];

const heard = new Map<DebugEvent, number>();

for (const shape of SHAPES) {
  test(`${shape.name}: an error at every event leaves a sound image`, async () => {
    await inScratchFolder((folder) => {
      let files = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        for (const event of shape.events ?? DEBUG_EVENTS) {
          if (NEVER.includes(event)) continue;
          for (const nth of TIMES) {
            for (const once of [true, false]) {
              const name = `${event}, time ${nth}, ${once ? "once" : "lasting"}, seed ${seed}`;
              const workload = new ErrorWorkload(shape, rulesAt(event, nth, once), seed * 100 + nth);
              workload.run(COMMANDS);
              workload.end(!once);
              if (workload.rules.failed > 0) heard.set(event, (heard.get(event) ?? 0) + 1);
              const left = workload.contents.copy();
              const wrong = workload.wrong ?? workload.judge();
              if (wrong !== null) expect.fail(`${name}: ${wrong}\n${workload.told.join("\n")}`);
              if (workload.rules.failed === 0 || files++ % STOCK_EVERY !== 0) continue;
              const path = join(folder, "image");
              const bytes = new Uint8Array(left.size);
              left.read(0, bytes);
              writeFileSync(path, bytes);
              expect(stockCheck(path), name).toMatchObject(workload.counted!);
            }
          }
        }
      }
    });
  }, 120_000);
}

test("every event was an error's in some run", () => {
  const missing = DEBUG_EVENTS.filter((event) => !NEVER.includes(event) && !heard.has(event));
  expect(missing).toEqual([]);
});
