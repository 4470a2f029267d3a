/**
 * blkzone's words for command lines that need no zoned device, against the blkzone that is installed: the same line to both, on a
 * file that does not exist.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runOurs } from "./cli-harness.ts";

const folder = mkdtempSync(join(tmpdir(), "zonescope-blkzone-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** It lies where only root looks for programs. */
function stock(argv: readonly string[]): { out: string; err: string; status: number } {
  const ran = spawnSync("blkzone", argv, { cwd: folder, encoding: "utf8", env: { ...process.env, LC_ALL: "C", PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin` } });
  if (ran.error !== undefined) throw ran.error;
  return { out: ran.stdout, err: ran.stderr, status: ran.status ?? -1 };
}

const NUMBERS = ["-c x", "-c -1", "-c 4294967296", "-c 0x10", "-c 010", "-c 1K", "-l -5", "-l x", "-o 1.5", "-o 99999999999999999999", "-o 16E", "-o 1Z"];
const SUFFIXES = ["-o 5B", "-o 08", "-o 5Kib", "-o 5KiB", "-o 5KB", "-o 5ki", "-o 0.5K", "-o 0x10", "-o 5k"];
const FORMS = ["--off 5", "--o=5", "--force=1", "--foo", "-x", "-l 1 -c 1", "--count=1 -l1", "-c 1 -c 1", "-fv", "-fvx", "--offset", "-o", "a", ""];

describe("blkzone", () => {
  for (const options of [...NUMBERS, ...SUFFIXES, ...FORMS]) {
    const argv = ["report", ...options.split(" ").filter((word) => word !== ""), "nonexist"];
    it(argv.join(" "), async () => expect(await runOurs(folder, "blkzone", argv)).toEqual(stock(argv)));
  }
  for (const argv of [[], ["foo"], ["foo", "-h"], ["-x"], ["-v"], ["--offset"], ["report"], ["report", ""], ["-c", "5", "report", "a"], ["report", "a", "b"], ["report", "a", "-o"], ["", "a"]]) {
    it(`[${argv.join(" ")}]`, async () => expect(await runOurs(folder, "blkzone", argv)).toEqual(stock(argv)));
  }

  it("has the commands and options that are in stock's help", async () => {
    const theirs = stock(["--help"]).out;
    const ours = (await runOurs(folder, "blkzone", ["--help"])).out;
    for (const [word] of theirs.matchAll(/^ {1,2}[a-z]+ {2,}|--[a-z]+/gm)) expect(ours).toContain(word.trim());
  });

  // Stock looks into sysfs for the zone size of what is no device, and does not say that there is no such file. We do.
  it("tells of a missing file where stock cannot", async () => {
    expect(stock(["reset", "nonexist"]).err).toBe("blkzone: nonexist: unable to determine zone size\n");
    expect((await runOurs(folder, "blkzone", ["reset", "nonexist"])).err).toBe("blkzone: cannot open nonexist: No such file or directory\n");
  });
});
