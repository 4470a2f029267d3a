/**
 * Who has an image: one Web Lock per name, exclusive for a writer, shared by readers, held as long as the store is open. It is
 * what tells two tabs apart; the browser lets go of it when a tab dies.
 */

/** The part of LockManager that is used. */
export interface Locks {
  request(
    name: string,
    options: { mode: "exclusive" | "shared"; ifAvailable: true },
    callback: (lock: unknown) => Promise<void> | undefined,
  ): Promise<unknown>;
}

export class FileLocks {
  private readonly locks: Locks;
  /** Locks whose release was asked for and has not come about: asking for one again waits for that first. */
  private readonly releasing = new Map<string, Promise<unknown>>();

  constructor(locks: Locks) {
    this.locks = locks;
  }

  /** Takes the lock of a file if nobody has it in a way that excludes this; returns its release (to call once), or null. */
  async take(file: string, mode: "exclusive" | "shared"): Promise<(() => void) | null> {
    const name = `zonescope:image:${file}`;
    await this.releasing.get(name);
    return new Promise((resolve, reject) => {
      const held = this.locks.request(name, { mode, ifAvailable: true }, (lock) => {
        if (lock === null) {
          resolve(null);
          return undefined;
        }
        return new Promise<void>((release) => {
          resolve(() => {
            release();
            const gone = Promise.all([this.releasing.get(name), held]).finally(() => {
              if (this.releasing.get(name) === gone) this.releasing.delete(name);
            });
            this.releasing.set(name, gone);
          });
        });
      });
      held.catch(reject);
    });
  }
}
