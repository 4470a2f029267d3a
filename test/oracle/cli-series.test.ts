/**
 * The series' own test, command by command: what its patched qemu-img and qemu-io printed is what ours prints, exit status
 * included. Each row was one process, so that each is one engine here.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runOurs } from "./cli-harness.ts";

type Row =
  | { readonly program: "qemu-img"; readonly args: readonly string[]; readonly output: string; readonly exit: number }
  | { readonly program: "qemu-io"; readonly commands: readonly string[]; readonly output: string; readonly exit: number };

describe.each(["v4", "v9"])("the series' test, %s", (dialect) => {
  const folder = mkdtempSync(join(tmpdir(), "zonescope-series-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const text = readFileSync(new URL(`./data/series-${dialect}.jsonl`, import.meta.url), "utf8");
  const rows = text.trimEnd().split("\n").map((line) => JSON.parse(line) as Row);

  it("has rows", () => expect(rows.length).toBeGreaterThan(10));

  // One test, because each row works on what the row before it left.
  it("answers every row as the patched programs did", async () => {
    for (const [index, row] of rows.entries()) {
      const argv = row.program === "qemu-img" ? row.args : ["-f", "qcow2", ...row.commands.flatMap((command) => ["-c", command]), "zbc.qcow2"];
      const { out, err, status } = await runOurs(folder, row.program, argv);
      expect({ index, argv, output: out + err, exit: status }).toEqual({ index, argv, output: row.output, exit: row.exit });
    }
  });
});
