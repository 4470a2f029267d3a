/** What stock tools make is recognised: disks of qemu-img's other formats, and file systems of mke2fs and mkswap on a qcow2 disk. */
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { Random } from "../../src/base/random.ts";
import { mutate } from "../../src/testing/hostile/mutator.ts";
import { inScratchFolder, runStock } from "../../src/testing/stock.ts";
import { runOurs } from "./cli-harness.ts";

test.each([
  ["vmdk", "a VMware disk (vmdk)"],
  ["vdi", "a VirtualBox disk (vdi)"],
  ["vhdx", "a Hyper-V disk (vhdx)"],
  ["vpc", "a Virtual PC disk (vhd)"],
  ["qcow", "an image of QEMU's first format (qcow, version 1)"],
  ["qcow2", "a qcow2 image"],
])("qemu-img create -f %s", async (format, name) => {
  await inScratchFolder(async (folder) => {
    expect(runStock("qemu-img", ["create", "-q", "-f", format, "disk", "4M"], "", folder).status).toBe(0);
    expect((await runOurs(folder, "inspect", ["disk"])).out).toContain(`kind: ${name}, `);
  });
});

test.each([
  ["fixed vhd", ["create", "-q", "-f", "vpc", "-o", "subformat=fixed", "disk", "4M"], "a Virtual PC disk (vhd)"],
  ["LUKS", ["create", "-q", "-f", "luks", "--object", "secret,id=s,data=abc", "-o", "key-secret=s,iter-time=10", "disk", "1M"], "an encrypted disk (LUKS)"],
])("a %s", async (_, argv, name) => {
  await inScratchFolder(async (folder) => {
    let made = runStock("qemu-img", argv, "", folder);
    // It times its key's derivation, and gives up where the clock did not move meanwhile: on a machine that does much else now and then.
    for (let again = 0; again < 20 && made.stderr.includes("accurate CPU usage"); again++) made = runStock("qemu-img", argv, "", folder);
    expect(made).toMatchObject({ status: 0, stderr: "" });
    expect((await runOurs(folder, "inspect", ["disk"])).out).toContain(`kind: ${name}, `);
  });
});

test("file systems inside a qcow2, put there by stock tools", async () => {
  await inScratchFolder(async (folder) => {
    const raw = join(folder, "raw");
    for (const [program, argv, found] of [
      ["/sbin/mke2fs", ["-q", "-t", "ext4", "-L", "root", "raw"], 'an ext4 file system labelled "root" (at 0x438)'],
      ["/sbin/mke2fs", ["-q", "-t", "ext3", "raw"], "an ext3 file system (at 0x438)"],
      ["/sbin/mke2fs", ["-q", "-t", "ext2", "raw"], "an ext2 file system (at 0x438)"],
      ["/sbin/mkswap", ["-L", "spare", "raw"], 'Linux swap space labelled "spare" (at 0xff6)'],
    ] as const) {
      writeFileSync(raw, "");
      truncateSync(raw, 16 * 2 ** 20);
      expect(runStock(program, argv, "", folder).status).toBe(0);
      expect(runStock("qemu-img", ["convert", "-c", "-f", "raw", "-O", "qcow2", "raw", "disk.qcow2"], "", folder).status).toBe(0);
      for (const file of ["raw", "disk.qcow2"]) expect((await runOurs(folder, "inspect", [file])).out).toContain(`contents: The disk holds ${found}.\n`);
    }
  });
});

const ROUNDS = 14;
const VERDICTS = [0, 2, 3];

test.each(["plain", "compressed", "snapshots", "bitmaps", "subclusters"])("mutants of %s: as many clusters are leaked as stock qemu-img check finds", { timeout: 120_000 }, async (name) => {
  const image = new Uint8Array(gunzipSync(readFileSync(`test/unit/hostile/data/${name}.qcow2.gz`)));
  let compared = 0;
  await inScratchFolder(async (folder) => {
    for (let round = 0; round < ROUNDS; round++) {
      const { bytes, what } = mutate(image, new Random(5_000 + round));
      writeFileSync(join(folder, "image"), bytes);
      const stock = runStock("qemu-img", ["check", "-f", "qcow2", "--output=json", "image"], "", folder);
      const ours = JSON.parse((await runOurs(folder, "inspect", ["--output=json", "image"])).out) as { layout: { counts: Record<string, number>; problem: unknown } | null };
      if (!VERDICTS.includes(stock.status) || ours.layout === null || ours.layout.problem !== null) continue;
      const { leaks = 0, corruptions = 0 } = JSON.parse(stock.stdout) as { leaks?: number; corruptions?: number };
      compared++;
      expect(ours.layout.counts["leaked"], what).toBe(leaks);
      expect(ours.layout.counts["used-twice"], what).toBeLessThanOrEqual(corruptions);
    }
  });
  expect(compared).toBeGreaterThan(2);
});
