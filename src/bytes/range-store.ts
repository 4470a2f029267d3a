/**
 * A file at a URL, read piece by piece with synchronous requests, as a worker may make them. Read-only. What was probed (range-probe.ts)
 * is held against every answer: a file that changed meanwhile is a Fault "changed" and never a mixture of two. Put a CachedStore over
 * it: each read here is a request.
 */
import type { StoreProblem } from "../base/fault.ts";
import { storeFault } from "./byte-store.ts";
import type { CacheLimits } from "./cached-store.ts";
import { errorDetail, errorName } from "./guard.ts";
import { totalOf } from "./range-probe.ts";
import type { RemoteFile } from "./range-probe.ts";
import { difference } from "./range-watch.ts";
import { ReadOnlyStore } from "./read-only-store.ts";

/** For a CachedStore over this: a request costs more than the bytes that it brings. */
export const REMOTE_LIMITS: CacheLimits = { blockBytes: 64 * 1024, budgetBytes: 32 * 2 ** 20, longestBytes: 4 * 2 ** 20 };

export interface RangeReply {
  readonly status: number;
  readonly header: (name: string) => string | null;
  readonly body: Uint8Array;
}

/** Asks for bytes [from, to] of a URL, and waits; throws what the platform throws where there is no answer. */
export type RequestRange = (url: string, from: number, to: number) => RangeReply;

const LONGEST_REQUEST = 2 * 2 ** 20;
/** A request that fails, or that a server refuses for now, is made once more; one whose time is over is not. */
const TRIES = 2;
const GIVE_UP_MS = 6000;
/** Bytes a second below which a connection is too slow for this. */
const SLOWEST = 256 * 1024;

/**
 * How long an answer of so many bytes is waited for, in milliseconds: 6 seconds for an ordinary piece, 14 for the longest. Nothing else
 * ends a synchronous request, and a server whose file changed sends all of it in place of a piece.
 */
export const timeLimitMs = (lengthBytes: number): number => GIVE_UP_MS + Math.ceil((lengthBytes / SLOWEST) * 1000);

export class RangeStore extends ReadOnlyStore {
  private readonly file: RemoteFile;
  private readonly request: RequestRange;
  private readonly changed: () => string | null;

  /** @param changed what is known by other means to have changed of the file; null for nothing */
  constructor(name: string, file: RemoteFile, request: RequestRange, changed: () => string | null = () => null) {
    super(name);
    this.file = file;
    this.request = request;
    this.changed = changed;
  }

  protected length(): number {
    return this.file.sizeBytes;
  }

  protected readWithin(offset: number, into: Uint8Array): number {
    const count = into.length;
    for (let done = 0; done < count; done += LONGEST_REQUEST) into.set(this.fetch(offset + done, Math.min(LONGEST_REQUEST, count - done)), done);
    return count;
  }

  private fetch(offset: number, lengthBytes: number): Uint8Array {
    const fault = (code: StoreProblem["code"], detail: string): Error => storeFault(this.name, code, "read", offset, lengthBytes, detail);
    const known = this.changed();
    if (known !== null) throw fault("changed", known);
    const { status, header, body } = this.ask(offset, lengthBytes);
    // Not satisfiable: the file has become shorter. 200: it cannot be told which bytes of which file these are.
    if (status === 416) throw fault("changed", `${this.file.host} has no such bytes any more`);
    if (status !== 206) throw fault("io", `${this.file.host} answered with status ${status}`);
    const range = header("content-range");
    const changed = difference(this.file, { sizeBytes: totalOf(range) ?? this.file.sizeBytes, etag: header("etag"), lastModified: header("last-modified") });
    if (changed !== null) throw fault("changed", changed);
    if (range !== null && !range.startsWith(`bytes ${offset}-${offset + lengthBytes - 1}/`)) throw fault("io", `${this.file.host} sent ${range}`);
    if (body.length !== lengthBytes) throw fault("io", `${this.file.host} sent ${body.length} bytes`);
    return body;
  }

  private ask(offset: number, lengthBytes: number): RangeReply {
    for (let tries = 1; ; tries++) {
      try {
        const reply = this.request(this.file.url, offset, offset + lengthBytes - 1);
        if (reply.status < 500 || tries === TRIES) return reply;
      } catch (thrown) {
        if (errorName(thrown) === "TimeoutError") throw storeFault(this.name, "io", "read", offset, lengthBytes, this.tooSlow(lengthBytes));
        if (tries === TRIES) throw storeFault(this.name, "io", "read", offset, lengthBytes, errorDetail(thrown));
      }
    }
  }

  private tooSlow(lengthBytes: number): string {
    const seconds = Math.round(timeLimitMs(lengthBytes) / 1000);
    return `${this.file.host} did not send ${lengthBytes} bytes within ${seconds} seconds: the connection is too slow, or the file has changed and is sent whole. Try again; a file that changed has to be opened anew`;
  }
}

/** The request of a worker of a browser; it throws a TimeoutError when its time is over. */
export const requestInWorker: RequestRange = (url, from, to) => {
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  request.responseType = "arraybuffer";
  request.timeout = timeLimitMs(to - from + 1);
  request.setRequestHeader("Range", `bytes=${from}-${to}`);
  request.send();
  return { status: request.status, header: (name) => exposed(request, name), body: new Uint8Array(request.response as ArrayBuffer) };
};

/** null for a header that the server does not let this page see; asked for by name, each would be an error on the console. */
function exposed(request: XMLHttpRequest, wanted: string): string | null {
  const all = request.getAllResponseHeaders().split("\r\n");
  const line = all.find((header) => header.toLowerCase().startsWith(`${wanted}:`));
  return line === undefined ? null : line.slice(wanted.length + 1).trim();
}
