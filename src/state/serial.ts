/**
 * The guest's serial line as the page has it: the bytes of this boot, kept for a terminal that is shown later, whoever listens, and whether
 * the shell waits at its prompt.
 */
import { PROMPT } from "../guest/sessions.ts";

/** Of what was said, for a terminal that is shown later. */
const KEPT_BYTES = 512 * 1024;
const TAIL = 400;
/** What a terminal answers by itself when it is asked where its cursor is, or what it is: the shell asks with each prompt. */
const REPORT = /^\x1b\[[\d;?>]*[Rcn]$/;
/** A line that is typed quietly is answered within this, or what it says is shown after all. */
const QUIET_MS = 10_000;

export class Serial {
  private readonly send: (bytes: Uint8Array) => void;
  private kept: Uint8Array[] = [];
  private keptBytes = 0;
  private readonly listeners = new Set<(bytes: Uint8Array) => void>();
  /** The last words, without control sequences. */
  private tail = "";
  private waiting: ((there: boolean) => void)[] = [];
  private on = false;
  /** While a line is typed quietly: what is held back of its answer, and what was typed meanwhile. */
  private quiet: { readonly held: Uint8Array[]; readonly typed: Uint8Array[]; readonly timer: number } | null = null;

  /** @param send to the guest */
  constructor(send: (bytes: Uint8Array) => void) {
    this.send = send;
  }

  /** A machine is switched on: what the one before said is forgotten. */
  open(): void {
    this.kept = [];
    this.keptBytes = 0;
    this.tail = "";
    this.on = true;
    // Clears a terminal that shows the one before.
    this.show(new TextEncoder().encode("\x1bc"));
  }

  close(): void {
    this.endQuiet(true);
    this.on = false;
    this.answer(false);
  }

  /** Types text or bytes. */
  type(text: string | Uint8Array): void {
    if (!this.on) return;
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    // Nobody typed that: the shell waits as before.
    if (typeof text === "string" && REPORT.test(text)) return this.send(bytes);
    if (this.quiet !== null) return void this.quiet.typed.push(bytes);
    this.tail = "";
    this.send(bytes);
  }

  /** Types a line of which neither the echo nor the answer is shown; only while the shell waits. False where it does not. */
  typeQuietly(line: string): boolean {
    if (!this.on || this.quiet !== null || !PROMPT.test(this.tail)) return false;
    this.quiet = { held: [], typed: [], timer: window.setTimeout(() => this.endQuiet(true), QUIET_MS) };
    this.tail = "";
    this.send(new TextEncoder().encode(`${line}\r`));
    return true;
  }

  heard(bytes: Uint8Array): void {
    const text = this.tail + new TextDecoder("latin1").decode(bytes);
    // The last piece may end in the midst of a sequence: it is whole with the next.
    this.tail = text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "").slice(-TAIL);
    const atPrompt = PROMPT.test(this.tail);
    if (this.quiet !== null) {
      this.quiet.held.push(bytes);
      if (!atPrompt) return;
      this.endQuiet(false);
    } else this.show(bytes);
    if (PROMPT.test(this.tail)) this.answer(true);
  }

  /** Hears what is said from now on. @returns how to stop */
  listen(listener: (bytes: Uint8Array) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** What was said so far, the newest of it. */
  said(): readonly Uint8Array[] {
    return this.kept;
  }

  /** Resolves with true when the shell waits at its prompt, at once where it does; with false when the machine is gone. */
  atPrompt(): Promise<boolean> {
    if (this.on && PROMPT.test(this.tail)) return Promise.resolve(true);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private answer(there: boolean): void {
    for (const resolve of this.waiting.splice(0)) resolve(there);
  }

  /** @param shown whether what was held back is shown; else it was the answer to a quiet line, and the prompt before it stands */
  private endQuiet(shown: boolean): void {
    if (this.quiet === null) return;
    const { held, typed, timer } = this.quiet;
    window.clearTimeout(timer);
    this.quiet = null;
    if (shown) for (const bytes of held) this.show(bytes);
    for (const bytes of typed) this.type(bytes);
  }

  private show(bytes: Uint8Array): void {
    this.kept.push(bytes);
    this.keptBytes += bytes.length;
    while (this.keptBytes > KEPT_BYTES && this.kept.length > 1) this.keptBytes -= this.kept.shift()?.length ?? 0;
    for (const listener of this.listeners) listener(bytes);
  }
}
