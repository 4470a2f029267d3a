/**
 * What stock QEMU does to a zoned image of the dialect that it opens, and what this program then says of it. Zoned format, "Zoned
 * metadata"; zone semantics, "Durability" (snapshots that another program made).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { runOurs, runStock } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-zoned-stock-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Four zones of 1 MiB, the first conventional, with data in the first two. */
async function made(name: string): Promise<void> {
  const create = ["create", "-q", "-f", "qcow2", "-o", "size=4M,zone_size=1M,zone_capacity=768k,nr_conv_zones=1,zone_model=1", name];
  expect(await runOurs(root, "qemu-img", create)).toMatchObject({ err: "", status: 0 });
  expect(await runOurs(root, "qemu-io", ["-c", "write -q -P 1 0 64k", "-c", "write -q -P 2 1M 128k", name])).toMatchObject({ err: "", status: 0 });
}

const report = async (name: string, zones: string): Promise<string> => (await runOurs(root, "qemu-io", ["-r", "-c", `zrp ${zones}`, name])).out;

test("a repair of leaks frees the pointers and makes them zeros, and the image is refused by the first that is none", async () => {
  await made("leaks");
  expect(runStock(root, "qemu-img", ["check", "leaks"])).toMatchObject({ err: "Leaked cluster 3 refcount=1 reference=0\n", status: 3 });
  expect(runStock(root, "qemu-img", ["check", "-r", "leaks", "leaks"]).status).toBe(0);
  for (const options of [[], ["-r"]]) {
    const opened = await runOurs(root, "qemu-io", [...options, "-c", "zrp 0 4", "leaks"]);
    // Zone 0 lost bit 59 and begins at 0 as ever; zone 1 says 0, which lies before it.
    expect(opened).toEqual({ out: "", err: "qemu-io: can't open device leaks: the field write pointer of zone 1 of the zoned metadata, at byte 0x30008 of the file, is 0; allowed is 1048576 to 2097152\n", status: 1 });
  }
});

test("of one zone the freed pointer is still one, and its cluster is given to nobody", async () => {
  expect((await runOurs(root, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "size=1M,zone_size=1M,zone_model=1", "one"])).status).toBe(0);
  expect(runStock(root, "qemu-img", ["check", "-r", "leaks", "one"]).status).toBe(0);
  const written = await runOurs(root, "qemu-io", ["-c", "write 0 4k", "one"]);
  expect(written.err + written.out).toContain("overlaps with zoned metadata");
  expect(written.out).not.toContain("wrote");
  expect(await report("one", "0 1")).toBe("start: 0x0, len 0x800, cap 0x800, wptr 0x0, zcond:1, [type: 2]\n");
});

test("a snapshot of stock's is listed and read, and neither applied nor deleted; the zones go on over it", async () => {
  await made("snapped");
  expect(runStock(root, "qemu-img", ["snapshot", "-c", "before", "snapped"]).status).toBe(0);
  expect((await runOurs(root, "qemu-img", ["snapshot", "-l", "snapped"])).out).toMatch(/^1 +before +0 B /m);
  const pointer = await report("snapped", "1M 1");
  expect(pointer).toContain("wptr 0x900, zcond:4");
  for (const option of ["-a", "-d"]) {
    const ran = await runOurs(root, "qemu-img", ["snapshot", option, "before", "snapped"]);
    expect(ran.err).toContain("Operation not supported");
    expect(ran.status).toBe(1);
  }
  expect(await report("snapped", "1M 1")).toBe(pointer);
  const commands = ["zrs 1M 1M", "write -q -P 9 1M 4k", "write -q -P 8 0 64k"].flatMap((command) => ["-c", command]);
  expect(await runOurs(root, "qemu-io", [...commands, "snapped"])).toMatchObject({ err: "", status: 0 });
  expect(runStock(root, "qemu-img", ["check", "snapped"])).toMatchObject({ err: "Leaked cluster 3 refcount=1 reference=0\n", status: 3 });
  expect((await runOurs(root, "qemu-img", ["convert", "-O", "raw", "-l", "before", "snapped", "before.raw"])).err).toBe("");
  const reads = ["read -q -P 1 0 64k", "read -q -P 2 1M 128k", "read -q -P 0 1152k 896k"].flatMap((command) => ["-c", command]);
  expect(await runOurs(root, "qemu-io", ["-f", "raw", ...reads, "before.raw"])).toMatchObject({ out: "", err: "", status: 0 });
});
