/** Images of which several L1 entries lead to one L2 table, generated: a check tells the same lines in the same order as stock. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import { inScratchFolder } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";

const COPIED = 1n << 63n;
const CLUSTER = 4096;
/** Guest bytes of an L2 table. */
const SPAN = (CLUSTER / 8) * CLUSTER;
const TABLES = 6;
const ROUNDS = 12;
const KINDS = ["16", "1", "64"] as const;

function damage(view: DataView, random: Random): void {
  const l1 = Number(view.getBigUint64(40));
  const offsetAt = (at: number): number => Number(view.getBigUint64(at) & 0x00ff_ffff_ffff_fe00n);
  const tables = Array.from({ length: TABLES }, (_, index) => offsetAt(l1 + index * 8));
  for (let count = 1 + random.below(4); count > 0; count--) {
    const [from, to] = [random.below(TABLES), random.pick(tables)];
    view.setBigUint64(l1 + from * 8, BigInt(to) | (random.chance(0.5) ? COPIED : 0n));
  }
  for (let count = random.below(7); count > 0; count--) {
    const at = random.pick(tables) + 8 * random.below(4);
    const old = view.getBigUint64(at);
    // Reserved bits, unaligned data and zeros, behind the end, a flag beside a compressed one, and somebody else's cluster.
    view.setBigUint64(at, random.pick([old | 4n, old | 512n, old | 513n, BigInt(view.byteLength + 5 * CLUSTER), COPIED | (1n << 62n) | 0x5000n, BigInt(random.pick(tables)) | COPIED, old & ~COPIED]));
  }
}

test.each(KINDS)("refcounts of %s bits", { timeout: 300_000 }, async (bits) => {
  const random = new Random(Number(bits));
  await inScratchFolder(async (folder) => {
    const options = `cluster_size=${CLUSTER},refcount_bits=${bits}`;
    expect(runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", options, "sound.qcow2", "64M"]).status).toBe(0);
    const writes = Array.from({ length: TABLES }, (_, index) => ["-c", `write ${index * SPAN} 16k`]).flat();
    expect(runStock(folder, "qemu-io", [...writes, "sound.qcow2"]).status).toBe(0);
    let told = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = new Uint8Array(readFileSync(join(folder, "sound.qcow2")));
      damage(new DataView(bytes.buffer), random);
      writeFileSync(join(folder, "a.qcow2"), bytes);
      const argv = ["check", "a.qcow2"];
      const stock = runStock(folder, "qemu-img", argv);
      expect(await runOurs(folder, "qemu-img", argv), `round ${round}`).toEqual(stock);
      told += stock.err.split("\n").length;
    }
    expect(told).toBeGreaterThan(50);
  });
});
