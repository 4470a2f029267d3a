/** What was done to an image, as text that other tools run: lines of qemu-io, a shell script of blkzone, events as JSON Lines. */
import { SECTOR_SIZE } from "../base/units.ts";
import { eventText } from "./event-text.ts";
import type { LogEvent } from "./history.ts";
import type { TapedCall, TapeEntry } from "./tape.ts";
import { commandSize, formatBytes, formatHex } from "./units.ts";

const MANAGEMENT = { open: "zo", close: "zc", finish: "zf", reset: "zrs" } as const;

/** The call as a line of qemu-io; null for what qemu-io has no line for. */
export function ioLine(call: TapedCall): string | null {
  switch (call.name) {
    case "write": {
      const { offset, length, pattern, data } = call.request;
      // Bytes of a file are not in the line: whoever reads it is told.
      const note = data === null ? "" : "  # the bytes came from a file";
      return `write -P ${formatHex(pattern)} ${commandSize(offset)} ${commandSize(length)}${note}`;
    }
    case "writeZeroes":
      return `write -z${call.request.unmap ? " -u" : ""} ${commandSize(call.request.offset)} ${commandSize(call.request.length)}`;
    case "discard":
      return `discard ${commandSize(call.request.offset)} ${commandSize(call.request.length)}`;
    case "manage":
      return `${MANAGEMENT[call.request.operation]} ${commandSize(call.request.offset)} ${commandSize(call.request.length)}`;
    case "append":
      return `zap ${commandSize(call.request.offset)} ${call.request.lengths.map(commandSize).join(" ")}`;
    default:
      return null;
  }
}

/** In one line, for a list of what was done. */
export const callLine = (call: TapedCall): string => ioLine(call) ?? (call.name === "setProfile" ? `profile ${call.request.profile}` : "power cycle");

export function ioScript(entries: readonly TapeEntry[], image: string): string {
  const lines = entries.map(({ call }) => ioLine(call) ?? `# ${callLine(call)}: qemu-io has no command for it`);
  return `# qemu-io -f qcow2 ${image} < this-file\n${lines.join("\n")}\n`;
}

export function blkzoneScript(entries: readonly TapeEntry[]): string {
  const lines = entries.map(({ call }) => {
    if (call.name !== "manage") return `# ${callLine(call)}`;
    const { operation, offset, length } = call.request;
    return `blkzone ${operation} --offset ${offset / SECTOR_SIZE} --length ${length / SECTOR_SIZE} "$device"`;
  });
  return `#!/bin/sh\n# usage: this-file DEVICE. Sectors are 512 bytes; what is not zone management stands as a comment.\ndevice=\${1:?name a device or image}\n${lines.join("\n")}\n`;
}

/** One event a line, with its time and its sentence; columns of a patch as lists. */
export function jsonLines(events: Iterable<LogEvent>): string {
  const lines: string[] = [];
  for (const event of events) {
    const { timeMs, ...rest } = event;
    const text = eventText(event, formatBytes);
    lines.push(JSON.stringify({ time: new Date(timeMs).toISOString(), ...rest, text }, (_key, value: unknown) => (ArrayBuffer.isView(value) ? [...(value as Uint8Array)] : value)));
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}
