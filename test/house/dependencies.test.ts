/** What is shipped of other people's work is pinned by the lock, may be shipped, and is told. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
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
