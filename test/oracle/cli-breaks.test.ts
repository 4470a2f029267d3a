/** Breakpoints: an asynchronous write that stops, those that wait for it, and what is read at the end, as stock's programs do it. */
import { expect, test } from "vitest";
import { inScratchFolder } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";
import type { Ran } from "./cli-harness.ts";

async function same(image: string, commands: readonly string[]): Promise<Ran> {
  let theirs: Ran | null = null;
  await inScratchFolder(async (folder) => {
    const make = (): void => void runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "a", "1M"]);
    const argv = ["-f", "qcow2", ...commands.flatMap((command) => ["-c", command]), image];
    make();
    theirs = runStock(folder, "qemu-io", argv);
    make();
    expect(await runOurs(folder, "qemu-io", argv)).toEqual(theirs);
  });
  return theirs!;
}

test("a write waits until it is resumed, one of the same cluster behind it, and one of another does not", async () => {
  const { out } = await same("blkdebug::a", ["break write_aio A", "aio_write -P 1 4k 4k", "wait_break A", "aio_write -P 2 8k 4k", "write -P 3 64k 4k", "resume A", "aio_flush", "read -P 1 4k 4k", "read -P 2 8k 4k", "read -P 3 64k 4k"]);
  expect(out.indexOf("Suspended")).toBeLessThan(out.indexOf("offset 65536"));
  expect(out.indexOf("offset 65536")).toBeLessThan(out.indexOf("Resuming"));
});

test("a discard of what a stopped write touches comes behind it", async () => {
  // Stock's programs have the command only since version 10.
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "a", "1M"]);
    const { out } = await runOurs(folder, "qemu-io", ["-f", "qcow2", "-c", "break write_aio A", "-c", "aio_write -P 1 64k 64k", "-c", "aio_discard 64k 64k", "-c", "resume A", "blkdebug::a"]);
    expect(out.split("\n").map((line) => line.split(/ +/)[0])).toEqual(["blkdebug:", "blkdebug:", "wrote", "64", "discarded", "64", ""]);
    expect(runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "read -P 0 64k 64k", "a"]).status).toBe(0);
  });
});

test("a breakpoint that is removed stops nothing", async () => {
  await same("blkdebug::a", ["break write_aio A", "remove_break A", "aio_write -P 1 0 4k", "aio_flush", "read -P 1 0 4k"]);
});

test.each([["break write_aio A"], ["remove_break A"], ["resume A"]])("without the driver blkdebug, or without such a breakpoint: %s", async (command) => {
  await same("a", [command]);
  if (!command.startsWith("break")) await same("blkdebug::a", [command]);
});

test("a write that nobody resumes is made when the image is closed", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "a", "1M"]);
    await runOurs(folder, "qemu-io", ["-f", "qcow2", "-c", "break write_aio A", "-c", "aio_write -P 1 0 4k", "-c", "aio_write -P 2 0 4k", "blkdebug::a"]);
    expect(runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "read -P 2 0 4k", "a"]).status).toBe(0);
  });
});
