/**
 * The files that a machine is made of, fetched when a guest is wanted first and kept by the browser for the next time, without a
 * network too. A file is used, and kept, only when its checksum is the one that this program was built with.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { GuestFile, GuestProblem } from "../protocol/index.ts";

/** The browser's store of what is here; a file of another version goes when the new one is kept. */
const KEPT = "zonescope-guest";

export interface FetchedFile extends GuestFile {
  /** Beside the program. */
  readonly address: string;
}

/** @param told how much of the file is here, bytes; once at the start, once at the end, and in between as it comes */
export async function fetchGuestFile(file: FetchedFile, told: (loadedBytes: number) => void): Promise<Result<Uint8Array, GuestProblem>> {
  told(0);
  const kept = await openKept();
  // The checksum is part of the key, so that no file is taken for one of another version.
  const key = `${file.address}?sha256=${file.sha256}`;
  const found = await kept?.match(key);
  const response = found ?? (await fetch(file.address).catch(() => null));
  if (response === null || !response.ok) return err({ code: "fetch", file: file.name, status: response?.status ?? null });
  const bytes = await bodyOf(response, file.sizeBytes, told).catch(() => null);
  if (bytes === null) return err({ code: "fetch", file: file.name, status: null });
  if ((await sha256(bytes)) !== file.sha256) {
    await kept?.delete(key);
    return err({ code: "checksum", file: file.name });
  }
  if (found === undefined && kept !== null) await keep(kept, file.address, key, bytes);
  told(file.sizeBytes);
  return ok(bytes);
}

/** null where the browser keeps nothing: a private window, storage that is switched off. */
const openKept = (): Promise<Cache | null> => (typeof caches === "undefined" ? Promise.resolve(null) : caches.open(KEPT).catch(() => null));

async function bodyOf(response: Response, sizeBytes: number, told: (loadedBytes: number) => void): Promise<Uint8Array> {
  if (response.body === null) return new Uint8Array(await response.arrayBuffer());
  const reader = response.body.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    length += value.length;
    // A server that sends without end is not listened to for ever: the checksum is wrong already.
    if (length > sizeBytes) {
      await reader.cancel();
      break;
    }
    told(length);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", bytes as BufferSource);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Keeps a file and lets go of its other versions. No room is no failure: it is fetched again the next time. */
async function keep(kept: Cache, address: string, key: string, bytes: Uint8Array): Promise<void> {
  try {
    for (const old of await kept.keys(address, { ignoreSearch: true })) await kept.delete(old);
    await kept.put(key, new Response(bytes as BodyInit));
  } catch {
    return;
  }
}
