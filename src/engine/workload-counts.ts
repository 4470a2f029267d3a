/** What a workload has come to, counted: requests, bytes and latency by kind, refusals by code, what was read back. */
import type { KindReport, RequestKind, WorkloadReport, ZoneRefusal } from "../protocol/index.ts";

const KINDS: readonly RequestKind[] = ["write", "append", "read", "reset", "finish", "close", "flush"];
/** Sixteen buckets for each doubling of the microseconds. */
const BUCKETS_PER_DOUBLING = 16;
const BUCKETS = 512;

class KindCounts {
  requests = 0;
  bytes = 0;
  private least = Infinity;
  private most = 0;
  private sum = 0;
  private readonly buckets = new Uint32Array(BUCKETS);

  add(bytes: number, latencyMs: number): void {
    this.requests++;
    this.bytes += bytes;
    this.sum += latencyMs;
    this.least = Math.min(this.least, latencyMs);
    this.most = Math.max(this.most, latencyMs);
    const bucket = Math.floor(Math.log2(1 + Math.max(0, latencyMs) * 1000) * BUCKETS_PER_DOUBLING);
    this.buckets[Math.min(BUCKETS - 1, bucket)]!++;
  }

  report(kind: RequestKind): KindReport {
    const { requests, bytes } = this;
    return { kind, requests, bytes, latency: { least: requests === 0 ? 0 : this.least, mean: requests === 0 ? 0 : this.sum / requests, p50: this.percentile(0.5), p99: this.percentile(0.99), most: this.most } };
  }

  /** To within a sixteenth of a doubling, and never outside what was seen. */
  private percentile(share: number): number {
    let left = Math.ceil(this.requests * share);
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.buckets[bucket]!;
      if (left > 0 || this.requests === 0) continue;
      const middle = (2 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING) - 1) / 1000;
      return Math.min(this.most, Math.max(this.least, middle));
    }
    return 0;
  }
}

export class WorkloadCounts {
  /** Requests of the job itself, the refused ones among them, and the bytes of those that were carried out. */
  requests = 0;
  bytes = 0;
  private readonly kinds = new Map<RequestKind, KindCounts>();
  private readonly refusals = new Map<string, number>();
  private firstRefusal: ZoneRefusal | null = null;
  private verified = 0;
  private mismatches = 0;
  private firstMismatch: number | null = null;

  add(kind: RequestKind, bytes: number, latencyMs: number): void {
    let counts = this.kinds.get(kind);
    if (counts === undefined) this.kinds.set(kind, (counts = new KindCounts()));
    counts.add(bytes, latencyMs);
  }

  refused(refusal: ZoneRefusal): void {
    this.firstRefusal ??= refusal;
    this.refusals.set(refusal.code, (this.refusals.get(refusal.code) ?? 0) + 1);
  }

  compared(offset: number, matches: boolean): void {
    this.verified++;
    if (matches) return;
    this.mismatches++;
    this.firstMismatch ??= offset;
  }

  report(): Pick<WorkloadReport, "requests" | "bytes" | "kinds" | "refusals" | "firstRefusal" | "verified" | "mismatches" | "firstMismatch"> {
    const { requests, bytes, firstRefusal, verified, mismatches, firstMismatch } = this;
    const kinds = KINDS.flatMap((kind) => {
      const counts = this.kinds.get(kind);
      return counts === undefined ? [] : [counts.report(kind)];
    });
    const refusals = [...this.refusals].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count);
    return { requests, bytes, kinds, refusals, firstRefusal, verified, mismatches, firstMismatch };
  }
}
