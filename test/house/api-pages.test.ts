/** The pages of what the package exports are made from the docstrings, and are those of today. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

test("docs/api is what `npm run docs` makes", () => {
  const made = mkdtempSync(join(tmpdir(), "zonescope-docs-"));
  try {
    execFileSync(process.execPath, ["scripts/docs.mjs", made], { stdio: "pipe" });
    const names = readdirSync(made, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md")).sort();
    expect(readdirSync("docs/api", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md")).sort()).toEqual(names);
    for (const name of names) expect(readFileSync(join("docs/api", name), "utf8"), name).toBe(readFileSync(join(made, name), "utf8"));
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}, 300_000);
