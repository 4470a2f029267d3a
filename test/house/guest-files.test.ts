/** The files of the guest: what is committed is what its checksums say, small enough, and comes with its licences and sources. */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const FOLDER = "public/guest";
const MOST_BYTES = 7_000_000;

interface Package {
  readonly package: string;
  readonly version: string;
  readonly source: string;
  readonly sourceVersion: string;
}
const pinned = JSON.parse(readFileSync("guest/packages.json", "utf8")) as { readonly kernel: Package; readonly packages: readonly Package[] };

const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(FOLDER, name)).isFile());

test("every file has the checksum that is committed beside it", () => {
  const sums = readFileSync(join(FOLDER, "SHA256SUMS"), "utf8").trim().split("\n").map((line) => line.split("  "));
  const found = files.filter((name) => name !== "SHA256SUMS").map((name) => [createHash("sha256").update(readFileSync(join(FOLDER, name))).digest("hex"), name]);
  const byName = (a: readonly string[], b: readonly string[]) => ((a[1] ?? "") < (b[1] ?? "") ? -1 : 1);
  expect(found.sort(byName)).toEqual(sums.sort(byName));
});

test(`kernel and initial file system have at most ${MOST_BYTES} bytes together`, () => {
  const size = (name: string) => statSync(join(FOLDER, name)).size;
  expect(size("linux.img") + size("initramfs.img")).toBeLessThanOrEqual(MOST_BYTES);
});

test("every package is named with its version and its source, and its licence is there", () => {
  const sources = readFileSync(join(FOLDER, "SOURCES.md"), "utf8");
  for (const { package: name, version, source, sourceVersion } of [pinned.kernel, ...pinned.packages]) {
    expect(sources).toContain(`| ${name} | ${version} |`);
    expect(sources).toContain(`| ${source} ${sourceVersion} |`);
    expect(files).toContain(join("licences", `${source}.txt`));
  }
  expect(files).toEqual(expect.arrayContaining(["licences/GPL-2.txt", "licences/GPL-3.txt", "licences/LGPL-2.1.txt", "licences/v86.txt"]));
});

test("a first visit fetches none of it", () => {
  const config = readFileSync("vite.config.ts", "utf8");
  const [, globs = ""] = /globPatterns: \["([^"]+)"\]/.exec(config) ?? [];
  expect(globs).not.toBe("");
  for (const name of files) expect(globs.split(/[{},.*/]+/)).not.toContain(name.split(".").at(-1));
});
