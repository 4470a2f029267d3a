/** A remote file that changes is known to have changed before a piece of it is asked for, and servers are not asked more than need be. */
import { expect, test } from "vitest";
import { ok, err } from "../../../src/base/result.ts";
import { Fault } from "../../../src/base/fault.ts";
import type { RemoteFile } from "../../../src/bytes/range-probe.ts";
import { RangeStore } from "../../../src/bytes/range-store.ts";
import { RemoteWatch } from "../../../src/bytes/range-watch.ts";

const FIRST: RemoteFile = { url: "https://example.test/a", host: "example.test", name: "a", sizeBytes: 1024, etag: '"1"', lastModified: "then" };

function watched() {
  const server = { file: FIRST as RemoteFile | null, asked: 0, now: 0 };
  const watch = new RemoteWatch(
    async (url) => {
      server.asked++;
      return server.file === null ? err({ kind: "remote", code: "unreachable", url, host: "example.test", status: null }) : ok({ ...server.file });
    },
    () => server.now,
  );
  return { server, watch };
}

for (const [what, change] of [
  ["length", { sizeBytes: 2048 }],
  ["etag", { etag: '"2"' }],
  ["date", { lastModified: "now" }],
] as const) {
  test(`another ${what} is a fault of the next read, and nothing is requested`, async () => {
    const { server, watch } = watched();
    const begun = await watch.begin(FIRST.url);
    if (!begun.ok) throw new Error("refused");
    let requests = 0;
    const store = new RangeStore("a", begun.value, () => (requests++, { status: 206, header: () => null, body: new Uint8Array(16) }), () => watch.changeOf(begun.value));
    server.file = { ...FIRST, ...change };
    server.now = 1000;
    await watch.freshen();
    expect(store.read(0, new Uint8Array(16))).toBe(16);
    server.now = 2500;
    await watch.freshen();
    expect(() => store.read(0, new Uint8Array(16))).toThrow(Fault);
    expect([requests, server.asked]).toEqual([1, 2]);
    await watch.freshen();
    server.now = 9000;
    await watch.freshen();
    expect(server.asked).toBe(2);
  });
}

test("a server that does not answer for a while, or no longer tells its versions apart, has changed nothing", async () => {
  const { server, watch } = watched();
  const begun = await watch.begin(FIRST.url);
  if (!begun.ok) throw new Error("refused");
  server.file = null;
  server.now = 3000;
  await watch.freshen();
  expect(watch.changeOf(begun.value)).toBeNull();
  server.file = { ...FIRST, etag: null };
  server.now = 6000;
  await watch.freshen();
  expect(watch.changeOf(begun.value)).toBeNull();
});

test("a file that is opened anew is held against what it is then", async () => {
  const { server, watch } = watched();
  const first = await watch.begin(FIRST.url);
  server.file = { ...FIRST, etag: '"2"' };
  const second = await watch.begin(FIRST.url);
  if (!first.ok || !second.ok) throw new Error("refused");
  server.now = 5000;
  await watch.freshen();
  expect(watch.changeOf(second.value)).toBeNull();
});
