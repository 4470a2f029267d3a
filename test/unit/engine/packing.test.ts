/** What packs clusters is loaded before the first of them, whoever writes it and whatever codecs the disk has. */
import { expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { Engine } from "../../../src/engine/engine.ts";
import type { CallName, Outcome, ReplyOf, RequestOf } from "../../../src/protocol/index.ts";
import { KIB, createOptions } from "../../../src/testing/engine-fixture.ts";
import { jobOf } from "./workload-fixture.ts";

/** Calls of an engine whose encoder packs nothing before it was loaded. */
function engineThatLoads() {
  let isLoaded = false;
  const engine = new Engine({
    files: new MemoryFiles(),
    notify: () => undefined,
    now: () => 0,
    codecs: (portable) => ({
      ...portable,
      loadDeflate: () => portable.loadDeflate().then(() => void (isLoaded = true)),
      deflate(cluster) {
        if (!isLoaded) throw new Error("not loaded");
        return portable.deflate(cluster);
      },
    }),
  });
  const done = <Value>(outcome: Outcome<CallName>): Value => {
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
    return outcome.value as Value;
  };
  return {
    ok: async <Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<ReplyOf<Name>> => done(await engine.perform(name, request)),
    guest: async (name: "write", request: RequestOf<"write">): Promise<unknown> => done(await engine.performForGuest(name, request)),
  };
}

async function behindFilter() {
  const engine = engineThatLoads();
  await engine.ok("create", { file: "disk.qcow2", options: createOptions({ zoned: null }) });
  const { handle } = await engine.ok("open", { file: "disk.qcow2", readOnly: false, format: "qcow2", compresses: true });
  const extents = async () => (await engine.ok("map", { handle, offset: 0, length: 64 * KIB, maxExtents: 10 })).extents;
  return { ...engine, handle, extents };
}

test("a job's first write behind the filter is packed", async () => {
  const { ok, handle, extents } = await behindFilter();
  const { workload } = await ok("startWorkload", { handle, job: jobOf({ rw: "write", blockBytes: 64 * KIB, numberIos: 1 }) });
  const { report } = await ok("workloadTurn", { workload, requests: 1, turnMs: 100 });
  expect(report).toMatchObject({ requests: 1, refusals: [] });
  expect(await extents()).toMatchObject([{ compressed: true }]);
});

test("a guest's first write behind the filter is packed", async () => {
  const { guest, handle, extents } = await behindFilter();
  await guest("write", { handle, offset: 0, length: 64 * KIB, pattern: 1, data: null });
  expect(await extents()).toMatchObject([{ compressed: true }]);
});
