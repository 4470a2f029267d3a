/** Images that a guest has: what its port performs and what not, what the page may still ask, and what a power cut leaves. */
import { expect, test } from "vitest";
import type { CallName, GuestReplyMessage, RequestOf } from "../../../src/protocol/index.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { Loans } from "../../../src/worker/loans.ts";

async function opened(fixture: EngineFixture, file: string): Promise<number> {
  await fixture.ok("create", { file, options: createOptions({ sizeBytes: 8 * MIB, zoned: { zoneSize: MIB, zoneCapacity: MIB } }) });
  return (await fixture.ok("open", { file, format: "qcow2", readOnly: false })).handle;
}

/** A guest's end of a port: asks, and waits for the answer. */
function guest(port: MessagePort): <Name extends CallName>(name: Name, request: RequestOf<Name>) => Promise<GuestReplyMessage["outcome"]> {
  const waiting = new Map<number, (outcome: GuestReplyMessage["outcome"]) => void>();
  let nextId = 1;
  port.onmessage = (event: MessageEvent<GuestReplyMessage>) => waiting.get(event.data.id)?.(event.data.outcome);
  return (name, request) =>
    new Promise((resolve) => {
      waiting.set(nextId, resolve);
      port.postMessage({ id: nextId++, name, request });
    });
}

async function lent() {
  const fixture = engineFixture();
  const disk = await opened(fixture, "disk");
  const other = await opened(fixture, "other");
  let calls = 0;
  const loans = new Loans((name, request) => fixture.engine.performForGuest(name, request), () => calls++);
  const { port1, port2 } = new MessageChannel();
  loans.lend({ lend: [disk], port: port1 });
  return { fixture, disk, other, loans, ask: guest(port2), count: () => calls, end: () => port2.close() };
}

test("a guest reads, writes, appends, manages, reports and flushes its disk", async () => {
  const { fixture, disk, ask, count, end } = await lent();
  const data = new Uint8Array(8 * KIB).fill(7);
  expect(await ask("write", { handle: disk, offset: 0, length: data.length, pattern: 0, data })).toMatchObject({ ok: true });
  expect(await ask("append", { handle: disk, offset: MIB, lengths: [4 * KIB], pattern: 9, data: null })).toEqual({ ok: true, value: { offset: MIB } });
  const read = await ask("read", { handle: disk, offset: 0, length: 16 * KIB, pattern: null, wantData: true });
  expect(read.ok && "data" in read.value && read.value.data?.slice(0, 8 * KIB)).toEqual(data);
  expect(await ask("manage", { handle: disk, operation: "finish", offset: 2 * MIB, length: MIB })).toMatchObject({ ok: true });
  expect(await ask("report", { handle: disk, offset: 0, count: 3 })).toMatchObject({ ok: true, value: [{ writePointer: 8 * KIB }, { writePointer: MIB + 4 * KIB }, {}] });
  expect(await ask("flush", { handle: disk })).toMatchObject({ ok: true });
  expect(fixture.engine.hasUnflushed).toBe(false);
  expect(count()).toBe(6);
  end();
});

test("it reaches no other image, and nothing but these calls", async () => {
  const { fixture, disk, other, ask, end } = await lent();
  const refused = { ok: false, error: { kind: "usage", code: "closed-handle" } };
  expect(await ask("write", { handle: other, offset: 0, length: 512, pattern: 1, data: null })).toMatchObject(refused);
  expect(await ask("read", { handle: other, offset: 0, length: 512, pattern: null, wantData: true })).toMatchObject(refused);
  expect(await ask("close", { handle: disk })).toMatchObject(refused);
  expect(await ask("remove", { file: "other" })).toMatchObject(refused);
  expect((await fixture.ok("listFiles", {})).files).toHaveLength(2);
  expect((await fixture.ok("report", { handle: other, offset: 0, count: 1 }))[0]?.writePointer).toBe(0);
  end();
});

test("the page may look at the disk meanwhile, and write others", async () => {
  const { disk, other, loans, end } = await lent();
  const LOOKS: readonly (readonly [CallName, object])[] = [["read", { handle: disk }], ["report", { handle: disk }], ["check", { handle: disk }], ["flush", { handle: disk }], ["write", { handle: other }], ["listFiles", {}], ["convert", { sources: [disk], target: other }]];
  for (const [name, request] of LOOKS) expect(loans.refusal(name, request), name).toBeNull();
  const CHANGES: readonly (readonly [CallName, object])[] = [["write", { handle: disk }], ["append", { handle: disk }], ["manage", { handle: disk }], ["discard", { handle: disk }], ["close", { handle: disk }], ["powerCycle", { handle: disk }], ["powerCut", { handle: disk }], ["repair", { handle: disk }], ["startWorkload", { handle: disk }], ["convert", { sources: [other], target: disk }]];
  for (const [name, request] of CHANGES) expect(loans.refusal(name, request), name).toMatchObject({ kind: "usage", code: "lent" });
  loans.giveBack();
  for (const [name, request] of CHANGES) expect(loans.refusal(name, request), name).toBeNull();
  end();
});

test("a power cut keeps what was flushed, and nothing that was not", async () => {
  const { fixture, disk, loans, ask, end } = await lent();
  await ask("write", { handle: disk, offset: 0, length: 64 * KIB, pattern: 3, data: null });
  await ask("flush", { handle: disk });
  await ask("write", { handle: disk, offset: 64 * KIB, length: 64 * KIB, pattern: 4, data: null });
  await ask("write", { handle: disk, offset: MIB, length: 64 * KIB, pattern: 5, data: null });
  loans.giveBack();
  await fixture.ok("powerCut", { handle: disk });
  const [first, second] = await fixture.ok("report", { handle: disk, offset: 0, count: 2 });
  expect([first?.writePointer, second?.writePointer]).toEqual([64 * KIB, MIB]);
  expect(await fixture.ok("read", { handle: disk, offset: 0, length: 64 * KIB, pattern: 3, wantData: false })).toMatchObject({ mismatchOffset: null });
  expect(await fixture.ok("check", { handle: disk })).toMatchObject({ corruptions: 0, checkErrors: 0 });
  // It is a disk like any: what is written goes on where it stands.
  await fixture.ok("write", { handle: disk, offset: 64 * KIB, length: 4 * KIB, pattern: 6, data: null });
  end();
});
