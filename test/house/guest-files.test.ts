/** The files of the guest: what is committed is what its checksums and lists say, small enough, and comes with its licences and sources. */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { entriesOf, librariesOf } from "./guest-archive.ts";

const FOLDER = "public/guest";
const MOST_BYTES = 7_000_000;
const MOST_EXTRA_BYTES = 6_000_000;

interface Package {
  readonly package: string;
  readonly version: string;
  readonly source: string;
  readonly sourceVersion: string;
}
interface Recipe {
  readonly programs: Readonly<Record<string, readonly string[]>>;
  readonly links: Readonly<Record<string, string>>;
}
const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const pinned = json("guest/packages.json") as { readonly kernel: Package; readonly packages: readonly Package[] };
const recipeOf = (image: string) => json(`guest/${basename(image, ".img")}.json`) as Recipe;
const IMAGES = ["initramfs.img", "fio.img", "btrfs.img"];

const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) => statSync(join(FOLDER, name)).isFile());
const sizeOf = (name: string): number => statSync(join(FOLDER, name)).size;
const textOf = (name: string): string => readFileSync(join(FOLDER, name), "utf8");

test("every file has the checksum that is committed beside it", () => {
  const sums = textOf("SHA256SUMS").trim().split("\n").map((line) => line.split("  "));
  const found = files.filter((name) => name !== "SHA256SUMS").map((name) => [createHash("sha256").update(readFileSync(join(FOLDER, name))).digest("hex"), name]);
  const byName = (a: readonly string[], b: readonly string[]) => ((a[1] ?? "") < (b[1] ?? "") ? -1 : 1);
  expect(found.sort(byName)).toEqual(sums.sort(byName));
});

test(`kernel and initial file system have at most ${MOST_BYTES} bytes together, and each second file ${MOST_EXTRA_BYTES}`, () => {
  expect(sizeOf("linux.img") + sizeOf("initramfs.img")).toBeLessThanOrEqual(MOST_BYTES);
  const images = files.filter((name) => name.endsWith(".img"));
  expect(images.sort()).toEqual(["linux.img", ...IMAGES].sort());
  for (const name of images) if (name !== "linux.img" && name !== "initramfs.img") expect(sizeOf(name), name).toBeLessThanOrEqual(MOST_EXTRA_BYTES);
});

describe.each(IMAGES)("%s", (image) => {
  const entries = entriesOf(join(FOLDER, image));
  const { programs, links } = recipeOf(image);

  test("has what its list says, of pinned packages", () => {
    expect([...entries.keys()]).toEqual(expect.arrayContaining([...Object.values(programs).flat(), ...Object.keys(links)]));
    const names = pinned.packages.map(({ package: name }) => name);
    for (const name of Object.keys(programs)) expect(names).toContain(name);
  });

  test("has every library that its programs are linked with, where the initial file system has not", () => {
    const there = new Set([...entries.keys(), ...entriesOf(join(FOLDER, "initramfs.img")).keys()].map((path) => basename(path)));
    const wanted = Object.values(programs).flat().flatMap((path) => librariesOf(entries.get(path) ?? expect.fail(`no ${path}`)));
    expect(wanted).toContain("libc.so.6");
    expect(wanted.filter((name) => !there.has(name))).toEqual([]);
  });
});

describe("licences and sources", () => {
  test("every package that something is of is named with its version, its file and its source, and its licence is there", () => {
    const rows = textOf("SOURCES.md").split("\n").filter((line) => line.startsWith("| "));
    for (const { package: name, version, source, sourceVersion } of [pinned.kernel, ...pinned.packages]) {
      const row = rows.find((line) => line.startsWith(`| ${name} | ${version} | `)) ?? expect.fail(`no ${name} ${version}`);
      expect(row).toContain(`[${source} ${sourceVersion}](https://snapshot.debian.org/package/${source}/`);
      const images = IMAGES.filter((image) => name in recipeOf(image).programs);
      expect(row).toContain(`| ${name === pinned.kernel.package ? "linux.img" : images.join(", ")} |`);
      expect(row).not.toContain("|  |");
      expect(files).toContain(join("licences", `${source}.txt`));
    }
  });

  test("every licence that a package refers to is there", () => {
    const versioned: Readonly<Record<string, string>> = { GPL: "GPL-3", LGPL: "LGPL-3", GFDL: "GFDL-1.3" };
    const named = pinned.packages.flatMap(({ source }) => [...textOf(`licences/${source}.txt`).matchAll(/common-licenses\/([\w.-]*\w)/g)].map(([, name = ""]) => versioned[name] ?? name));
    expect(named).toContain("LGPL-2.1");
    for (const name of named) expect(files).toContain(`licences/${name}.txt`);
    expect(files).toEqual(expect.arrayContaining(["licences/GPL-2.txt", "licences/linux.txt", "licences/Linux-syscall-note.txt"]));
  });

  test("the emulator is the one that is told, with its licence and those of its parts", () => {
    const { version } = json("node_modules/v86/package.json") as { readonly version: string };
    expect(textOf("SOURCES.md")).toContain(`v86 ${version} `);
    expect(textOf("licences/v86.txt")).toBe(readFileSync("node_modules/v86/LICENSE", "utf8"));
    const parts = textOf("licences/v86-parts.txt");
    expect(parts).toBe(readFileSync("guest/licences/v86-parts.txt", "utf8"));
    for (const part of ["SoftFloat", "Zstandard", "jor1k", "Jocelyn Mayer", "Rust", "musl libc", "Sun Microsystems", "The MIT licence"]) expect(parts).toContain(part);
    // What its WebAssembly says itself of the libraries that it was linked with.
    const linked = new Set([...readFileSync("node_modules/v86/build/v86.wasm", "latin1").matchAll(/\/rust\/deps\/([a-z_]+)-(\d+\.\d+\.\d+)/g)].map(([, name = "", release = ""]) => `${name} ${release}`));
    expect(linked.size).toBeGreaterThan(0);
    for (const library of linked) expect(parts).toContain(library);
  });
});

test("a first visit fetches none of it", () => {
  const config = readFileSync("vite.config.ts", "utf8");
  const [, list = ""] = /globPatterns: \[([^\]]+)\]/.exec(config) ?? [];
  const globs = [...list.matchAll(/"([^"]+)"/g)].map(([, glob = ""]) => matcherOf(glob));
  expect(globs.some((glob) => glob.test("assets/page.js"))).toBe(true);
  for (const name of files) expect(globs.filter((glob) => glob.test(`guest/${name}`)), name).toEqual([]);
});

/** Of the globs that stand there: a part of a name, folders at the start, alternatives. */
function matcherOf(glob: string): RegExp {
  const pattern = glob
    .replace(/[.+^$()|[\]\\]/g, "\\$&")
    .replace(/\{([^}]*)\}/g, (_, alternatives: string) => `(?:${alternatives.replaceAll(",", "|")})`)
    .replace(/\*\*\/|\*/g, (star) => (star === "*" ? "[^/]*" : "(?:.*/)?"));
  return new RegExp(`^${pattern}$`);
}
