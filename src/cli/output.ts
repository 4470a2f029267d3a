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

/** Written to one of Node's descriptors; false once nobody reads it any more. */
function writeAll(descriptor: number, text: string): boolean {
  const bytes = Buffer.from(text, "utf8");
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
