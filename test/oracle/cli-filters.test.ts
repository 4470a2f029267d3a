/** Drivers between a disk and who uses it, blkdebug over a format and copy-on-read: answers and what is left in the images, as stock's programs do it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inScratchFolder } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";
import type { Ran } from "./cli-harness.ts";

const MIB = 2 ** 20;
const OVER = "driver=blkdebug,image.driver=qcow2";
const MAP = ["map", "--output=json", "-f", "qcow2", "top"];

/** A backing file of two megabytes of data at 1 MiB, under an overlay with data at 4 MiB. */
function make(folder: string): void {
  runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "base", "64M"]);
  runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -q -P 3 1M 2M", "base"]);
  runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "top"]);
  runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -q -P 5 4M 40M", "top"]);
}

/** What is where, but for places in the file. */
const mapOf = (folder: string): unknown[] => (JSON.parse(runStock(folder, "qemu-img", MAP).out) as Record<string, unknown>[]).map(({ offset: _, ...extent }) => extent);

async function same(program: string, argv: readonly string[], files: Readonly<Record<string, string>> = {}): Promise<{ theirs: Ran; map: unknown[] }> {
  let seen: { theirs: Ran; map: unknown[] } | null = null;
  await inScratchFolder(async (folder) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    make(folder);
    const theirs = runStock(folder, program, argv);
    const map = mapOf(folder);
    make(folder);
    expect(await runOurs(folder, program, argv)).toEqual(theirs);
    expect(mapOf(folder)).toEqual(map);
    expect(runStock(folder, "qemu-img", ["check", "top"]).status).toBe(0);
    seen = { theirs, map };
  });
  return seen!;
}

const io = async (options: string, ...commands: string[]): Promise<{ theirs: Ran; map: unknown[] }> =>
  await same("qemu-io", ["-c", `open -o ${options} top`, ...commands.flatMap((command) => ["-c", command])]);

test.each([
  ["align=4k,max-transfer=64k", ["write -P 33 4195304 128k", "read -P 33 4195304 128k"]],
  ["align=512,max-transfer=64k,opt-write-zero=1M", ["write -z 8003584 2093056"]],
  ["align=512,opt-write-zero=15M,max-write-zero=15M,opt-discard=15M,max-discard=15M", ["write -z 9M 32M"]],
  ["align=512,opt-write-zero=15M,max-write-zero=15M,opt-discard=15M,max-discard=15M", ["discard 9000001 30M"]],
  ["align=4k", ["alloc 1 1", "alloc 0x3fffff0 1000", "map"]],
])("limits of a disk: %s, %j", async (limits, commands) => {
  await io(`${OVER},${limits}`, ...commands);
});

test.each([["align=3"], ["align=4k,max-transfer=512"], ["align=512,opt-write-zero=700"], ["opt-write-zero=4k,max-write-zero=1k"], ["align=512,opt-discard=100"], ["opt-discard=4k,max-discard=6k"]])("limits that cannot be: %s", async (limits) => {
  await io(`${OVER},${limits}`, "quit");
});

test("a rule over a format names sectors of the disk", async () => {
  const { theirs } = await io(`${OVER},inject-error.0.event=none,inject-error.0.iotype=read,inject-error.0.sector=8200`, "read 4M 4k", "read 4198400 512", "write 4198400 512");
  expect(theirs.out).toContain("read failed: Input/output error");
});

test("a read fails that cannot be kept", async () => {
  const rules = { rules: `[inject-error]\nevent = "cor_write"\nsector = "${MIB / 512}"\n` };
  const commands = ["-c", "read -P 3 1M 64k", "-c", "read -P 3 2M 64k"];
  const { map } = await same("qemu-io", ["-c", "open -C -o driver=blkdebug,config=rules,image.driver=qcow2 top", ...commands], rules);
  expect(map.filter((extent) => (extent as { depth: number }).depth === 0)).toHaveLength(2);
  await same("qemu-io", ["-c", "open -o driver=copy-on-read,file.driver=blkdebug,file.config=rules,file.image.driver=qcow2 top", ...commands], rules);
});

test("copy-on-read as a driver keeps what is read, and is for an image that is written", async () => {
  const { map } = await io("driver=copy-on-read,file.driver=qcow2", "read -P 3 1M 64k", "read -P 0 0 64k");
  expect(map[0]).toMatchObject({ depth: 0, zero: true });
  await same("qemu-io", ["-c", "open -r -o driver=copy-on-read,file.driver=qcow2 top"]);
});

test("a conversion that salvages tells where it could not know what is data, and where it could not read", async () => {
  const rule = (ioType: string, sector: number): string => `{'event':'none','iotype':'${ioType}','errno':5,'sector':${sector}}`;
  const source = `json:{'driver':'blkdebug','image':{'driver':'qcow2','file':{'driver':'file','filename':'top'}},'inject-error':[${[rule("block-status", 9001), rule("read", 9500), rule("read", 9001)].join(",")}]}`;
  const { theirs } = await same("qemu-img", ["convert", "--salvage", "-O", "qcow2", source, "copy"]);
  expect(theirs.err.split("\n")).toHaveLength(5);
});
