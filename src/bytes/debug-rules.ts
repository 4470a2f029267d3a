/**
 * Rules by which requests of a store fail: those of QEMU's driver blkdebug. Whoever uses the store tells events ("an L2 table is about to
 * be written"); a rule that waits for an event makes requests fail from then on, until another event brings other rules, or once.
 *
 * Knows no store: debug-store.ts asks it about each request. Source: the meaning of the rules is that of blkdebug's documentation.
 */

/** What an image or a store is about to do. Some have no place here and are never told (ARCHITECTURE.md, "Errors on demand"). */
export const DEBUG_EVENTS = [
  "l1_update", "l1_grow_alloc_table", "l1_grow_write_table", "l1_grow_activate_table", "l1_shrink_write_table", "l1_shrink_free_l2_clusters",
  "l2_load", "l2_update", "l2_update_compressed", "l2_alloc_cow_read", "l2_alloc_write",
  "read_aio", "read_backing_aio", "read_compressed", "write_aio", "write_compressed", "vmstate_load", "vmstate_save", "cow_read", "cow_write", "cor_write",
  "reftable_load", "reftable_grow", "reftable_update",
  "refblock_load", "refblock_update", "refblock_update_part", "refblock_alloc", "refblock_alloc_hookup", "refblock_alloc_write",
  "refblock_alloc_write_blocks", "refblock_alloc_write_table", "refblock_alloc_switch_table",
  "cluster_alloc", "cluster_alloc_bytes", "cluster_alloc_space", "cluster_free",
  "flush_to_os", "flush_to_disk", "pwritev_rmw_head", "pwritev_rmw_after_head", "pwritev_rmw_tail", "pwritev_rmw_after_tail", "pwritev", "pwritev_zero", "pwritev_done",
  "empty_image_prepare",
  /** Told once, when the store was opened. */
  "none",
] as const;
export type DebugEvent = (typeof DEBUG_EVENTS)[number];

export const IO_TYPES = ["read", "write", "write-zeroes", "discard", "flush", "block-status"] as const;
export type IoType = (typeof IO_TYPES)[number];

/** Makes requests fail from an event on. */
export interface InjectRule {
  readonly event: DebugEvent;
  /** Which requests; null for all but those that ask where data lies. */
  readonly ioType: IoType | null;
  /** What they fail with: Linux's number of the error. */
  readonly errno: number;
  /** Only those that touch this sector of 512 bytes; null for all. */
  readonly sector: number | null;
  /** Only the first such request. */
  readonly once: boolean;
  /** Only in this state; 0 in any. */
  readonly state: number;
}

/** Goes to another state at an event. */
export interface StateRule {
  readonly event: DebugEvent;
  readonly state: number;
  readonly newState: number;
}

const SECTOR = 512;

export class DebugRules {
  private readonly injected: InjectRule[];
  private readonly transitions: readonly StateRule[];
  private active: InjectRule[] = [];
  private state = 1;

  /** Of several rules that fit, the first is taken. */
  constructor(injected: readonly InjectRule[], transitions: readonly StateRule[] = []) {
    this.injected = [...injected];
    this.transitions = transitions;
  }

  /** The rules that wait for this event take the place of those before; where none does, those stay. */
  event(event: DebugEvent): void {
    const fits = (rule: InjectRule | StateRule): boolean => rule.event === event && (rule.state === 0 || rule.state === this.state);
    const woken = this.injected.filter(fits);
    if (woken.length > 0) this.active = woken;
    this.state = this.transitions.find(fits)?.newState ?? this.state;
  }

  /** Whether a request fails. @param offset bytes @returns the error's number, null where it does not */
  errnoOf(ioType: IoType, offset: number, lengthBytes: number): number | null {
    const rule = this.active.find((active) => isMeant(active, ioType) && touches(active, offset, lengthBytes));
    // An error of the number 0 is none.
    if (rule === undefined || rule.errno === 0) return null;
    if (rule.once) {
      this.active.splice(this.active.indexOf(rule), 1);
      this.injected.splice(this.injected.indexOf(rule), 1);
    }
    return rule.errno;
  }

  /** How many bytes from `offset` lie before the first that a rule is about; `lengthBytes` where none is. */
  bytesBefore(ioType: IoType, offset: number, lengthBytes: number): number {
    const meant = this.active.filter((active) => active.errno !== 0 && isMeant(active, ioType) && touches(active, offset, lengthBytes));
    return Math.min(lengthBytes, ...meant.map(({ sector }) => (sector === null ? 0 : sector * SECTOR - offset)));
  }
}

const isMeant = (rule: InjectRule, ioType: IoType): boolean => (rule.ioType === null ? ioType !== "block-status" : rule.ioType === ioType);

function touches({ sector }: InjectRule, offset: number, lengthBytes: number): boolean {
  return sector === null || (sector * SECTOR >= offset && sector * SECTOR < offset + lengthBytes);
}
