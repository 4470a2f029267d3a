/**
 * Waiting by the clock, such that it can be ended: one place for every wait that a line or a player makes. A wait may be longer than
 * a timer can be set to, and its pace may be another one than the clock's.
 */

/** A timer of the platform fires at once when it is set to more than 2^31 - 1 ms: longer waits are several. */
const LONGEST_TIMER_MS = 250;

export class Waits {
  /** How much faster than the clock a wait is over: 2 for half the time, Infinity for at once. */
  pace = 1;
  private readonly ending = new Set<() => void>();

  /**
   * Resolves after `ms` milliseconds, or when it is ended; true when it came to its end by the clock.
   * @param told how far it is, a fraction from 0 to 1, and how long it takes as a whole
   */
  async wait(ms: number, told?: (fraction: number, wholeMs: number) => void): Promise<boolean> {
    const wholeMs = ms / this.pace;
    if (!(wholeMs > 0)) return true;
    const start = performance.now();
    let ended = false;
    let wake = (): void => undefined;
    const end = (): void => {
      ended = true;
      wake();
    };
    this.ending.add(end);
    for (let gone = 0; !ended && gone < wholeMs; gone = performance.now() - start) {
      told?.(gone / wholeMs, wholeMs);
      const step = Math.min(LONGEST_TIMER_MS, wholeMs - gone);
      await new Promise<void>((resolve) => {
        const timer = window.setTimeout(resolve, step);
        wake = () => {
          window.clearTimeout(timer);
          resolve();
        };
      });
    }
    this.ending.delete(end);
    return !ended;
  }

  /** Ends every wait that is under way. */
  endAll(): void {
    for (const end of [...this.ending]) end();
  }
}
