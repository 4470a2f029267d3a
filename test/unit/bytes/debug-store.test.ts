/** Rules by which a store's requests fail: which requests they mean, how long they hold, how states follow one another, how requests are cut. */
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { DebugRules } from "../../../src/bytes/debug-rules.ts";
import type { InjectRule, StateRule } from "../../../src/bytes/debug-rules.ts";
import type { DebugLimits } from "../../../src/bytes/debug-requests.ts";
import { DebugStore } from "../../../src/bytes/debug-store.ts";
import { MemoryStore } from "../../../src/bytes/memory-store.ts";

const RULE: InjectRule = { event: "write_aio", ioType: null, errno: 5, sector: null, once: false, state: 0 };

function storeOf(rules: readonly Partial<InjectRule>[], transitions: readonly StateRule[] = [], limits?: DebugLimits): DebugStore {
  return new DebugStore(new MemoryStore("a"), new DebugRules(rules.map((rule) => ({ ...RULE, ...rule })), transitions), limits);
}

/** The error's number, null where a call does. */
function errnoOf(call: () => unknown): number | null {
  try {
    call();
    return null;
  } catch (error) {
    if (!(error instanceof Fault) || error.problem.kind !== "store") throw error;
    return error.problem.errno ?? null;
  }
}

const write = (store: DebugStore, at = 0, length = 512): number | null => errnoOf(() => store.write(at, new Uint8Array(length).fill(1)));
const read = (store: DebugStore, at = 0, length = 512): number | null => errnoOf(() => store.read(at, new Uint8Array(length)));
const flush = (store: DebugStore): number | null => errnoOf(() => store.flush());

test("a rule sleeps until its event, then holds for every request", () => {
  const store = storeOf([{}]);
  expect([write(store), read(store), flush(store)]).toEqual([null, null, null]);
  store.event("read_aio");
  expect(write(store)).toBeNull();
  store.event("write_aio");
  expect([write(store), write(store), read(store), flush(store)]).toEqual([5, 5, 5, 5]);
});

test("one that holds once is gone with the request that it met", () => {
  const store = storeOf([{ once: true }]);
  store.event("write_aio");
  expect([write(store), write(store)]).toEqual([5, null]);
  store.event("write_aio");
  expect(write(store)).toBeNull();
});

test("the rules of a later event take the place of those before, and an event without rules of none", () => {
  const store = storeOf([{ errno: 5 }, { event: "read_aio", errno: 28 }]);
  store.event("write_aio");
  store.event("l2_load");
  expect(write(store)).toBe(5);
  store.event("read_aio");
  expect(write(store)).toBe(28);
});

test("an error of the number 0 is none", () => {
  const store = storeOf([{ event: "none", errno: 0 }]);
  expect([write(store), read(store), flush(store)]).toEqual([null, null, null]);
});

test("an event of none is told when the store is opened", () => {
  expect(read(storeOf([{ event: "none" }]))).toBe(5);
});

test("a kind of request and a sector narrow a rule", () => {
  const flushes = storeOf([{ event: "none", ioType: "flush" }]);
  expect([write(flushes), read(flushes), flush(flushes)]).toEqual([null, null, 5]);
  const sector = storeOf([{ event: "none", sector: 3 }]);
  expect([write(sector, 0, 1536), write(sector, 0, 1537), write(sector, 2048), write(sector, 1536, 1), flush(sector)]).toEqual([null, 5, null, 5, null]);
});

test("states follow one another, and a rule waits for its own", () => {
  const store = storeOf([{ state: 3 }], [{ event: "write_aio", state: 1, newState: 2 }, { event: "write_aio", state: 2, newState: 3 }]);
  const met = [0, 1, 2].map(() => {
    store.event("write_aio");
    return write(store);
  });
  expect(met).toEqual([null, null, 5]);
});

test("what fails changes nothing below", () => {
  const base = new MemoryStore("a");
  const store = new DebugStore(base, new DebugRules([{ ...RULE, event: "none" }]));
  expect(write(store)).toBe(5);
  expect(base.size()).toBe(0);
});

test("ENOSPC is told as a full disk, anything else as a failure of it", () => {
  for (const [errno, code] of [[28, "no-space"], [5, "io"], [13, "io"]] as const) {
    const store = storeOf([{ event: "none", errno }]);
    expect(() => store.flush()).toThrow(new RegExp(`"code":"${code}".*"errno":${errno}`));
  }
});

test("an alignment widens what a rule sees, and a write's ends are read", () => {
  const aligned = storeOf([{ event: "none", sector: 7 }], [], { align: 4096, maxTransfer: 0 });
  expect([read(aligned, 0), read(aligned, 4096)]).toEqual([5, null]);
  const head = storeOf([{ event: "pwritev_rmw_head", ioType: "read" }], [], { align: 4096, maxTransfer: 0 });
  expect([write(head, 0, 4096), write(head, 512, 3584)]).toEqual([null, 5]);
  const tail = storeOf([{ event: "pwritev_rmw_tail", ioType: "read" }], [], { align: 4096, maxTransfer: 0 });
  expect([write(tail, 4096, 4096), write(tail, 4096, 4608)]).toEqual([null, 5]);
});

test("a write that is cut keeps the pieces before the one that fails", () => {
  const base = new MemoryStore("a");
  const store = new DebugStore(base, new DebugRules([{ ...RULE, event: "none", sector: 4 }]), { align: 0, maxTransfer: 1024 });
  expect(write(store, 0, 4096)).toBe(5);
  expect(base.size()).toBe(2048);
});
