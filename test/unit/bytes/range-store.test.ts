/** A file at a URL: what is refused before anything is read, and that what changed is never mixed with what was. */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { CachedStore } from "../../../src/bytes/cached-store.ts";
import { probeRemote } from "../../../src/bytes/range-probe.ts";
import type { RemoteFile } from "../../../src/bytes/range-probe.ts";
import { REMOTE_LIMITS, RangeStore, timeLimitMs } from "../../../src/bytes/range-store.ts";
import type { RangeReply, RequestRange } from "../../../src/bytes/range-store.ts";
import { explain } from "../../../src/command/explain.ts";

const BYTES = Uint8Array.from({ length: 200_000 }, (_, index) => (index * 31 + (index >> 9)) % 256);
/** More than anybody has in memory: a server that sends all of it must be stopped. */
const ENDLESS = 2 ** 40;

type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;
const rangeOf = (request: IncomingMessage): [number, number] => /bytes=(\d+)-(\d+)/.exec(request.headers.range ?? "")!.slice(1).map(Number) as [number, number];

const sent = { endless: 0 };
const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  "/whole%20name.qcow2": (request, response) => {
    const [from, to] = rangeOf(request);
    response.writeHead(206, { "content-range": `bytes ${from}-${to}/${BYTES.length}`, etag: '"one"', "last-modified": "then" });
    response.end(BYTES.subarray(from, to + 1));
  },
  "/hidden": (request, response) => {
    if (request.method === "HEAD") return void response.writeHead(200, { "content-length": BYTES.length }).end();
    const [from, to] = rangeOf(request);
    response.writeHead(206).end(BYTES.subarray(from, to + 1));
  },
  "/no-length": (request, response) => {
    if (request.method === "HEAD") return void response.writeHead(405).end();
    response.writeHead(206).end(BYTES.subarray(0, 512));
  },
  "/endless": (_, response) => {
    response.writeHead(200, { "content-length": ENDLESS });
    const piece = Buffer.alloc(2 ** 16);
    const more = (): void => {
      while (!response.destroyed) {
        sent.endless += piece.length;
        if (!response.write(piece)) return;
      }
    };
    response.on("drain", more);
    more();
  },
  "/missing": (_, response) => void response.writeHead(404).end(),
};

const server = createServer((request, response) => BEHAVIOURS[request.url!]!(request, response));
let origin = "";
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

test("a server with ranges: length and versions are told, with or without Content-Range", async () => {
  const probed = await probeRemote(`${origin}/whole%20name.qcow2`, fetch);
  expect(probed).toEqual({ ok: true, value: { url: `${origin}/whole%20name.qcow2`, host: origin.slice(7), name: "whole name.qcow2", sizeBytes: BYTES.length, etag: '"one"', lastModified: "then" } });
  expect(await probeRemote(`${origin}/hidden`, fetch)).toMatchObject({ ok: true, value: { sizeBytes: BYTES.length, etag: null } });
});

test("what cannot be read piece by piece is refused by name, and no more is taken than a piece", async () => {
  const codes: string[] = [];
  for (const url of [`${origin}/no-length`, `${origin}/missing`, `${origin}/endless`, "ftp://host/file", "http://name:word@host/file", "nothing", "http://127.0.0.1:9/file"]) {
    const probed = await probeRemote(url, fetch);
    if (probed.ok) throw new Error(`${url} was taken`);
    codes.push(probed.error.code);
    expect(explain(probed.error).why).not.toBe("");
  }
  expect(codes).toEqual(["no-length", "status", "no-ranges", "bad-url", "bad-url", "bad-url", "unreachable"]);
  expect(sent.endless).toBeLessThan(64 * 2 ** 20);
});

test("a server that answers and does not allow the page is told from one that is not there", async () => {
  const opaque = async (_: string, init: RequestInit): Promise<Response> => {
    if (init.mode === "no-cors") return new Response(null);
    throw new TypeError("Failed to fetch");
  };
  expect(await probeRemote("https://host/file", opaque)).toMatchObject({ ok: false, error: { code: "cors", host: "host" } });
});

const FILE: RemoteFile = { url: "https://host/file", host: "host", name: "file", sizeBytes: BYTES.length, etag: '"one"', lastModified: null };
const reply = (from: number, to: number, changes: Partial<RangeReply> & { headers?: Record<string, string> } = {}): RangeReply => {
  const headers: Record<string, string> = { "content-range": `bytes ${from}-${to}/${BYTES.length}`, etag: '"one"', ...changes.headers };
  return { status: 206, header: (name) => headers[name] ?? null, body: BYTES.subarray(from, to + 1), ...changes };
};

function storeOver(request: RequestRange): { store: RangeStore; requests: [number, number][] } {
  const requests: [number, number][] = [];
  const counted: RequestRange = (url, from, to) => {
    requests.push([from, to]);
    return request(url, from, to);
  };
  return { store: new RangeStore("dropped:file", FILE, counted), requests };
}

test("bytes are those of the file, up to its end; under a cache few requests are made", () => {
  const { store, requests } = storeOver((_, from, to) => reply(from, to));
  const cached = new CachedStore(store, REMOTE_LIMITS);
  for (let offset = 0; offset < 150_000; offset += 1000) {
    const into = new Uint8Array(100);
    expect(cached.read(offset, into)).toBe(100);
    expect(into).toEqual(BYTES.subarray(offset, offset + 100));
  }
  expect(requests.length).toBe(3);
  const end = new Uint8Array(100);
  expect(cached.read(BYTES.length - 10, end)).toBe(10);
  expect(cached.read(BYTES.length + 5, end)).toBe(0);
  expect(() => store.write(0, end)).toThrow(Fault);
});

test.each<[string, string, RequestRange]>([
  ["another etag", "changed", (_, from, to) => reply(from, to, { headers: { etag: '"two"' } })],
  ["another length", "changed", (_, from, to) => reply(from, to, { headers: { "content-range": `bytes ${from}-${to}/7` } })],
  ["no such bytes", "changed", (_, from, to) => reply(from, to, { status: 416 })],
  ["the whole file", "io", (_, from, to) => reply(from, to, { status: 200, body: BYTES })],
  ["other bytes than were asked for", "io", (_, from, to) => reply(from + 1, to + 1)],
  ["fewer bytes", "io", (_, from, to) => reply(from, to, { body: BYTES.subarray(from, to) })],
  ["nothing", "io", () => { throw new Error("NetworkError"); }],
  ["an error of its own", "io", (_, from, to) => reply(from, to, { status: 503 })],
])("an answer of %s is a fault %s", (_, code, request) => {
  const { store } = storeOver(request);
  const thrown = ((): unknown => {
    try {
      return store.read(1000, new Uint8Array(100));
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toBeInstanceOf(Fault);
  expect((thrown as Fault).problem).toMatchObject({ kind: "store", code, operation: "read", offset: 1000, lengthBytes: 100 });
});

test("a request that fails once is made again", () => {
  let times = 0;
  const { store } = storeOver((_, from, to) => {
    if (times++ === 0) throw new Error("reset");
    return reply(from, to);
  });
  const into = new Uint8Array(10);
  expect(store.read(0, into)).toBe(10);
  expect(into).toEqual(BYTES.subarray(0, 10));
});

test("an answer whose time is over is told with its time and what it may mean, and is not asked for again", () => {
  const { store, requests } = storeOver(() => {
    throw new DOMException("The operation timed out.", "TimeoutError");
  });
  const thrown = ((): unknown => {
    try {
      return store.read(1000, new Uint8Array(100));
    } catch (error) {
      return error;
    }
  })();
  expect(requests).toHaveLength(1);
  expect(thrown).toBeInstanceOf(Fault);
  expect(explain((thrown as Fault).problem).why).toContain("host did not send 100 bytes within 6 seconds: the connection is too slow, or the file has changed");
});

test("no answer is waited for longer than a quarter of a minute, and no request is longer than its time", () => {
  const sizes: number[] = [];
  const store = new RangeStore("dropped:large", { ...FILE, sizeBytes: 2 ** 30 }, (_, from, to) => {
    sizes.push(to - from + 1);
    return { status: 206, header: (name) => (name === "etag" ? '"one"' : null), body: new Uint8Array(to - from + 1) };
  });
  store.read(0, new Uint8Array(9 * 2 ** 20));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(9 * 2 ** 20);
  expect(Math.max(...sizes.map(timeLimitMs))).toBeLessThanOrEqual(15_000);
});
