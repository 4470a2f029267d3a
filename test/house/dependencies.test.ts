/** What is shipped of other people's work is pinned by the lock, may be shipped, and is told. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { advisoriesOf } from "../../scripts/advisories.mjs";
import { licencesFile, lockedPackages, shippedFolders } from "../../scripts/licences.mjs";

/** Licences that ask for no more than to be told. */
const ALLOWED = ["MIT", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "OFL-1.1", "(MIT AND Zlib)"];

const locked = lockedPackages();
const shipped = shippedFolders();
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: Record<string, string>; devDependencies: Record<string, string> };

test("the libraries of the page and of the engine are among what is shipped, and its tools are not", () => {
  for (const name of ["react", "radix-ui", "zustand", "pako", "fzstd", "@bokuweb/zstd-wasm", "v86", "workbox-precaching"]) expect(shipped).toContain(`node_modules/${name}`);
  for (const name of ["vite", "vitest", "typescript", "markdown-it", "fast-check"]) expect(shipped).not.toContain(`node_modules/${name}`);
});

test("each is pinned to a version with a checksum, and under a licence that lets it be shipped", () => {
  for (const folder of shipped) {
    const { version, integrity, license } = locked[folder]!;
    expect(version, folder).toMatch(/^\d+\.\d+\.\d+/);
    expect(integrity, folder).toMatch(/^sha512-/);
    expect(ALLOWED, folder).toContain(license);
  }
});

test("the lock is of this manifest", () => {
  expect(locked[""]).toMatchObject({ dependencies: manifest.dependencies, devDependencies: manifest.devDependencies });
});

test("the file of licences names each with its version", () => {
  const text = licencesFile();
  for (const folder of shipped) expect(text).toContain(`${folder.replace(/^.*node_modules\//, "")} ${locked[folder]!.version} (`);
  expect(text).toContain("Copyright (c) Meta Platforms");
});

test("an audit counts advisories about what is shipped, those about tools aside, and tells silence from none", () => {
  const entry = (name: string, via: unknown[]) => ({ name, severity: "high", range: "<2.0.0", nodes: [`node_modules/${name}`], via });
  const report = { vulnerabilities: { "react-dom": entry("react-dom", ["scheduler"]), scheduler: entry("scheduler", [{ title: "Prototype pollution" }]), vite: entry("vite", [{ title: "Reads any file" }]) } };
  expect(advisoriesOf(report, shipped)).toEqual([
    { package: "react-dom", severity: "high", range: "<2.0.0", title: "by way of scheduler" },
    { package: "scheduler", severity: "high", range: "<2.0.0", title: "Prototype pollution" },
  ]);
  expect(advisoriesOf({ vulnerabilities: {} }, shipped)).toEqual([]);
  for (const silence of [null, { message: "405 Method Not Allowed", statusCode: 405 }, "", { vulnerabilities: null }]) expect(advisoriesOf(silence, shipped)).toBeNull();
});
