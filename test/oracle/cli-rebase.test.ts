/**
 * qemu-img rebase and commit against the stock program over copies of one chain: the same words and exit status, the same disks
 * afterwards in every file, and images that stock finds nothing wrong with.
 */
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runOurs, runStock } from "./cli-harness.ts";
import type { Ran } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-rebase-"));
afterAll(() => rmSync(root, { recursive: true }));
const MADE = join(root, "made");

beforeAll(() => {
  mkdirSync(MADE);
  const img = (...argv: string[]): void => expect(runStock(MADE, "qemu-img", argv)).toMatchObject({ status: 0 });
  const io = (file: string, format: string, ...commands: string[]): void =>
    expect(runStock(MADE, "qemu-io", ["-f", format, ...commands.flatMap((command) => ["-c", command]), file])).toMatchObject({ status: 0 });
  img("create", "-q", "-f", "qcow2", "base", "8M");
  io("base", "qcow2", "write -q -P 1 0 4M", "write -q -P 2 5M 1M");
  img("create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "middle", "8M");
  io("middle", "qcow2", "write -q -P 4 64k 64k", "write -q -P 4 4M 300k");
  img("create", "-q", "-f", "qcow2", "-b", "middle", "-F", "qcow2", "top", "8M");
  io("top", "qcow2", "write -q -P 5 1M 100k", "write -q -P 6 6M 64k", "write -q -z 3M 64k");
  img("create", "-q", "-f", "qcow2", "-o", "cluster_size=4k", "other", "6M");
  io("other", "qcow2", "write -q -P 1 0 2M", "write -q -P 9 2M 100k");
  img("create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "longer", "9M");
  io("longer", "qcow2", "write -q -P 5 2M 64k", "write -q -P 6 8M 1M");
  mkdirSync(join(MADE, "sub"));
  img("create", "-q", "-f", "qcow2", "sub/base", "1M");
  img("create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "sub/top", "1M");
  io("sub/top", "qcow2", "write -q -P 5 0 64k");
  img("create", "-q", "-f", "raw", "disk", "6M");
  io("disk", "raw", "write -q -P 3 0 3M");
  img("create", "-q", "-f", "qcow2", "-b", "disk", "-F", "raw", "over", "7M");
  io("over", "qcow2", "write -q -P 7 1M 1M", "write -q -P 8 6M 100k");
});

const FORMATS = { base: "qcow2", middle: "qcow2", top: "qcow2", other: "qcow2", disk: "raw", over: "qcow2", longer: "qcow2", "sub/base": "qcow2", "sub/top": "qcow2" } as const;

const bytesOf = (folder: string, file: string): string => createHash("md5").update(readFileSync(join(folder, file))).digest("hex");

/** What these files show, and what stock says of them; each is looked at by itself, as far as it opens. */
function stateOf(folder: string, files: readonly (keyof typeof FORMATS)[]): Record<string, unknown> {
  const state: Record<string, unknown> = {};
  for (const file of files) {
    const format = FORMATS[file];
    const converted = runStock(folder, "qemu-img", ["convert", "-f", format, "-O", "raw", file, "converted"]);
    const info = runStock(folder, "qemu-img", ["info", "-f", format, "--output=json", file]);
    const { "backing-filename": backing, "backing-filename-format": backingFormat } = (info.status === 0 ? JSON.parse(info.out) : {}) as Record<string, unknown>;
    const check = format === "raw" ? "" : runStock(folder, "qemu-img", ["check", "-q", "-f", format, file]).status;
    state[file] = { converts: converted.status, sum: converted.status === 0 ? bytesOf(folder, "converted") : "", backing, backingFormat, check };
  }
  return state;
}

function folderOf(who: string): string {
  const folder = join(root, who);
  rmSync(folder, { recursive: true, force: true });
  cpSync(MADE, folder, { recursive: true });
  return folder;
}

const withoutProgress = (ran: Ran): Ran => ({ ...ran, out: ran.out.replace(/ {4}\([\d.]+\/100%\)\r/g, "") });

async function same(line: string): Promise<{ readonly mine: string; readonly theirs: string }> {
  const argv = line.split(" ").map((word) => (word === "''" ? "" : word));
  const [mine, theirs] = [folderOf("ours"), folderOf("stock")];
  expect(withoutProgress(await runOurs(mine, "qemu-img", argv))).toEqual(withoutProgress(runStock(theirs, "qemu-img", argv)));
  const names = Object.keys(FORMATS) as (keyof typeof FORMATS)[];
  const changed = names.filter((file) => [mine, theirs].some((folder) => bytesOf(folder, file) !== bytesOf(MADE, file)));
  expect(stateOf(mine, changed)).toEqual(stateOf(theirs, changed));
  return { mine, theirs };
}

describe("rebase", () => {
  const lines = [
    "rebase -b other -F qcow2 top",
    "rebase -b base -F qcow2 top",
    "rebase -b middle -F qcow2 top",
    "rebase -b '' top",
    "rebase -p -t none -T none -b disk -F raw top",
    "rebase -u -b nowhere -F raw top",
    "rebase -u -b '' top",
    "rebase -u top",
    "rebase -b nowhere -F qcow2 top",
    "rebase -b other top",
    "rebase -b other -F foo top",
    "rebase -b other -F raw over",
    "rebase top",
    "rebase -b other",
    "rebase -x",
    "rebase -t foo -b other top",
    "rebase -T foo -b other top",
    "rebase -b other nowhere",
  ];
  for (const line of lines) it(line, async () => void (await same(line)));
});

describe("commit", () => {
  const lines = [
    "commit top",
    "commit middle",
    "commit -d top",
    "commit -q top",
    "commit -b base top",
    "commit -b middle top",
    "commit -b nowhere top",
    "commit -p -r 100M -t none top",
    "commit -f qcow2 over",
    "commit longer",
    "commit -d longer",
    "commit -b sub/base sub/top",
    "commit -b base sub/top",
    "commit base",
    "commit",
    "commit top base",
    "commit -t foo top",
    "commit -r x top",
    "commit nowhere",
  ];
  for (const line of lines) it(line, async () => void (await same(line)));

  it.each(["top", "middle", "longer", "over"])("leaves the file %s as short as stock does", async (file) => {
    const { mine, theirs } = await same(`commit ${file}`);
    expect(statSync(join(mine, file)).size).toBe(statSync(join(theirs, file)).size);
    expect(statSync(join(mine, file)).size).toBeLessThan(statSync(join(MADE, file)).size);
  });
});
