/** Names and options as QEMU writes them, to image sources; every expectation was read off QEMU 10's answer to the same text. */
import { describe, expect, test } from "vitest";
import { parseQemuJson } from "../../../src/protocol/qemu-json.ts";
import { parseImageName, sourceOfOptions } from "../../../src/protocol/source-names.ts";
import type { OptionValue } from "../../../src/protocol/source-names.ts";

const options = (list: Record<string, OptionValue>): unknown => {
  const parsed = sourceOfOptions(new Map(Object.entries(list)));
  return parsed.ok ? parsed.value.source : parsed.error;
};

describe("options", () => {
  test.each<[Record<string, OptionValue>, unknown]>([
    [{ driver: "qcow2", "file.filename": "a" }, { file: "a", format: "qcow2" }],
    [{ "file.filename": "a" }, { file: "a", format: null }],
    [{ driver: "file", filename: "a" }, { file: "a", format: "raw" }],
    [{ driver: "raw", offset: "1k", size: "512", "file.driver": "file", "file.filename": "a" }, { file: "a", format: "raw", offset: 1024, size: 512 }],
    [{ driver: "qcow2", "file.filename": "a", backing: null }, { file: "a", format: "qcow2", backing: null }],
    [{ driver: "qcow2", "file.filename": "a", backing: "" }, { file: "a", format: "qcow2", backing: null }],
    [
      { driver: "qcow2", "file.filename": "a", "backing.driver": "raw", "backing.file.filename": "b", "data-file.filename": "c" },
      { file: "a", format: "qcow2", backing: { file: "b", format: "raw" }, dataFile: { file: "c", format: "raw" } },
    ],
    [{ driver: "qcow2", "file.filename": "a", "lazy-refcounts": "on", "cache-size": "1M", "overlap-check.template": "all", "file.locking": "off" }, { file: "a", format: "qcow2", lazyRefcounts: true, strictSnapshots: true }],
    [{ driver: "qcow2", filename: "a" }, { code: "no-file" }],
    [{ filename: "a" }, { code: "no-driver" }],
    [{ driver: "file" }, { code: "no-filename" }],
    [{ driver: "qcow2", file: "a" }, { code: "no-node", name: "a" }],
    [{ driver: "vmdk", "file.filename": "a" }, { code: "unknown-driver", driver: "vmdk" }],
    [{ driver: "qcow2", "file.filename": "a", foo: "1" }, { code: "unknown-option", level: "format", driver: "qcow2", option: "foo" }],
    [{ driver: "qcow2", "file.filename": "a", "file.foo": "1" }, { code: "unknown-option", level: "protocol", driver: "file", option: "foo" }],
    [{ driver: "qcow2", "file.filename": "a", "lazy-refcounts": "maybe" }, { code: "bad-switch", option: "lazy-refcounts", value: "maybe" }],
    [{ driver: "raw", "file.filename": "a", offset: "-1" }, { code: "bad-size", option: "offset", value: "-1" }],
    [{ driver: "raw", "file.filename": "a", backing: null }, { code: "unknown-option", level: "format", driver: "raw", option: "backing" }],
  ])("%j", (list, expected) => {
    expect(options(list)).toEqual(expected);
  });

  test("read-only is told beside the source", () => {
    expect(sourceOfOptions(new Map<string, OptionValue>([["file.filename", "a"], ["read-only", true]]))).toEqual({
      ok: true,
      value: { source: { file: "a", format: null }, readOnly: true },
    });
  });
});

describe("names", () => {
  const named = (name: string): unknown => {
    const parsed = parseImageName(name, "dropped:");
    if (!parsed.ok) return parsed.error;
    return parsed.value.kind === "path" ? parsed.value.path : parsed.value.parsed.source;
  };
  test.each<[string, unknown]>([
    ["a/b.qcow2", "a/b.qcow2"],
    ["./odd:name", "./odd:name"],
    ["dropped:a", "dropped:a"],
    ["file:a", { file: "a", format: null }],
    ["file:a:b", { file: "./a:b", format: null }],
    ["file:/a:b/c", { file: "/a:b/c", format: null }],
    ["nbd://host/export", { code: "unknown-protocol", protocol: "nbd" }],
    [`json:{"driver":"qcow2","file":{"driver":"file","filename":"b"}}`, { file: "b", format: "qcow2" }],
    ["json:{'driver':'raw','file.filename':'b','offset':512}", { file: "b", format: "raw", offset: 512 }],
    ["json:[1]", { code: "json-not-object" }],
    ["json:{bad", { code: "json-syntax", detail: "invalid keyword 'bad'" }],
  ])("%s", (name, expected) => {
    expect(named(name)).toEqual(expected);
  });
});

describe("JSON", () => {
  test("reads what JSON.parse reads", () => {
    const value = { a: [1, -2.5, true, false, null, "x\n\"'\u00e9"], b: {}, c: [], d: { e: { f: 1e3 } } };
    expect(parseQemuJson(JSON.stringify(value))).toEqual({ ok: true, value });
    expect(parseQemuJson(JSON.stringify(value, null, 2))).toEqual({ ok: true, value });
  });
  test.each(["", "{", "{\"a\"", "{\"a\":}", "[1,", "'open", "01", "tru", "{} x", "\"\\q\"", "{\"a\":1,\"a\":2}"])("refuses %j", (text) => {
    expect(parseQemuJson(text).ok).toBe(false);
  });
  test("refuses nesting beyond a bound without running out of stack", () => {
    expect(parseQemuJson("[".repeat(100_000))).toEqual({ ok: false, error: "nesting too deep" });
  });
  test("a key that is a property of every object is a key like others", () => {
    const parsed = parseQemuJson(`{"__proto__": {"a": 1}}`);
    expect(parsed.ok && Object.keys(parsed.value as object)).toEqual(["__proto__"]);
  });
});
