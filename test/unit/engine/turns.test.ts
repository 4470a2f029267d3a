/** Whose turn it is: the order of calls that wait for something and of those that do not, what they throw, and when nothing waits any more. */
import { describe, expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { err, ok } from "../../../src/base/result.ts";
import { storeFault } from "../../../src/bytes/byte-store.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { Turns } from "../../../src/engine/turns.ts";
import type { Answered } from "../../../src/engine/turns.ts";

const done = ok({ done: true } as const);
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Turns in which what happens is written down. */
function noted(): { turns: Turns; said: string[]; call: (name: string, act: () => Answered<"flush">, apart?: string) => Promise<unknown> } {
  const said: string[] = [];
  const turns = new Turns({ files: new MemoryFiles(), notify: () => undefined, now: () => 0 }, () => said.push("idle"));
  const call = (name: string, act: () => Answered<"flush">, apart: string | null = null): Promise<unknown> =>
    turns.enter<"flush">(0, undefined, apart, () => (said.push(name), act())).then((outcome) => (said.push(`${name} ${outcome.ok ? "answered" : outcome.error.kind}`), outcome));
  return { turns, said, call };
}

describe("turns", () => {
  test("are in the order in which calls came, whether they wait for something or not", async () => {
    const { said, call } = noted();
    const waits = async (): Promise<typeof done> => (await nextTurn(), said.push("waited"), done);
    await Promise.all([call("a", waits), call("b", () => done), call("c", waits)]);
    expect(said.filter((word) => word.length === 1 || word === "waited")).toEqual(["a", "waited", "b", "c", "waited"]);
  });

  test("begin none before the caller has gone on", async () => {
    const { said, call } = noted();
    const answer = call("a", () => done);
    expect(said).toEqual([]);
    await answer;
    expect(said).toEqual(["a", "idle", "a answered"]);
  });

  test("say that nothing waits after the last call only, and before it is answered", async () => {
    const { said, call } = noted();
    await Promise.all([call("a", () => done), call("b", async () => done)]);
    expect(said.filter((word) => word === "idle").length).toBe(1);
    expect(said.indexOf("idle")).toBeLessThan(said.indexOf("b answered"));
    expect(said.indexOf("idle")).toBeGreaterThan(said.indexOf("b"));
  });

  test.each([
    ["at once", (thrown: unknown) => (): Answered<"flush"> => { throw thrown; }],
    ["later", (thrown: unknown) => (): Answered<"flush"> => nextTurn().then(() => { throw thrown; })],
  ])("make a failure of what a call throws %s, and go on", async (_when, throwing) => {
    const { call } = noted();
    const bug = call("bug", throwing(new TypeError("no such thing")));
    const fault = call("fault", throwing(storeFault("disk", "io", "read", 0, 1, "unreadable")));
    const behind = call("behind", () => done);
    expect(await bug).toEqual(err({ kind: "bug", message: "TypeError: no such thing" }));
    expect(await fault).toMatchObject({ ok: false, error: { kind: "store", code: "io" } });
    expect(await behind).toEqual(done);
  });

  test("go on after something that is no call and fails", async () => {
    const { turns, call } = noted();
    const failing = turns.inTurn(() => { throw new Fault({ kind: "unsupported", feature: "this" }); });
    const behind = call("behind", () => done);
    await expect(failing).rejects.toThrow();
    expect(await behind).toEqual(done);
  });

  test("leave what runs apart out, and stop it by what it needs", async () => {
    const { turns, said, call } = noted();
    let finish = (): void => undefined;
    const long = call("long", () => new Promise((resolve) => (finish = () => resolve(done))), "handle 1");
    expect(turns.waiting).toBe(0);
    await call("short", () => done);
    expect(said).toEqual(["long", "short", "idle", "short answered"]);
    const stopped: boolean[] = [];
    const watched = turns.enter<"flush">(0, undefined, "handle 2", async (job) => (await nextTurn(), stopped.push(job.cancelled), done));
    turns.stopApart("handle 2");
    finish();
    await Promise.all([long, watched]);
    expect(stopped).toEqual([true]);
  });
});
