/** What the documents name is there: files and folders of the project, scripts of the manifest, words of the tables. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { documents } from "../../scripts/docs-site.mjs";
import { JOB_WORDS } from "../../src/command/workload-words.ts";
import { PROGRAMS } from "../../src/command/programs.ts";

const DOCUMENTS = ["README.md", "ARCHITECTURE.md", ...documents().filter((path) => !path.startsWith("api/")).map((path) => `docs/${path}`)];
const text = (path: string): string => readFileSync(path, "utf8");
const files = ["src", "scripts", "test", "public", "guest"].flatMap((folder) => readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`));
/** What stands between backticks, outside of blocks. */
const named = (path: string): string[] => [...text(path).replaceAll(/^```[^]*?^```/gm, "").matchAll(/`([^`\n]+)`/g)].map(([, word = ""]) => word);

test("files that documents name by their code are there", () => {
  const missing = DOCUMENTS.flatMap((path) =>
    named(path)
      .filter((word) => /^[\w@./-]+\.(ts|tsx|mjs)$/.test(word))
      .filter((word) => !existsSync(word) && !files.some((file) => file.endsWith(`/${word}`)))
      .map((word) => `${path}: ${word}`),
  );
  expect(missing).toEqual([]);
});

test("folders that documents name by their code are there", () => {
  const missing = DOCUMENTS.flatMap((path) =>
    named(path)
      .filter((word) => /^(src|test|scripts|public|docs)\/[\w/.-]+$/.test(word) && !word.startsWith("docs/figures") && !word.startsWith("docs/runs"))
      .filter((word) => !existsSync(word))
      .map((word) => `${path}: ${word}`),
  );
  expect(missing).toEqual([]);
});

test("links of the README and of the map lead to files", () => {
  for (const path of ["README.md", "ARCHITECTURE.md"]) {
    const links = [...text(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, link = ""]) => link);
    expect(links.filter((link) => !existsSync(join(dirname(path), link))), path).toEqual([]);
  }
});

test("the list of documents and the README name every document", () => {
  const top = documents().filter((path) => !path.includes("/") && path !== "README.md");
  for (const list of ["docs/README.md", "README.md"]) expect(top.filter((path) => !text(list).includes(`${path})`)), list).toEqual([]);
});

test("`npm run` names scripts of the manifest", () => {
  const { scripts } = JSON.parse(text("package.json")) as { scripts: Record<string, string> };
  const named = DOCUMENTS.flatMap((path) => [...text(path).matchAll(/npm run ([\w:-]+)/g)].map(([, name = ""]) => ({ path, name })));
  expect(named.filter(({ name }) => !(name in scripts))).toEqual([]);
});

test("every word of a workload is explained", () => {
  const explained = text("docs/workload.md");
  expect(JOB_WORDS.map(({ name }) => name).filter((name) => !explained.includes(`\`${name}`))).toEqual([]);
});

test("lines that the README shows name programs that are there", () => {
  const lines = [...text("README.md").matchAll(/^npx zonescope (?:--\w+ )*([\w-]+)/gm)].map(([, name = ""]) => name);
  expect(lines.length).toBeGreaterThan(8);
  expect(lines.filter((name) => name !== "help" && !PROGRAMS.some((program) => program.name === name))).toEqual([]);
});
