/**
 * The packed forms, version 1: base64url (RFC 4648, no padding) of a raw deflate stream (RFC 1951) of JSON text, behind "1.". A
 * script's is {"run": LINES}, the lines separated by newlines; a lesson's is what its file holds, read by who knows lessons. A later
 * version gets another number; what version 1 is stays as it is.
 */
import { Inflate, deflateRaw } from "pako";
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { LinkProblem } from "./link-problem.ts";
import { MOST_BYTES, checkScript } from "./script.ts";

const PACKED_VERSION = 1;

/** JSON writes each byte of a script as two characters at most, for a script has no control characters but tab and newline. */
const MOST_JSON_BYTES = 2 * MOST_BYTES + 64;

export const packScript = (script: string): string => pack(JSON.stringify({ run: script }));

/** @param text what stands behind "z=" */
export function unpackScript(text: string): Result<readonly string[], LinkProblem> {
  const json = unpack(text, "z", MOST_JSON_BYTES, MOST_BYTES);
  if (!json.ok) return json;
  const script = scriptOf(json.value);
  return script === null ? err({ kind: "link", code: "broken", part: "z" }) : checkScript(script, "z");
}

/** @param json a lesson's file; the spaces between its words are left out */
export const packLesson = (json: string): string => pack(JSON.stringify(JSON.parse(json)));

/** @param text what stands behind "lesson=" @returns text no longer than a script may be, which may be anything */
export const unpackLesson = (text: string): Result<string, LinkProblem> => unpack(text, "lesson", MOST_BYTES, MOST_BYTES);

const pack = (json: string): string => `${PACKED_VERSION}.${toBase64Url(deflateRaw(new TextEncoder().encode(json), { level: 9 }))}`;

/** @param mostBytes unpacked @param told the bound that is named when there is more, in bytes of what a person knows */
function unpack(text: string, part: string, mostBytes: number, told: number): Result<string, LinkProblem> {
  const problem = (code: LinkProblem["code"], more: Partial<LinkProblem> = {}): Result<never, LinkProblem> => err({ kind: "link", code, part, ...more });
  const [version, packed, ...rest] = text.split(".");
  if (version !== String(PACKED_VERSION)) return problem("version", { value: (version ?? "").slice(0, 20), most: PACKED_VERSION });
  if (packed === undefined || rest.length > 0) return problem("broken");
  // The longest that it can be packed: deflate stores what it cannot make smaller.
  const most = Math.ceil((mostBytes + 1024) / 3) * 4;
  if (packed.length > most) return problem("too-long", { found: packed.length, most });
  const bytes = fromBase64Url(packed);
  const json = bytes === null ? null : inflate(bytes, mostBytes);
  if (json === TOO_LONG) return problem("too-long", { most: told });
  return typeof json === "string" ? ok(json) : problem("broken");
}

function scriptOf(json: string): string | null {
  try {
    const value: unknown = JSON.parse(json);
    if (typeof value !== "object" || value === null || Object.keys(value).join() !== "run") return null;
    const { run } = value as { run: unknown };
    return typeof run === "string" ? run : null;
  } catch {
    return null;
  }
}

const TOO_LONG = new Error("more than there can be");

/** Stops before a small stream that unpacks to gigabytes has done so. */
class Bounded extends Inflate {
  readonly pieces: Uint8Array[] = [];
  mostBytes = 0;
  private lengthBytes = 0;

  override onData(piece: Uint8Array): void {
    this.lengthBytes += piece.length;
    if (this.lengthBytes > this.mostBytes) throw TOO_LONG;
    this.pieces.push(piece);
  }

  override onEnd(): void {
    // The pieces are all that is wanted.
  }
}

/** null for what is no deflate stream from its first byte to its last. */
function inflate(packed: Uint8Array, mostBytes: number): string | Error | null {
  const inflating = new Bounded({ raw: true, chunkSize: 16 * 1024 });
  inflating.mostBytes = mostBytes;
  try {
    if (!inflating.push(packed, true) || inflating.err !== 0 || !inflating.ended) return null;
    const joined = new Uint8Array(inflating.pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of inflating.pieces) {
      joined.set(piece, at);
      at += piece.length;
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(joined);
  } catch (thrown) {
    return thrown === TOO_LONG ? TOO_LONG : null;
  }
}

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

function toBase64Url(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const left = Math.min(3, bytes.length - at);
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let index = 0; index <= left; index++) text += ALPHABET[(group >> (18 - 6 * index)) & 63];
  }
  return text;
}

/** null for what no bytes are written as. */
function fromBase64Url(text: string): Uint8Array | null {
  if (text.length % 4 === 1) return null;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let group = 0;
  let at = 0;
  for (const character of text) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) return null;
    group = ((group << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes[at++] = (group >> bits) & 0xff;
  }
  // What is left over is nothing but padding.
  return (group & ((1 << bits) - 1)) === 0 ? bytes : null;
}
