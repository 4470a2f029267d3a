/** What stock tools make is recognised: disks of qemu-img's other formats, and file systems of mke2fs and mkswap on a qcow2 disk. */
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
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
    expect(runStock("qemu-img", argv, "", folder)).toMatchObject({ status: 0, stderr: "" });
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
