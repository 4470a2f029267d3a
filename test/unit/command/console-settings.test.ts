import { expect, it } from "vitest";
import { newConsoleSettings } from "../../../src/command/console-settings.ts";
import { completions, runConsoleLine } from "../../../src/command/console.ts";
import type { ConsoleHost } from "../../../src/command/console.ts";
import { fakeEngine } from "./fake-engine.ts";

function console_(settings = newConsoleSettings()) {
  let text = "";
  const engine = fakeEngine({ manage: () => ({ ok: false, error: { kind: "zone", code: "too-many-open", operation: "open", zone: 0, open: 2, maxOpen: 2 } }) });
  const host: ConsoleHost = {
    perform: engine.perform,
    write: (piece, stream) => (text += stream === "out" ? piece : `${stream}: ${piece}`),
    now: () => 0,
    attached: () => ({ handle: 1, file: "a.qcow2" }),
    detach: async () => undefined,
    attach: async () => undefined,
    settings,
  };
  return async (line: string): Promise<{ text: string; status: number }> => {
    text = "";
    const { status } = await runConsoleLine(line, host);
    return { text, status };
  };
}

it("set explain off leaves QEMU's line alone, and on brings the explanation back", async () => {
  const type = console_();
  expect((await type("zo 0 16M")).text).toContain("explain: Too many open zones.");
  expect(await type("set explain off")).toEqual({ text: "", status: 0 });
  expect(await type("zo 0 16M")).toEqual({ text: "zone open failed: Invalid argument\n", status: 1 });
  expect(await type("qemu-io -c 'zo 0 16M' b.qcow2")).toEqual({ text: "zone open failed: Invalid argument\n", status: 1 });
  expect(await type("set")).toEqual({ text: "explain off\n", status: 0 });
  expect(await type("zonescope set explain on")).toEqual({ text: "", status: 0 });
  expect((await type("zo 0 16M")).text).toContain("explain: Too many open zones.");
});

it("set tells how it is used", async () => {
  const type = console_();
  for (const line of ["set foo", "set explain", "set explain maybe", "set explain on off", "set foo on"]) {
    expect(await type(line)).toEqual({ text: "err: set [explain on|off] -- shows or changes how the console talks\n", status: 1 });
  }
  expect((await type("help set")).text).toMatch(/^set \[explain on\|off\] -- shows or changes how the console talks\n/);
  expect((await type("help")).text).toContain("set [explain on|off]");
  expect((await type("help blkzone")).text).toContain("-o, --offset <sector>");
  expect((await type("help dialect")).text).toContain("dialect IMAGE");
});

it("completes set, blkzone's commands and dialect", () => {
  expect(completions("se")).toEqual(["set"]);
  expect(completions("set ")).toEqual(["explain"]);
  expect(completions("set explain o")).toEqual(["off", "on"]);
  expect(completions("set explain on ")).toEqual([]);
  expect(completions("blkzone re")).toEqual(["report", "reset"]);
  expect(completions("dia")).toEqual(["dialect"]);
});
