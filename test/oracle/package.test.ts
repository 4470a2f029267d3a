/**
 * The package as another program gets it: packed, installed into an empty project, its snippet of the README run there, its types
 * checked by a strict project of that kind.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stockCheck } from "../../src/testing/stock.ts";

const project = mkdtempSync(join(tmpdir(), "zonescope-package-"));
const root = resolve(".");

const npm = (folder: string, ...args: readonly string[]): string => execFileSync("npm", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

/** The first piece of JavaScript under a heading of the README. */
function snippet(heading: string): string {
  const text = readFileSync("README.md", "utf8");
  const section = text.slice(text.indexOf(`## ${heading}\n`));
  const found = /```js\n([\s\S]*?)```/.exec(section)?.[1];
  if (found === undefined) throw new Error(`no snippet under "${heading}"`);
  return found;
}

/** What its comments say that it prints: those behind a console.log, and the lines below the last one. */
const promised = (code: string): string[] => [...code.matchAll(/(?:console\.log\(.*\); |^)\/\/ (.*)$/gm)].map(([, said]) => said ?? "");

beforeAll(() => {
  // Built before: packing would build again, and the test is of what is packed.
  npm(root, "pack", "--ignore-scripts", "--pack-destination", project);
  const packed = readdirSync(project).find((name) => name.endsWith(".tgz"));
  if (packed === undefined) throw new Error("npm pack made no package");
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "somebody", private: true, type: "module" }));
  npm(project, "install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", `./${packed}`);
}, 120_000);
afterAll(() => rmSync(project, { recursive: true, force: true }));

test("the README's snippet does what its comments say, and stock qemu-img finds its image sound", () => {
  const code = snippet("As a library");
  writeFileSync(join(project, "snippet.js"), code);
  const printed = execFileSync(process.execPath, ["snippet.js"], { cwd: project, encoding: "utf8" });
  const expected = promised(code);
  expect(expected.length).toBeGreaterThan(5);
  expect(printed.trimEnd().split("\n")).toEqual(expected);
  // Stock knows nothing of the zoned metadata, which it counts as leaked: status 3, and no error.
  expect(stockCheck(join(project, "disk.qcow2"))).toEqual({ status: 3, corruptions: 0, leaks: 1, checkErrors: 0 });
});

test("its types hold in a strict project, declarations and all", () => {
  const use = [
    'import { createImage, ImageError, NamedStores, openImage, type ByteStore, type Zone } from "zonescope/engine";',
    'import { Folder, fileStore } from "zonescope/node";',
    "export async function report(store: ByteStore): Promise<readonly Zone[]> {",
    "  const image = await openImage(store, { readOnly: true });",
    "  const chained = await openImage({ files: new NamedStores({ top: store }), name: 'top' });",
    "  await createImage({ files: new Folder('.'), name: 'made.qcow2' }, { size: 1024, clusterSize: 512 });",
    "  void fileStore('x', 'write'); void chained.size;",
    "  // @ts-expect-error A size is a number.",
    "  await createImage(store, { size: '1M' });",
    "  return image.zones();",
    "}",
    "export const codeOf = (error: ImageError): string => (error.failure.kind === 'zone' ? error.failure.code : error.failure.kind);",
  ];
  writeFileSync(join(project, "use.ts"), use.join("\n"));
  const options = { strict: true, noEmit: true, module: "nodenext", target: "es2022", lib: ["es2023", "dom"], types: [], skipLibCheck: false, verbatimModuleSyntax: true };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["use.ts"] }));
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "."], { cwd: project, encoding: "utf8", stdio: "pipe" });
});

test("installing it brings nothing that the engine does not use", () => {
  const installed = readdirSync(join(project, "node_modules"), { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith("."));
  expect(installed.map(({ name }) => name).sort()).toEqual(["@bokuweb", "zonescope"]);
});
