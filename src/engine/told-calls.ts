/**
 * Calls that a guest made of a device, as those who watch the device are told of them: each with its outcome and the events that it made.
 * What was read goes to the guest alone. What was written goes along as the one byte that it consists of, or as it is, up to a budget: a
 * guest may write more than anybody could keep.
 */
import { ok } from "../base/result.ts";
import { uniform } from "../base/uniform.ts";
import { LEFT_OUT_BYTE, MOST_TOLD_BYTES } from "../protocol/index.ts";
import type { GuestCallName, Outcome, RequestOf, ToldCall } from "../protocol/index.ts";

export class ToldCalls {
  private calls: ToldCall[] = [];
  private toldBytes = 0;

  /**
   * Notes a call that was carried out. Bytes of the request that are told as they are may be handed over to whoever is told: nobody
   * else may need them any more.
   * @param from how many events wait that were there before the call, `to` those with its own
   */
  add<Name extends GuestCallName>(name: Name, request: RequestOf<Name>, outcome: Outcome<Name>, from: number, to: number): void {
    const { handle: _told, ...rest } = request;
    const { data } = rest as { readonly data?: Uint8Array | null };
    const written = data instanceof Uint8Array ? this.written(data) : { leftOut: false };
    const { leftOut, ...bytes } = written;
    this.calls.push({ name, request: { ...rest, ...bytes }, outcome: outcome.ok ? withoutContent(name, outcome) : outcome, leftOut, from, to } as ToldCall);
  }

  /** Hands out what was noted, and begins anew; empty where nothing was. */
  take(): readonly ToldCall[] {
    const { calls } = this;
    if (calls.length > 0) this.calls = [];
    return calls;
  }

  private written(data: Uint8Array): { readonly data: Uint8Array | null; readonly pattern: number; readonly leftOut: boolean } {
    const byte = uniform(data);
    if (byte !== null) return { data: null, pattern: byte, leftOut: false };
    if (this.toldBytes + data.length > MOST_TOLD_BYTES) return { data: null, pattern: LEFT_OUT_BYTE, leftOut: true };
    this.toldBytes += data.length;
    return { data, pattern: 0, leftOut: false };
  }
}

function withoutContent<Name extends GuestCallName>(name: Name, outcome: Outcome<Name> & { readonly ok: true }): Outcome<GuestCallName> {
  if (name === "read") return ok({ data: null, mismatchOffset: null });
  return name === "report" ? ok([]) : outcome;
}
