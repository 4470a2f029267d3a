/**
 * Standard output and error of the command line, written synchronously: lines as soon as they are made, so that whoever reads
 * along has them before the next command runs; a prompt, which is no line, when input is waited for.
 */
import { writeSync } from "node:fs";

const STDOUT = 1;
const STDERR = 2;
/** Collected text beyond this many characters is written at once. */
const FULL = 65536;
const RETRY_MS = 1;

const encoder = new TextEncoder();
const piece = new Uint8Array(FULL);

/** Written to one of Node's descriptors, piece by piece: a list of very many names is in memory once. @returns false once nobody reads it any more */
function writeAll(descriptor: number, text: string): boolean {
  let rest = text;
  while (rest !== "") {
    const { read, written } = encoder.encodeInto(rest, piece);
    if (!writeBytes(descriptor, piece.subarray(0, written))) return false;
    rest = rest.slice(read);
  }
  return true;
}

function writeBytes(descriptor: number, bytes: Uint8Array): boolean {
  let at = 0;
  while (at < bytes.length) {
    try {
      at += writeSync(descriptor, bytes, at);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== "EAGAIN") return false;
      // The reader is slow and the pipe does not block: wait a little, there is nothing else to do.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
    }
  }
  return true;
}

export class Output {
  private collected = "";
  private readonly open = { [STDOUT]: true, [STDERR]: true };

  /** For standard output; text that is no whole line is collected for the next flush, but for one that the next shall overwrite. */
  out(text: string): void {
    this.collected += text;
    if (text.endsWith("\n") || text.endsWith("\r") || this.collected.length >= FULL) this.flush();
  }

  /** Writes to standard error, after what was printed before. */
  err(text: string): void {
    this.flush();
    this.send(STDERR, text);
  }

  flush(): void {
    if (this.collected === "") return;
    const text = this.collected;
    this.collected = "";
    this.send(STDOUT, text);
  }

  private send(descriptor: typeof STDOUT | typeof STDERR, text: string): void {
    if (this.open[descriptor]) this.open[descriptor] = writeAll(descriptor, text);
  }
}
