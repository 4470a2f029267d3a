/**
 * Tables that lie behind the end of the file, which QEMU reads as zeros: the same bytes and words as stock. Where we write, a table there is
 * left for a new one, and stock writes in place and stretches the file; what a guest reads is the same.
 */
import { copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inScratchFolder } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";
import { Patient, damagedCopy } from "./damage.ts";

const FAR = 1n << 30n;
const COPIED = 1n << 63n;

/** An image of two L2 tables, damaged; a copy for stock and one for us. */
async function damaged(damage: (bytes: Buffer) => void, act: (folder: string) => Promise<void>, options = "cluster_size=64k"): Promise<void> {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", options, "from.qcow2", "1G"]);
    runStock(folder, "qemu-io", ["-c", "write -P 1 0 128k", "-c", "write -P 2 600M 64k", "from.qcow2"]);
    const bytes = readFileSync(join(folder, "from.qcow2"));
    damage(bytes);
    writeFileSync(join(folder, "from.qcow2"), bytes);
    for (const name of ["stock.qcow2", "ours.qcow2"]) copyFileSync(join(folder, "from.qcow2"), join(folder, name));
    await act(folder);
  });
}

const cases: Readonly<Record<string, (bytes: Buffer) => void>> = {
  "an L2 table, as its entry's own": (bytes) => new Patient(bytes).l1(0, () => COPIED | FAR),
  "an L2 table, to be copied": (bytes) => new Patient(bytes).l1(0, () => FAR),
  "a counted L2 table": (bytes) => {
    const patient = new Patient(bytes);
    patient.l1(0, () => COPIED | (100n << 16n));
    patient.refcount(100, 1);
  },
};

describe.each(Object.entries(cases))("%s", (_, damage) => {
  test("is read as stock reads it", async () => {
    await damaged(damage, async (folder) => {
      for (const argv of [["map", "ours.qcow2"], ["convert", "-O", "raw", "ours.qcow2", "out.raw"], ["check", "ours.qcow2"]]) {
        expect(await runOurs(folder, "qemu-img", argv), argv.join(" ")).toEqual(runStock(folder, "qemu-img", argv));
      }
      const read = ["-r", "-c", "read -P 0 0 1M", "-c", "read -P 2 600M 64k", "-c", "map", "ours.qcow2"];
      expect(await runOurs(folder, "qemu-io", read)).toEqual(runStock(folder, "qemu-io", read));
    });
  });

  test("is written as stock writes it, and the file stays short", async () => {
    await damaged(damage, async (folder) => {
      const lines = ["write -P 3 64k 64k", "read -P 3 64k 64k", "read -P 0 0 64k", "write -P 4 600M 4k", "write -z 128k 64k", "discard 64k 64k", "write -P 5 320k 512"].flatMap((line) => ["-c", line]);
      const stock = runStock(folder, "qemu-io", ["-f", "qcow2", ...lines, "stock.qcow2"]);
      const ours = await runOurs(folder, "qemu-io", ["-f", "qcow2", ...lines, "ours.qcow2"]);
      // Of a table that nobody counts stock tells that it cannot be given up.
      expect(ours).toEqual({ ...stock, err: "" });
      expect(stock.err.replace("qcow2_free_clusters failed: Invalid argument\n", "")).toBe("");
      expect(statSync(join(folder, "ours.qcow2")).size).toBeLessThan(2 ** 21);
      expect(runStock(folder, "qemu-img", ["compare", "stock.qcow2", "ours.qcow2"])).toMatchObject({ status: 0 });
      // What is left is at worst what was in the table that is lost.
      expect([0, 3]).toContain(runStock(folder, "qemu-img", ["check", "ours.qcow2"]).status);
    });
  });
});

test("the place where the next cluster would go: neither writes", async () => {
  await damaged(
    (bytes) => new Patient(bytes).l1(0, () => COPIED | BigInt(Math.ceil(bytes.length / 65536) * 65536)),
    async (folder) => {
      const lines = ["-c", "read -P 0 0 64k", "-c", "write -P 3 64k 64k"];
      const stock = runStock(folder, "qemu-io", [...lines, "stock.qcow2"]);
      expect(await runOurs(folder, "qemu-io", [...lines, "ours.qcow2"])).toEqual(stock);
      expect(stock.err).toContain("overlaps with active L2 table");
    },
  );
});

test("the L1 table: the disk is read as zeros", async () => {
  await damaged(
    (bytes) => bytes.writeBigUInt64BE(FAR, 40),
    async (folder) => {
      const read = ["-r", "-c", "read -P 0 0 1M", "-c", "map", "ours.qcow2"];
      expect(await runOurs(folder, "qemu-io", read)).toEqual(runStock(folder, "qemu-io", read));
    },
  );
});

test("a file that ends within a table, and within data", async () => {
  await damaged(
    () => undefined,
    async (folder) => {
      const { length } = readFileSync(join(folder, "from.qcow2"));
      // The second table and its data are the last two clusters.
      for (const cut of [512, 65536, 65536 + 32768 + 512, 2 * 65536, 4 * 65536 + 4096]) {
        damagedCopy(join(folder, "from.qcow2"), join(folder, "cut.qcow2"), undefined, cut);
        expect(length).toBeGreaterThan(cut);
        for (const argv of [["-r", "-c", "read -v 0 512", "-c", "read -P 1 0 128k", "-c", "read -P 2 600M 64k", "-c", "map", "cut.qcow2"]]) {
          expect(await runOurs(folder, "qemu-io", argv), String(cut)).toEqual(runStock(folder, "qemu-io", argv));
        }
      }
    },
  );
});
