/**
 * What the console has said: lines in blocks, so that a line that arrives makes one new block and leaves the others as they
 * are (a list drawn from them redraws one block). Bounded: the oldest blocks go.
 */

/** offer: the text names an image that the line before made, and that can be shown. */
export type LineStream = "in" | "out" | "err" | "explain" | "offer";

export interface ConsoleLine {
  readonly id: number;
  readonly stream: LineStream;
  readonly text: string;
}

export interface ConsoleBlock {
  readonly id: number;
  readonly lines: readonly ConsoleLine[];
}

const BLOCK_LINES = 50;
const MAX_BLOCKS = 40;

/** What a terminal shows of a line in which carriage returns begin anew. */
const lastReturned = (part: string): string => part.split("\r").findLast((text) => text !== "") ?? "";

export class ConsoleLog {
  private blocks: readonly ConsoleBlock[] = [];
  private nextId = 1;
  /** Whether the last line still waits for its newline. */
  private unfinished = false;
  /** Whether the last line ended with a carriage return: what continues it overwrites it. */
  private returned = false;

  /** The blocks now; the same array until something is written. */
  current(): readonly ConsoleBlock[] {
    return this.blocks;
  }

  /** Adds text as a terminal would: a line ends at its newline, and the next text may continue it. */
  write(text: string, stream: LineStream): void {
    if (text === "") return;
    const parts = text.split("\n");
    const ended = parts[parts.length - 1] === "";
    if (ended) parts.pop();
    const added: ConsoleLine[] = [];
    let lines = [...(this.blocks.at(-1)?.lines ?? [])];
    const last = lines.at(-1);
    if (this.unfinished && last !== undefined && last.stream === stream) {
      const part = parts.shift() ?? "";
      const overwritten = part !== "" && (this.returned || /\r[^\r]/.test(part));
      lines[lines.length - 1] = { ...last, text: (overwritten ? "" : last.text) + lastReturned(part) };
      this.returned = part.endsWith("\r") || (part === "" && this.returned);
    }
    for (const part of parts) {
      added.push({ id: this.nextId++, stream, text: lastReturned(part) });
      this.returned = part.endsWith("\r");
    }
    this.unfinished = !ended;
    const blocks = this.blocks.slice(0, -1);
    let id = this.blocks.at(-1)?.id ?? this.nextId++;
    for (const line of added) {
      if (lines.length >= BLOCK_LINES) {
        blocks.push({ id, lines });
        lines = [];
        id = this.nextId++;
      }
      lines.push(line);
    }
    blocks.push({ id, lines });
    this.blocks = blocks.length > MAX_BLOCKS ? blocks.slice(-MAX_BLOCKS) : blocks;
  }

  clear(): void {
    this.blocks = [];
    this.unfinished = false;
  }
}
