/** What was done to an image, as text that other tools run: a shell script of qemu-io or of blkzone, events as JSON Lines. */
import { Condition } from "../base/conditions.ts";
import { uniform } from "../base/uniform.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { LEFT_OUT_BYTE } from "../protocol/index.ts";
import { eventText } from "./event-text.ts";
import type { LogEvent } from "./history.ts";
import type { TapedCall, TapeEntry } from "./tape.ts";
import { commandSize, counted, formatBytes, formatHex } from "./units.ts";

const MANAGEMENT = { open: "zo", close: "zc", finish: "zf", reset: "zrs" } as const;

/** The byte that qemu-io's zone_append fills with; it has no option for another. */
export const APPEND_PATTERN = 0xcd;

/** In one line, as the console has it, for a list of what was done. */
export function callLine(call: TapedCall): string {
  switch (call.name) {
    case "write": {
      const { offset, length, pattern, data, compressed, vmState } = call.request;
      const flags = `${compressed === true ? " -c" : ""}${vmState === true ? " -b" : ""}`;
      const from = data === null ? ` -P ${formatHex(pattern)}` : "";
      return `write${flags}${from} ${commandSize(offset)} ${commandSize(length)}${data === null ? "" : "  # various bytes"}`;
    }
    case "writeZeroes":
      return `write -z${call.request.unmap ? " -u" : ""}${call.request.fallback === false ? " -n" : ""} ${commandSize(call.request.offset)} ${commandSize(call.request.length)}`;
    case "discard":
      return `discard ${commandSize(call.request.offset)} ${commandSize(call.request.length)}`;
    case "manage":
      return `${MANAGEMENT[call.request.operation]} ${commandSize(call.request.offset)} ${commandSize(call.request.length)}`;
    case "append": {
      const { offset, lengths, pattern, data } = call.request;
      const note = (data ?? null) !== null ? "  # various bytes" : pattern === APPEND_PATTERN ? "" : `  # filled with ${formatHex(pattern)}`;
      return `zap ${commandSize(offset)} ${lengths.map(commandSize).join(" ")}${note}`;
    }
    case "wear":
      return `wear ${call.request.condition === Condition.OFFLINE ? "offline" : "read-only"} ${commandSize(call.request.offset)}`;
    case "setProfile":
      return `profile ${call.request.profile}`;
    case "repair":
      return `check -r ${call.request.mode}`;
    case "flush":
      return "flush";
    default:
      return "power cycle";
  }
}

/** The same of an entry, which knows whether its bytes are still there. */
export const entryLine = ({ call, leftOutBytes }: TapeEntry): string => `${callLine(call)}${leftOutBytes > 0 ? "  # bytes that were not kept" : ""}`;

/** Bytes that no pattern stands for and that a script carries along, in all; a script is text to be read and passed on. */
const MOST_CARRIED_BYTES = 256 * 1024;

/**
 * A shell script that does the same again with qemu-io, to the same bytes: each power cycle is another qemu-io. What it cannot do
 * again stands there as a comment that says why.
 */
export function ioScript(entries: readonly TapeEntry[], image: string): string {
  const script = new IoScript();
  for (const entry of entries) script.add(entry);
  return `#!/bin/sh
# What was done to ${image.replace(/[^\x20-\x7e]/g, "?")}, again.
# usage: this-file IMAGE, or QEMU_IO='zonescope qemu-io' this-file IMAGE. The image is to be as this one was at first.
image=\${1:?name an image}
qemu_io=\${QEMU_IO:-qemu-io}
bytes=$(mktemp -d) && trap 'rm -rf "$bytes"' EXIT
run() { $qemu_io -f qcow2 "$image"; }
${script.end()}`;
}

class IoScript {
  private readonly lines: string[] = [];
  /** Lines for the qemu-io that is open. None may end it but a power cycle: zones are closed when it ends. */
  private open: string[] = [];
  /** What has to stand in front of it: comments, which qemu-io does not have, and files. */
  private before: string[] = [];
  private carried = 0;
  private files = 0;
  /** Writes of this qemu-io whose bytes are not the ones that were written. */
  private others = 0;

  add({ call, landed, leftOutBytes }: TapeEntry): void {
    if (leftOutBytes > 0) this.others++;
    switch (call.name) {
      case "powerCycle":
        this.close();
        this.lines.push("# A power cycle: another qemu-io opens the image.");
        return;
      case "setProfile":
        this.comment(`profile ${call.request.profile}: qemu-io has no other rules, so that what comes now may go otherwise.`);
        return;
      case "wear":
        this.comment(`${callLine(call)}: a zone wore out, which qemu-io has no command for. What comes now may go otherwise.`);
        return;
      case "repair":
        this.comment(`The image was checked and repaired (qemu-img check -r ${call.request.mode}), which changed nothing that a guest sees.`);
        return;
      case "write":
        this.write(call.request, call.request.offset);
        return;
      case "append":
        this.append(call, landed);
        return;
      default:
        this.open.push(callLine(call));
    }
  }

  end(): string {
    this.close();
    return this.lines.length === 0 ? "" : `${this.lines.join("\n")}\n`;
  }

  /** An append that qemu-io cannot spell is a write to where it landed, which moves the pointer in the same way. */
  private append(call: Extract<TapedCall, { name: "append" }>, landed: number | null): void {
    const { lengths, pattern } = call.request;
    const data = call.request.data ?? null;
    const length = lengths.reduce((sum, part) => sum + part, 0);
    // What was refused, or wrote nothing, is so whatever it would have written.
    if (landed === null || length === 0 || (data === null && pattern === APPEND_PATTERN)) this.open.push(callLine({ ...call, request: { ...call.request, data: null, pattern: APPEND_PATTERN } }));
    else this.write({ length, pattern, data }, landed);
  }

  private write(bytes: { readonly length: number; readonly pattern: number; readonly data: Uint8Array | null; readonly compressed?: boolean; readonly vmState?: boolean }, offset: number): void {
    const { length, data } = bytes;
    const flags = `${bytes.compressed === true ? " -c" : ""}${bytes.vmState === true ? " -b" : ""}`;
    const range = `${commandSize(offset)} ${commandSize(length)}`;
    const fill = data === null ? bytes.pattern : uniform(data);
    if (fill !== null) {
      this.open.push(`write${flags} -P ${formatHex(fill)} ${range}`);
      return;
    }
    if (data === null || this.carried + data.length > MOST_CARRIED_BYTES) {
      this.others++;
      this.open.push(`write${flags} -P ${formatHex(LEFT_OUT_BYTE)} ${range}`);
      return;
    }
    this.carried += data.length;
    const name = String(++this.files);
    this.before.push(`base64 -d > "$bytes/${name}" <<'EOF'`, ...base64Lines(data), "EOF");
    this.open.push(`write${flags} -s $bytes/${name} ${range}`);
  }

  private comment(text: string): void {
    this.before.push(`# ${text}`);
  }

  private close(): void {
    if (this.others > 0) this.comment(`${counted(this.others, "write")} below had bytes that are too many for a script: ${formatHex(LEFT_OUT_BYTE)} stands for each of them.`);
    this.others = 0;
    this.lines.push(...this.before);
    if (this.open.length > 0) this.lines.push("run <<EOF", ...this.open, "EOF");
    this.open = [];
    this.before = [];
  }
}

/** Bytes that a line of base64 stands for. */
const LINE_BYTES = 57;

function base64Lines(data: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < data.length; at += LINE_BYTES) lines.push(btoa(String.fromCharCode(...data.subarray(at, at + LINE_BYTES))));
  return lines;
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
