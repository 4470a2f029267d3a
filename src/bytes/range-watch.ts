/**
 * Whether files at URLs are still what they were when they were first probed: asked again, in a moment when waiting is allowed, of those
 * that are being read. A synchronous request goes through the browser's cache, which asks a server whether the pieces that it keeps still
 * hold; where they do not, the server sends the whole file in place of a piece, and nothing can stop a synchronous request but its time
 * limit. Probing drops those pieces (range-probe.ts), and tells of the change before a piece is asked for.
 */
import type { Result } from "../base/result.ts";
import type { RemoteFile, RemoteProblem } from "./range-probe.ts";

export type Probe = (url: string) => Promise<Result<RemoteFile, RemoteProblem>>;

/** An answer is believed for so long. */
const FRESH_MS = 2000;

interface Watched {
  readonly file: RemoteFile;
  askedAtMs: number;
  /** What changed, in words for a person who debugs; null for nothing. */
  changed: string | null;
}

export class RemoteWatch {
  private readonly probe: Probe;
  private readonly now: () => number;
  private readonly watched = new Map<string, Watched>();

  /** @param now milliseconds on any clock that runs */
  constructor(probe: Probe, now: () => number) {
    this.probe = probe;
    this.now = now;
  }

  /** Probes a file, which is watched from now on. */
  async begin(url: string): Promise<Result<RemoteFile, RemoteProblem>> {
    const probed = await this.probe(url);
    if (probed.ok) this.watched.set(probed.value.url, { file: probed.value, askedAtMs: this.now(), changed: null });
    return probed;
  }

  /** What changed of a file since it was probed first, as far as it is known; null for nothing. */
  changeOf(file: RemoteFile): string | null {
    const watched = this.watched.get(file.url);
    return watched === undefined || watched.file !== file ? null : watched.changed;
  }

  /** Asks again where the last answer is not fresh. A server that does not answer now has not changed anything. */
  async freshen(): Promise<void> {
    for (const one of this.watched.values()) {
      if (one.changed !== null || this.now() - one.askedAtMs < FRESH_MS) continue;
      const probed = await this.probe(one.file.url);
      one.askedAtMs = this.now();
      if (probed.ok) one.changed = difference(one.file, probed.value);
    }
  }
}

/** What tells one version of a file from another. */
export function difference(before: Pick<RemoteFile, "sizeBytes" | "etag" | "lastModified">, now: Pick<RemoteFile, "sizeBytes" | "etag" | "lastModified">): string | null {
  if (now.sizeBytes !== before.sizeBytes) return `the file was of ${before.sizeBytes} bytes and is of ${now.sizeBytes}`;
  for (const [name, then, since] of [["etag", before.etag, now.etag], ["last-modified", before.lastModified, now.lastModified]] as const) {
    if (then !== null && since !== null && since !== then) return `its ${name} was ${then} and is ${since}`;
  }
  return null;
}
