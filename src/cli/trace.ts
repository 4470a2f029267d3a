/**
 * The trace events of --trace and of qemu-io's -T: every device that is opened is watched, and what its notices bring is printed
 * as it happens. Costs nothing while nothing is traced.
 */
import { traceLine, tracedBy } from "../command/trace-lines.ts";
import type { Notice, Perform } from "../protocol/index.ts";

export class Tracer {
  private readonly names = new Set<string>();
  private readonly print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.print = print;
  }

  /** Traces the events that the pattern names too, on devices opened from now on. */
  enable(pattern: string): void {
    for (const name of tracedBy(pattern)) this.names.add(name);
  }

  notified(notice: Notice): void {
    if (notice.notice !== "device") return;
    for (const event of notice.events) if (event.type === "trace" && this.names.has(event.name)) this.print(traceLine(event));
  }

  /** Performs as `perform` does, and watches what was opened. */
  watching(perform: Perform): Perform {
    return async (name, request, listen) => {
      const outcome = await perform(name, request, listen);
      if (this.names.size > 0 && outcome.ok && (name === "open" || name === "scratch")) {
        await perform("watch", { handle: (outcome.value as { handle: number }).handle });
      }
      return outcome;
    };
  }
}
