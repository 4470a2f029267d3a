/** What the system's refusals become. That a Node file is a store is in the conformance suite. */
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { NodeFiles } from "../../../src/bytes/node-files.ts";
import { NodeStore } from "../../../src/bytes/node-store.ts";

const folder = mkdtempSync(join(tmpdir(), "zonescope-node-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const files = new NodeFiles(folder);

function codeOf(act: () => void): string {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof Fault && thrown.problem.kind === "store") return thrown.problem.code;
    throw thrown;
  }
  return "nothing";
}

describe("NodeStore", () => {
  test("a full disk is no-space", () => {
    const store = new NodeStore("/dev/full", openSync("/dev/full", "r+"), false);
    expect(codeOf(() => store.write(0, new Uint8Array(1)))).toBe("no-space");
    store.close();
  });

  test("a descriptor that someone else closed is closed; one opened for reading alone is not written", () => {
    const path = join(folder, "store");
    writeFileSync(path, "abc");
    const descriptor = openSync(path, "r");
    const store = new NodeStore(path, descriptor, true);
    expect(codeOf(() => store.write(0, new Uint8Array(1)))).toBe("read-only");
    closeSync(descriptor);
    expect(codeOf(() => store.read(0, new Uint8Array(1)))).toBe("closed");
  });
});

describe("NodeFiles", () => {
  test("what is no regular file is refused, and nothing waits", async () => {
    mkdirSync(join(folder, "folder.qcow2"));
    for (const mode of ["read", "write", "create"] as const) {
      expect(await files.open("folder.qcow2", mode)).toMatchObject({ ok: false, error: { code: mode === "read" ? "not-a-file" : "io" } });
      expect(await files.open("/dev/full", mode)).toMatchObject({ ok: false, error: { code: "not-a-file" } });
    }
    expect((await files.remove("folder.qcow2")).ok).toBe(false);
  });

  test("paths may be absolute or in folders; a missing folder is not-found", async () => {
    const absolute = join(folder, "sub", "x");
    expect(await files.open("sub/x", "create")).toMatchObject({ ok: false, error: { code: "not-found" } });
    mkdirSync(join(folder, "sub"));
    const made = await files.open("sub/x", "create");
    expect(made.ok && made.value.name).toBe("sub/x");
    if (made.ok) made.value.close();
    const opened = await files.open(absolute, "write");
    expect(opened.ok).toBe(true);
    if (opened.ok) opened.value.close();
    expect(existsSync(absolute)).toBe(true);
  });

  test("list has the folder's *.qcow2 alone", async () => {
    writeFileSync(join(folder, "a.qcow2"), "1234");
    writeFileSync(join(folder, "b.raw"), "1234");
    expect((await files.list()).map(({ name, sizeBytes }) => ({ name, sizeBytes }))).toEqual([{ name: "a.qcow2", sizeBytes: 4 }]);
  });

  test("a name that no system takes is bad-name", async () => {
    expect(await files.open("x".repeat(5000), "create")).toMatchObject({ ok: false, error: { code: "bad-name" } });
    expect(await files.open("a\u0000b", "read")).toMatchObject({ ok: false, error: { code: "bad-name" } });
  });
});
