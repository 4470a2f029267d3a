/**
 * A store whose flushes ask nothing of the platform, as QEMU's cache mode "unsafe": a program that ends leaves everything it wrote,
 * a machine that loses power may leave anything. For files that are made anew and are worth nothing until they are whole.
 */
import type { ByteStore } from "./byte-store.ts";
import type { DebugEvent } from "./debug-rules.ts";

export class UnsafeStore implements ByteStore {
  readonly name: string;
  readonly readOnly: boolean;
  /** Absent where the store below does not tell. */
  readonly allocated?: () => number;
  /** Absent where the store below does not listen. */
  readonly event?: (event: DebugEvent) => void;
  private readonly below: ByteStore;

  constructor(below: ByteStore) {
    this.below = below;
    this.name = below.name;
    this.readOnly = below.readOnly;
    if (below.allocated !== undefined) this.allocated = () => below.allocated!();
    if (below.event !== undefined) this.event = (event) => below.event!(event);
  }

  size(): number {
    return this.below.size();
  }

  read(offset: number, into: Uint8Array): number {
    return this.below.read(offset, into);
  }

  write(offset: number, from: Uint8Array): void {
    this.below.write(offset, from);
  }

  truncate(size: number): void {
    this.below.truncate(size);
  }

  flush(): void {}

  close(): void {
    this.below.close();
  }
}
