/** The option discard-no-unref: what is discarded, or zeroed and unmapped, keeps its place. QEMU has it since version 8.1, where it is asked too. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inScratchFolder, stockCheck } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";
import { comparesWords } from "./twins/main.ts";

interface Extent {
  readonly start: number;
  readonly length: number;
  readonly zero: boolean;
  readonly offset?: number;
}

const SESSION = ["open -o driver=qcow2,discard=unmap,discard-no-unref=on a.qcow2", "discard 64k 64k", "write -zu 192k 64k", "discard 320k 64k", "discard 0 1M", "write -P 5 448k 512"];

describe.each(["cluster_size=64k", "cluster_size=64k,extended_l2=on"])("%s", (options) => {
  test("places are kept, and a compressed cluster is given up", async () => {
    await inScratchFolder(async (folder) => {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", options, "a.qcow2", "1M"]);
      runStock(folder, "qemu-io", ["-c", "write -P 1 0 320k", "-c", "write -c -P 2 320k 64k", "-c", "write -P 3 384k 64k", "a.qcow2"]);
      const mapOf = (): Extent[] => JSON.parse(runStock(folder, "qemu-img", ["map", "--output=json", "a.qcow2"]).out) as Extent[];
      const before = mapOf();
      const ran = await runOurs(folder, "qemu-io", SESSION.flatMap((line) => ["-c", line]));
      expect(ran).toMatchObject({ status: 0, err: "" });
      const after = mapOf();
      // Six clusters of data keep their places; the seventh, which was compressed, has none any more.
      const placed = (extents: readonly Extent[]): number => extents.reduce((sum, { length, offset }) => sum + (offset === undefined ? 0 : length), 0);
      expect(placed(before)).toBe(6 * 65536);
      expect(placed(after)).toBeGreaterThanOrEqual(6 * 65536);
      expect(after[0]).toMatchObject({ start: 0, zero: true, offset: before[0]!.offset });
      expect(runStock(folder, "qemu-io", ["-c", "read -P 0 0 448k", "-c", "read -P 5 448k 512", "-c", "read -P 0 458k 512k", "a.qcow2"])).toMatchObject({ status: 0 });
      expect(stockCheck(join(folder, "a.qcow2"))).toMatchObject({ status: 0, corruptions: 0, leaks: 0 });
    });
  });

  test.runIf(comparesWords())("as stock leaves it", async () => {
    await inScratchFolder(async (folder) => {
      const maps: string[] = [];
      for (const run of [runStock, runOurs]) {
        // Without the write, whose place is each program's own choice.
        runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", options, "a.qcow2", "1M"]);
        runStock(folder, "qemu-io", ["-c", "write -P 1 0 320k", "-c", "write -c -P 2 320k 64k", "-c", "write -P 3 384k 64k", "a.qcow2"]);
        await run(folder, "qemu-io", SESSION.slice(0, -1).flatMap((line) => ["-c", line]));
        maps.push(runStock(folder, "qemu-img", ["map", "--output=json", "a.qcow2"]).out);
      }
      expect(maps[1]).toBe(maps[0]);
    });
  });
});

test("version 2 has no such zeros", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "compat=0.10", "a.qcow2", "1M"]);
    const ran = await runOurs(folder, "qemu-io", ["-c", "open -o driver=qcow2,discard-no-unref=on a.qcow2"]);
    expect(ran.err).toContain("discard-no-unref is only supported since qcow2 version 3");
    if (comparesWords()) expect(ran).toEqual(runStock(folder, "qemu-io", ["-c", "open -o driver=qcow2,discard-no-unref=on a.qcow2"]));
  });
});
