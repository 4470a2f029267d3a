/**
 * Open images that a guest has as its disks: its requests come by a port of their own, and the page's calls that would write such an
 * image, or take it away, are refused meanwhile. Performs for the port what a block device needs, on the handles that were lent, and
 * nothing else. Knows neither virtio nor the emulator.
 */
import { GUEST_CALLS, lentRefusal } from "../protocol/index.ts";
import type { CallName, Failure, GuestCallMessage, GuestCallName, GuestReplyMessage, LendMessage, Outcome, RequestOf } from "../protocol/index.ts";

/** Performs a guest's call, as the engine's performForGuest does. */
export type PerformForGuest = <Name extends GuestCallName>(name: Name, request: RequestOf<Name>) => Promise<Outcome<Name>>;

export class Loans {
  private readonly perform: PerformForGuest;
  /** Called behind each of the guest's calls. */
  private readonly after: () => void;
  private lent: ReadonlySet<number> = new Set();
  private port: MessagePort | null = null;

  constructor(perform: PerformForGuest, after: () => void) {
    this.perform = perform;
    this.after = after;
  }

  /** Another guest takes the place of one that is there. */
  lend({ lend, port }: LendMessage): void {
    this.giveBack();
    const lent = new Set(lend);
    this.lent = lent;
    this.port = port;
    port.onmessage = (event: MessageEvent<GuestCallMessage>) => void this.answer(event.data, lent, port);
  }

  /** What the guest asked for until now is done; from now on it is not heard. */
  giveBack(): void {
    this.port?.close();
    this.port = null;
    this.lent = new Set();
  }

  /** Why the page may not make a call now; null where it may. */
  refusal(name: CallName, request: object): Failure | null {
    return lentRefusal(this.lent, name, request);
  }

  private async answer({ id, name, request }: GuestCallMessage, lent: ReadonlySet<number>, port: MessagePort): Promise<void> {
    const allowed = GUEST_CALLS.includes(name) && lent.has(request.handle);
    const outcome: Outcome<GuestCallName> = allowed ? await this.perform(name, request) : { ok: false, error: { kind: "usage", code: "closed-handle", detail: "a guest asked for what is not its disk" } };
    const reply: GuestReplyMessage = { id, outcome };
    port.postMessage(reply, ownBuffers(outcome));
    this.after();
  }
}

/** What was read is handed over rather than copied. */
function ownBuffers(outcome: Outcome<GuestCallName>): Transferable[] {
  if (!outcome.ok || !("data" in outcome.value)) return [];
  const { data } = outcome.value;
  return data !== null && data.buffer instanceof ArrayBuffer && data.byteLength === data.buffer.byteLength ? [data.buffer] : [];
}
