/** The zone panel's buttons: each is a console line, and what came of it in words about the zone. */
import { assertNever } from "../base/assert.ts";
import { conditionName } from "../base/conditions.ts";
import { runLineNow } from "./console.ts";
import type { LineOutcome } from "./console.ts";
import type { ZoneStep } from "../protocol/index.ts";
import type { Core } from "./core.ts";
import { NO_HANDLE } from "./device.ts";
import { textOf } from "./failure-text.ts";
import type { ZoneOperationName } from "./store.ts";
import { commandSize, formatHex } from "./units.ts";
import type { FormatBytes } from "./units.ts";
import type { ZoneModel } from "./zone-model.ts";

export interface ZoneRequest {
  readonly operation: ZoneOperationName;
  readonly zone: number;
  /** For write and read: a guest byte offset; null takes the write pointer, or the zone's start for a read. */
  readonly offset: number | null;
  readonly lengthBytes: number;
  /** The byte that write and append fill with. */
  readonly pattern: number;
}

/** The console line that does what a button does. */
function lineOf(model: ZoneModel, request: ZoneRequest): string {
  const start = model.start(request.zone);
  const range = `${commandSize(start)} ${commandSize(model.length(request.zone))}`;
  const length = commandSize(request.lengthBytes);
  const pattern = formatHex(request.pattern);
  switch (request.operation) {
    case "open":
      return `zo ${range}`;
    case "close":
      return `zc ${range}`;
    case "finish":
      return `zf ${range}`;
    case "reset":
      return `zrs ${range}`;
    case "append":
      return `zap -p ${commandSize(start)} ${length}`;
    case "write":
      return `write -P ${pattern} ${commandSize(request.offset ?? defaultOffset(model, request.zone, "write"))} ${length}`;
    case "read":
      return `read ${commandSize(request.offset ?? defaultOffset(model, request.zone, "read"))} ${length}`;
    default:
      return assertNever(request.operation);
  }
}

/**
 * Where write and read go when no offset is given. A finished zone's pointer stands on the next zone's first byte, and one that was
 * written full may: a write of such a zone is asked for at its start, where the zone itself refuses it, and never lands in another.
 */
export function defaultOffset(model: ZoneModel, zone: number, operation: "write" | "read"): number {
  const start = model.start(zone);
  if (operation === "read" || model.isConventional(zone)) return start;
  const pointer = model.writePointer[zone]!;
  return pointer < start + model.capacity(zone) ? pointer : start;
}

/** Whether a guest byte offset is one of this zone. */
export function isInZone(model: ZoneModel, zone: number, offset: number): boolean {
  const start = model.start(zone);
  return start <= offset && offset < start + model.length(zone);
}

/** How many bytes of a read the panel shows. */
const PREVIEW_BYTES = 64;

export interface ZoneActions {
  /** What each command would do to a zone now; null where nobody can tell. */
  steps(zone: number): Promise<readonly ZoneStep[] | null>;
  perform(request: ZoneRequest): Promise<void>;
}

export function createZoneActions(core: Core): ZoneActions {
  return {
    steps: async (zone) => {
      const { attached } = core.store.getState();
      if (attached === null || attached.handle === NO_HANDLE) return null;
      const outcome = await core.port.start("zoneSteps", { handle: attached.handle, zone }).outcome;
      return outcome.ok ? outcome.value : null;
    },
    perform: (request) =>
      core.serial("Working", async () => {
        core.set({ moment: null, past: null });
        const model = core.store.getState().attached?.zones ?? null;
        if (model === null || request.zone >= model.count) return;
        const line = lineOf(model, request);
        const before = { condition: model.conditionOf(request.zone), writePointer: model.writePointer[request.zone]! };
        const outcome = await runLineNow(core, line, request.operation === "append" ? request.pattern : null);
        // The engine's notice of this change is in the columns after the frame.
        await core.frame.next();
        const preview = outcome.read === null ? null : { offset: outcome.read.offset, bytes: outcome.read.data.slice(0, PREVIEW_BYTES) };
        const ok = outcome.failure === null && outcome.err === "";
        core.set({
          zoneResult: {
            zone: request.zone,
            operation: request.operation,
            line,
            ok,
            headline: ok ? headlineOf(model, request, before, outcome) : () => printedLine(outcome),
            refusal: outcome.failure === null ? null : textOf(outcome.failure),
            preview,
          },
        });
      }),
  };
}

/** What a shell would have shown for a line that failed; qemu-io says it on standard output. */
const printedLine = (outcome: LineOutcome): string => (outcome.err + outcome.out).trim().split("\n")[0] ?? "";

function headlineOf(
  model: ZoneModel,
  request: ZoneRequest,
  before: { condition: ReturnType<ZoneModel["conditionOf"]>; writePointer: number },
  outcome: LineOutcome,
): (size: FormatBytes) => string {
  const { zone, operation, lengthBytes } = request;
  const after = model.conditionOf(zone);
  const change =
    before.condition === after ? `still ${conditionName(after)}` : `${conditionName(before.condition)} → ${conditionName(after)}`;
  switch (operation) {
    case "read": {
      const { read } = outcome;
      return (size) => (read === null ? `Read ${size(lengthBytes)}` : `Read ${size(lengthBytes)}: ${bytesInWords(read.data)}`);
    }
    case "append":
      return (size) => `Appended ${size(lengthBytes)} at ${size(outcome.appendedAt ?? before.writePointer)}: ${change}`;
    case "write":
      return (size) => `Wrote ${size(lengthBytes)}: ${change}`;
    default: {
      const nothing = before.condition === after && before.writePointer === model.writePointer[zone];
      return () => (nothing ? `Nothing to do: ${change}` : change);
    }
  }
}

function bytesInWords(data: Uint8Array): string {
  const first = data[0];
  if (first === undefined) return "no bytes";
  return data.every((byte) => byte === first) ? `all bytes ${formatHex(first)}` : `the first byte is ${formatHex(first)}`;
}
