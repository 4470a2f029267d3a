/** Standard input by lines, each handed over as soon as it is there, without waiting for the end. */

/** Lines of a stream of bytes; what stands behind the last newline is a line too. */
export class LineReader {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private readonly decoder = new TextDecoder();
  private buffered = "";
  /** Where in `buffered` the next line starts. */
  private at = 0;
  private ended = false;

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.chunks = stream[Symbol.asyncIterator]();
  }

  /** The next line without its newline, null at the end; a promise only where it has to be waited for. */
  next(): string | null | Promise<string | null> {
    const newline = this.buffered.indexOf("\n", this.at);
    if (newline !== -1) {
      const line = this.buffered.slice(this.at, newline);
      this.at = newline + 1;
      return line;
    }
    if (!this.ended) return this.more();
    if (this.at === this.buffered.length) return null;
    const rest = this.buffered.slice(this.at);
    this.at = this.buffered.length;
    return rest;
  }

  private async more(): Promise<string | null> {
    const chunk = await this.chunks.next();
    if (chunk.done === true) this.ended = true;
    const text = chunk.done === true ? this.decoder.decode() : this.decoder.decode(chunk.value, { stream: true });
    this.buffered = this.buffered.slice(this.at) + text;
    this.at = 0;
    return await this.next();
  }
}
