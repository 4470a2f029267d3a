/** Options of a qcow2 node that are judged against each other and the image, in stock's words; and lazy refcounts that end with a clean image. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inScratchFolder, stockCheck } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";

describe("options of caches and refcounts", () => {
  for (const options of ["cache-size=2M,l2-cache-size=1M,refcount-cache-size=1M", "cache-size=0,l2-cache-size=0,refcount-cache-size=0", "cache-size=1M,l2-cache-size=2M", "cache-size=1M,refcount-cache-size=2M", "cache-size=1M,l2-cache-size=1M",
    "l2-cache-entry-size=256", "l2-cache-entry-size=4242", "l2-cache-entry-size=128k", "l2-cache-entry-size=64k", "lazy-refcounts=on", "lazy-refcounts=off"]) {
    test.each(["compat=1.1", "compat=0.10"])(`${options}, %s`, async (compat) => {
      await inScratchFolder(async (folder) => {
        runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", compat, "a.qcow2", "1M"]);
        const argv = ["-c", `open -o driver=qcow2,${options} a.qcow2`, "-c", "read -P 0 0 4k"];
        expect(await runOurs(folder, "qemu-io", argv)).toEqual(runStock(folder, "qemu-io", argv));
      });
    });
  }
});

test.each(["lazy_refcounts=on", "lazy_refcounts=on,cluster_size=512", "lazy_refcounts=on,extended_l2=on,cluster_size=64k"])("many operations over one session: %s", async (options) => {
  await inScratchFolder(async (folder) => {
    const ours = async (program: string, ...argv: string[]): Promise<void> => expect(await runOurs(folder, program, argv), argv.join(" ")).toMatchObject({ status: 0, err: "" });
    const incompatible = (): number => readFileSync(join(folder, "a.qcow2"))[79]! & 1;
    const clean = (): void => {
      expect(stockCheck(join(folder, "a.qcow2"))).toMatchObject({ status: 0, corruptions: 0, leaks: 0, checkErrors: 0 });
      expect(incompatible()).toBe(0);
    };
    await ours("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, "a.qcow2", "8M");
    await ours("qemu-io", "-c", "write -P 1 0 4M", "-c", "flush", "-c", "discard 1M 1M", "-c", "flush", "-c", "write -P 2 5M 2M", "-c", "write -z 0 256k", "-c", "reopen -o lazy-refcounts=off", "-c", "write -P 3 7M 256k", "-c", "flush", "a.qcow2");
    clean();
    await ours("qemu-img", "snapshot", "-c", "one", "a.qcow2");
    await ours("qemu-io", "-c", "write -P 4 0 6M", "-c", "flush", "-c", "read -P 4 0 6M", "a.qcow2");
    clean();
    await ours("qemu-img", "resize", "-q", "a.qcow2", "40M");
    clean();
    await ours("qemu-img", "snapshot", "-a", "one", "a.qcow2");
    await ours("qemu-img", "create", "-q", "-f", "qcow2", "-o", options, "-F", "qcow2", "-b", "a.qcow2", "top.qcow2");
    await ours("qemu-io", "-c", "write -P 6 3M 2M", "top.qcow2");
    await ours("qemu-img", "commit", "-q", "top.qcow2");
    clean();
    expect(stockCheck(join(folder, "top.qcow2"))).toMatchObject({ status: 0, corruptions: 0, leaks: 0, checkErrors: 0 });
    expect(readFileSync(join(folder, "top.qcow2"))[79]! & 1).toBe(0);
    expect(runStock(folder, "qemu-io", ["-c", "read -P 6 3M 2M", "-c", "read -P 0 0 256k", "-c", "read -P 1 2M 1M", "-c", "read -P 2 5M 2M", "-c", "read -P 3 7M 256k", "a.qcow2"])).toMatchObject({ status: 0 });
  });
});
