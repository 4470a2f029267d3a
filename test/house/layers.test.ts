/** The table of ARCHITECTURE.md holds: every file of src was looked at, and imports only what its folder may. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { cruiseHouse } from "./cruise.ts";
import { readLayers } from "./layer-table.ts";
import { sourceFiles } from "./source-files.ts";

const layers = readLayers();

test("the table is read whole", () => {
  expect(layers.map((layer) => layer.folder)).toEqual(expect.arrayContaining(["base", "bytes", "qcow2", "zoned", "protocol", "engine", "worker", "testing"]));
  const protocol = layers.find((layer) => layer.folder === "protocol");
  expect(protocol).toEqual({ folder: "protocol", mayImport: ["base"], mayImportTypesOf: ["bytes", "qcow2", "zoned", "workload"] });
  const known = new Set(layers.map((layer) => layer.folder));
  for (const { mayImport, mayImportTypesOf } of layers) {
    for (const name of [...(mayImport === "anything" ? [] : mayImport), ...mayImportTypesOf]) expect(known).toContain(name);
  }
});

/** All sources are parsed: a minute, where a busy machine gives this a tenth of a core. */
const WHOLE_MS = 300_000;

test("every source file was looked at, and every import is allowed", { timeout: WHOLE_MS }, async () => {
  const { files, findings } = await cruiseHouse(layers, process.cwd());
  expect(files).toEqual(sourceFiles());
  expect(findings).toEqual([]);
});

describe("a planted violation is caught", () => {
  const house = mkdtempSync(join(tmpdir(), "zonescope-house-"));
  afterAll(() => rmSync(house, { recursive: true, force: true }));

  /** A house that keeps the rules; each violation adds one file to it. */
  const sound: Record<string, string> = {
    "src/base/units.ts": "export interface Unit { size: number }\nexport const one = 1;\n",
    "src/bytes/store.ts": 'import { one } from "../base/units.ts";\nexport interface Store { size: number }\nexport const two = one + one;\n',
    "src/bytes/node-store.ts": 'import { openSync } from "node:fs";\nexport const open = openSync;\n',
    "src/protocol/calls.ts": 'import type { Store } from "../bytes/store.ts";\nexport type Call = Store;\n',
    "src/testing/suite.ts": 'import { two } from "../bytes/store.ts";\nexport const four = two + two;\n',
    "src/state/store.ts": 'import { create } from "zustand";\nexport const useStore = create;\n',
    "src/ui/App.tsx": 'import { useState } from "react";\nimport "./App.css";\nexport const App = () => useState(0)[0];\n',
    "src/ui/App.css": "",
    "node_modules/react/index.js": "export const useState = (value) => [value];\n",
    "node_modules/react/package.json": '{ "name": "react", "type": "module", "exports": { ".": "./index.js" } }',
    "node_modules/zustand/index.js": "export const create = () => {};\n",
    "node_modules/zustand/package.json": '{ "name": "zustand", "type": "module", "exports": { ".": "./index.js" } }',
  };

  async function cruisePlanted(name: string, extra: Record<string, string>) {
    const folder = join(house, name);
    for (const [path, text] of Object.entries({ ...sound, ...extra })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    writeFileSync(join(folder, "package.json"), '{ "type": "module", "dependencies": { "react": "*", "zustand": "*" } }');
    return cruiseHouse(layers, folder);
  }

  test("the sound house has none", async () => {
    const { files, findings } = await cruisePlanted("sound", {});
    expect(findings).toEqual([]);
    expect(files).toEqual(Object.keys(sound).filter((path) => /^src.*\.tsx?$/.test(path)).sort());
  });

  test("a cycle of types alone is none", async () => {
    const { findings } = await cruisePlanted("types", {
      "src/base/a.ts": 'import { b } from "./b.ts";\nexport interface A { size: number }\nexport const a = () => b;\n',
      "src/base/b.ts": 'import type { A } from "./a.ts";\nexport const b = (a: A) => a.size;\n',
    });
    expect(findings).toEqual([]);
  });

  const violations: Record<string, { files: Record<string, string>; rule: string }> = {
    "a lower folder imports a higher one": { files: { "src/base/bad.ts": 'import { two } from "../bytes/store.ts";\nexport const bad = two;\n' }, rule: "not-in-allowed" },
    "a value where types alone are allowed": {
      files: { "src/protocol/bad.ts": 'import { two } from "../bytes/store.ts";\nexport const bad = two;\n' },
      rule: "not-in-allowed",
    },
    "a value beside types of the same file": {
      files: { "src/protocol/bad.ts": 'import type { Store } from "../bytes/store.ts";\nimport { two } from "../bytes/store.ts";\nexport const bad: Store = { size: two };\n' },
      rule: "not-in-allowed",
    },
    "a value re-exported where types alone are allowed": { files: { "src/protocol/bad.ts": 'export { two } from "../bytes/store.ts";\n' }, rule: "not-in-allowed" },
    "a type of a folder that is not named": { files: { "src/base/bad.ts": 'import type { Store } from "../bytes/store.ts";\nexport type Bad = Store;\n' }, rule: "not-in-allowed" },
    "a dynamic import": { files: { "src/base/bad.ts": 'export const bad = () => import("../bytes/store.ts");\n' }, rule: "not-in-allowed" },
    "a folder that the table does not name": { files: { "src/novel/bad.ts": 'import { one } from "../base/units.ts";\nexport const bad = one;\n' }, rule: "not-in-allowed" },
    "src/testing imported by the product": { files: { "src/bytes/bad.ts": 'import { four } from "../testing/suite.ts";\nexport const bad = four;\n' }, rule: "testing-is-for-tests" },
    "a cycle": {
      files: { "src/base/a.ts": 'import { b } from "./b.ts";\nexport const a = () => b;\n', "src/base/b.ts": 'import { a } from "./a.ts";\nexport const b = () => a;\n' },
      rule: "no-cycles",
    },
    "a cycle over three files": {
      files: {
        "src/command/a.ts": 'import { b } from "./b.ts";\nexport const a = () => b;\n',
        "src/command/b.ts": 'import { c } from "./c.ts";\nexport const b = () => c;\n',
        "src/command/c.ts": 'import { a } from "./a.ts";\nexport const c = () => a;\n',
      },
      rule: "no-cycles",
    },
    "a package in a folder that has none": { files: { "src/base/bad.ts": 'export { create } from "zustand";\n' }, rule: "not-in-allowed" },
    "a module of Node in the browser's half": { files: { "src/bytes/bad.ts": 'export { readSync } from "node:fs";\n' }, rule: "not-in-allowed" },
    "a file that is not there": { files: { "src/base/bad.ts": 'export { nothing } from "./nothing.ts";\n' }, rule: "resolvable" },
  };
  for (const [name, { files, rule }] of Object.entries(violations)) {
    test(name, async () => {
      const { findings } = await cruisePlanted(name.replaceAll(/[^a-z]/gi, "-"), files);
      expect(findings.map((finding) => finding.rule)).toContain(rule);
      expect(findings.every((finding) => finding.from in files)).toBe(true);
    });
  }
});
