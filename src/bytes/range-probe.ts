/**
 * Whether a file at a URL can be read piece by piece: one request for its first bytes, of which no more is taken than a piece even from a
 * server that would send the whole file. What it is then said to be is what every later piece is held against.
 *
 * The browser's cache is not asked, and what it had of the file is dropped (cache mode "reload"): of pieces that it keeps it would ask
 * the server whether they still hold, and a server whose file changed answers that with all of the file.
 *
 * A page of another origin sees Content-Range and ETag only where the server exposes them; Content-Length and Last-Modified it always
 * sees. Sources: RFC 9110, "Range Requests"; Fetch standard, "CORS-safelisted response-header name".
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";

/** Why a file at a URL cannot be read. `host` is the server's name. */
export interface RemoteProblem {
  readonly kind: "remote";
  readonly code:
    /** No http(s) URL. */
    | "bad-url"
    /** Nothing answers. */
    | "unreachable"
    /** A server answers, and does not let this page read what it says. */
    | "cors"
    /** It answers with another status. */
    | "status"
    /** It sends the file only as a whole. */
    | "no-ranges"
    /** It does not say how long the file is. */
    | "no-length";
  readonly url: string;
  readonly host: string;
  readonly status: number | null;
}

/** A file that can be read in pieces. */
export interface RemoteFile {
  readonly url: string;
  readonly host: string;
  /** The last part of the URL's path, or the host's name. */
  readonly name: string;
  readonly sizeBytes: number;
  /** What the server tells versions by; null where it does not tell, or not this page. */
  readonly etag: string | null;
  readonly lastModified: string | null;
}

/** The platform's fetch, or a test's. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

const PROBE_BYTES = 512;

/** The total of "bytes 0-511/1048576"; null where it is not said. */
export function totalOf(contentRange: string | null): number | null {
  const digits = /^bytes \d+-\d+\/(\d+)$/.exec(contentRange ?? "")?.[1];
  return digits === undefined ? null : safeLength(Number(digits));
}

const safeLength = (length: number): number | null => (Number.isSafeInteger(length) && length >= 0 ? length : null);

export async function probeRemote(text: string, fetch: Fetch): Promise<Result<RemoteFile, RemoteProblem>> {
  const url = parseUrl(text);
  const refused = (code: RemoteProblem["code"], status: number | null = null): Result<never, RemoteProblem> => err({ kind: "remote", code, url: text, host: url?.host ?? "", status });
  if (url === null) return refused("bad-url");
  const stop = new AbortController();
  try {
    const reply = await attempt(() => fetch(url.href, { headers: { Range: `bytes=0-${PROBE_BYTES - 1}` }, credentials: "omit", cache: "reload", signal: stop.signal }));
    if (reply === null) return refused((await answersAtAll(url.href, fetch)) ? "cors" : "unreachable");
    const { status, headers } = reply;
    // An empty file has no first byte, and a server says so.
    if (status === 416) return refused("no-length", status);
    if (status === 200) return refused("no-ranges", status);
    if (status !== 206) return refused("status", status);
    const sizeBytes = totalOf(headers.get("content-range")) ?? (await lengthOf(url.href, fetch));
    if (sizeBytes === null) return refused("no-length", status);
    return ok({ url: url.href, host: url.host, name: nameOf(url), sizeBytes, etag: headers.get("etag"), lastModified: headers.get("last-modified") });
  } finally {
    // Whatever the server still sends is not wanted.
    stop.abort();
  }
}

function parseUrl(text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  // A name and password in a URL are for nobody's eyes, and no page is to send them.
  return (url.protocol === "https:" || url.protocol === "http:") && url.username === "" && url.password === "" ? url : null;
}

function nameOf({ pathname, host }: URL): string {
  const last = pathname.slice(pathname.lastIndexOf("/") + 1);
  try {
    // A name that decodes to a path, or to what is not to be seen, stays as it is written.
    const decoded = decodeURIComponent(last);
    return last === "" ? host : /[/\\\u0000-\u001f]/.test(decoded) ? last : decoded;
  } catch {
    return last;
  }
}

/** null where the platform throws: no connection, or an answer that it may not show. */
async function attempt(act: () => Promise<Response>): Promise<Response | null> {
  try {
    return await act();
  } catch {
    return null;
  }
}

/** A request whose answer nobody may look at tells whether somebody is there. */
const answersAtAll = async (url: string, fetch: Fetch): Promise<boolean> => (await attempt(() => fetch(url, { method: "HEAD", mode: "no-cors", credentials: "omit", cache: "no-store" }))) !== null;

async function lengthOf(url: string, fetch: Fetch): Promise<number | null> {
  const reply = await attempt(() => fetch(url, { method: "HEAD", credentials: "omit", cache: "no-store" }));
  // The length of what is encoded on the way is not the file's.
  const encoding = reply?.headers.get("content-encoding") ?? null;
  const length = reply?.ok === true && encoding === null ? reply.headers.get("content-length") : null;
  return length === null ? null : safeLength(Number(length));
}
