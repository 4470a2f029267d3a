/**
 * qemu-img info of images that stand on others: the same words as stock's, but for what 10.0 tells and 7.2 does not (the child node).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { runOurs, runStock } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-info-"));
afterAll(() => rmSync(root, { recursive: true }));
mkdirSync(join(root, "sub"));
const make = (...argv: string[]): void => expect(runStock(root, "qemu-img", ["create", "-q", "-f", "qcow2", ...argv]).status).toBe(0);
make("base", "1M");
make("-b", "../base", "-F", "qcow2", "sub/mid");
make("-b", "sub/mid", "-F", "qcow2", "-o", "extended_l2=on", "top");
make("-u", "-b", "gone", "-F", "raw", "hanging", "1M");
make("-u", "-b", "b", "-F", "qcow2", "a", "1M");
make("-u", "-b", "a", "-F", "qcow2", "b", "1M");
make("-o", "data_file=d,data_file_raw=on", "raw-data", "1M");
make("-o", "data_file=d", "data", "1M");
make("-o", "compat=0.10", "-b", `json:{"driver":"raw","file":{"driver":"file","filename":"base"}}`, "-F", "raw", "json");
make("-o", "lazy_refcounts=on,compression_type=zstd", "features", "1M");
make("-u", "-b", "nbd://host/x", "-F", "raw", "far", "1M");
const encrypted = runStock(root, "qemu-img", ["create", "-q", "--object", "secret,id=s,data=abcdabcdabcdabcd", "-f", "qcow2", "-o", "encrypt.format=aes,encrypt.key-secret=s", "aes", "1M"]);
expect(encrypted.err).toBe("");
make("snapped", "1M");
runStock(root, "qemu-img", ["snapshot", "-c", "first", "snapped"]);
writeFileSync(join(root, "text"), "x".repeat(5000));

/** What each says without the child node, and without how much of the disk a file takes, which the moment decides. */
const human = (text: string): string => text.replace(/Child node '\/file':\n(?: {4}.*\n)*/g, "").replace(/disk size: .*/g, "disk size: (some)");
function json(text: string): unknown {
  const strip = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(strip);
    const { children: _children, "actual-size": _actual, ...rest } = value as Record<string, unknown>;
    return rest;
  };
  return text === "" ? "" : strip(JSON.parse(text));
}

/** Where it leads, stock asks the network; and 7.2 lists snapshots in other columns. */
const isComparable = (argv: readonly string[]): boolean => !(argv.includes("--backing-chain") && argv.includes("far")) && !(argv.includes("snapped") && !argv.includes("raw"));

const IMAGES = ["base", "sub/mid", "top", "hanging", "a", "raw-data", "data", "json", "features", "far", "aes", "snapped", "text", "gone"];

describe("words", () => {
  test.each(IMAGES.flatMap((image) => [[image], ["--backing-chain", image], ["-U", "-f", "qcow2", image], ["-f", "raw", image]]).filter(isComparable).map((argv) => [argv.join(" "), argv] as const))("%s", async (_, argv) => {
    const ours = await runOurs(root, "qemu-img", ["info", ...argv]);
    const stock = runStock(root, "qemu-img", ["info", ...argv]);
    expect({ ...ours, out: human(ours.out) }).toEqual({ ...stock, out: human(stock.out) });
  });
});

describe("JSON", () => {
  test.each(IMAGES.flatMap((image) => [[image], ["--backing-chain", image]]).filter((argv) => isComparable(argv) || argv.includes("snapped")).map((argv) => [argv.join(" "), argv] as const))("%s", async (_, argv) => {
    const ours = await runOurs(root, "qemu-img", ["info", "--output=json", ...argv]);
    const stock = runStock(root, "qemu-img", ["info", "--output=json", ...argv]);
    expect({ ...ours, out: json(ours.out) }).toEqual({ ...stock, out: json(stock.out) });
  });
});

test("the data of an encrypted image is refused by name", async () => {
  const { err, status } = await runOurs(root, "qemu-img", ["map", "aes"]);
  expect(status).toBe(1);
  expect(err).toContain("encryption (AES)");
});
