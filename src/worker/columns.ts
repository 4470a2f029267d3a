/**
 * The columns by zone in a message to the page, and what a guest wrote, which are handed over rather than copied: of a million zones they
 * are tens of megabytes. The engine makes them for the message, or has no more use for them, and keeps none.
 */
import type { DeviceSnapshot, Notice, ReplyMessage, ZoneColumns } from "../protocol/index.ts";

/** Below this a copy costs less. */
const HANDED_OVER_FROM_BYTES = 2 ** 16;

export function columnsOf(message: Notice | ReplyMessage): ArrayBuffer[] {
  if ("notice" in message) return message.notice === "device" ? [...buffersOf(message.changes), ...message.calls.flatMap(({ request }) => buffersOf(request))] : [];
  const zones = zonesOf(message.outcome);
  return zones === null ? [] : buffersOf(zones);
}

/** Of the replies only a whole device has columns. */
function zonesOf(outcome: ReplyMessage["outcome"]): ZoneColumns | null {
  if (!outcome.ok) return null;
  const { value } = outcome as { value: { zones?: DeviceSnapshot["zones"]; snapshot?: { zones?: DeviceSnapshot["zones"] } } };
  return value.zones ?? value.snapshot?.zones ?? null;
}

function buffersOf(columns: object): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  for (const column of Object.values(columns)) {
    if (ArrayBuffer.isView(column) && column.byteLength >= HANDED_OVER_FROM_BYTES && column.buffer instanceof ArrayBuffer) buffers.push(column.buffer);
  }
  return buffers;
}
