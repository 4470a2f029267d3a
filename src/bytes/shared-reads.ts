/**
 * Access handles for reading that several stores have together. A browser that does not know the `mode` of createSyncAccessHandle gives
 * one handle a file, to whoever asks first: a backing file under two images would be in use for the second of them.
 *
 * Only within one worker; another tab is refused as it is. Nobody writes a file meanwhile: whoever reads it holds a shared lock
 * (file-lock.ts).
 */
import type { SyncHandle } from "./opfs-store.ts";

interface Opened {
  readonly handle: Promise<SyncHandle>;
  holders: number;
}

export class SharedReads {
  private readonly opened = new Map<string, Opened>();

  /**
   * A handle of the caller's own over the one that all of them have; the last one that is closed closes it.
   * @param open asked only where nobody has the file; what it throws is thrown to all who wait for it
   */
  async take(name: string, open: () => Promise<SyncHandle>): Promise<SyncHandle> {
    let opened = this.opened.get(name);
    if (opened === undefined) this.opened.set(name, (opened = { handle: open(), holders: 0 }));
    opened.holders++;
    const mine = opened;
    try {
      const handle = await mine.handle;
      return shareOf(handle, () => this.leave(name, mine) && handle.close());
    } catch (thrown) {
      this.leave(name, mine);
      throw thrown;
    }
  }

  /** @returns whether that was the last holder */
  private leave(name: string, opened: Opened): boolean {
    if (--opened.holders > 0) return false;
    this.opened.delete(name);
    return true;
  }
}

function shareOf(handle: SyncHandle, leave: () => void): SyncHandle {
  let closed = false;
  return {
    read: (into, options) => handle.read(into, options),
    write: (from, options) => handle.write(from, options),
    truncate: (size) => handle.truncate(size),
    getSize: () => handle.getSize(),
    flush: () => handle.flush(),
    close() {
      if (!closed) leave();
      closed = true;
    },
  };
}
