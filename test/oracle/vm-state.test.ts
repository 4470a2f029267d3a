/** The state of a machine behind the disk against stock, both ways: what the one writes the other reads, over snapshots, and stock's check finds nothing. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { inScratchFolder, runStock, stockCheck } from "../../src/testing/stock.ts";
import { runOurs } from "./cli-harness.ts";

const FILE = "a.qcow2";
const SHAPES = ["cluster_size=512", "cluster_size=1024,compat=0.10", "cluster_size=64k", "cluster_size=64k,extended_l2=on", "cluster_size=2M,refcount_bits=64"];

test.each(SHAPES)("by turns: %s", async (options) => {
  await inScratchFolder(async (folder) => {
    const clean = (): void => expect(stockCheck(join(folder, FILE))).toMatchObject({ status: 0, corruptions: 0, leaks: 0, checkErrors: 0 });
    const io = (commands: readonly string[]): string[] => [...commands.flatMap((command) => ["-c", command]), FILE];
    const ours = async (program: string, argv: readonly string[]): Promise<void> => expect(await runOurs(folder, program, argv), argv.join(" ")).toMatchObject({ status: 0, err: "" });
    const stock = (program: string, argv: readonly string[]): void => expect(runStock(program, argv, "", folder), argv.join(" ")).toMatchObject({ status: 0, stderr: "" });
    stock("qemu-img", ["create", "-q", "-f", "qcow2", "-o", options, FILE, "5M"]);
    await ours("qemu-io", io(["write -P 1 0 5M", "write -b -P 2 0 1M", "write -b -P 3 40M 100k"]));
    clean();
    stock("qemu-io", io(["read -P 1 0 5M", "read -b -P 2 0 1M", "read -b -P 0 1M 39M", "read -b -P 3 40M 100k", "write -b -P 4 90M 3k", "write -P 5 1M 64k"]));
    await ours("qemu-img", ["snapshot", "-c", "one", FILE]);
    clean();
    await ours("qemu-io", io(["read -b -P 4 90M 3k", "write -b -P 6 0 64k", "write -b -P 7 190M 4k", "write -P 8 0 64k"]));
    clean();
    stock("qemu-io", io(["read -b -P 6 0 64k", "read -b -P 2 64k 960k", "read -b -P 7 190M 4k"]));
    await ours("qemu-img", ["snapshot", "-a", "one", FILE]);
    clean();
    stock("qemu-io", io(["read -b -P 2 0 1M", "read -b -P 0 190M 4k", "read -P 1 0 1M", "read -P 5 1M 64k"]));
    await ours("qemu-img", ["snapshot", "-d", "one", FILE]);
    clean();
    await ours("qemu-img", ["resize", "-q", FILE, "64M"]);
    stock("qemu-io", io(["read -P 1 0 1M", "read -P 0 5M 59M"]));
    clean();
  });
});
