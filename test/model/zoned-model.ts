/**
 * A second implementation of the zone rules, for tests only: plain objects and arrays, one obvious branch per rule, written from
 * the page "What the zoned device does" and not from the engine. It knows no qcow2, no files and no durability; what it holds is
 * what a person who reads the rules expects to see after every command. Zone semantics, "Transitions".
 *
 * The other profiles are branches by name where the page's second table has them; what it does not name is as in `qcow2`. A zone that
 * wore out takes nothing but reads, one that is offline not even these.
 *
 * Where the page leaves the order of two refusals open, the model takes: device range, nothing to do, type of zone, alignment,
 * FULL, write pointer, capacity, active slot, open slot. Where it does not say which zone a refusal names: none before a zone was
 * looked at, else the zone that holds the offset. A range of no zones is misaligned. Conventional zones take any alignment.
 */

export type ModelCondition = "NOT_WP" | "EMPTY" | "IMPLICIT_OPEN" | "EXPLICIT_OPEN" | "CLOSED" | "FULL" | "READ_ONLY" | "OFFLINE";
export type ModelProfile = "qcow2" | "v4-as-posted" | "zns" | "zbc" | "null_blk";
export type ModelManagement = "open" | "close" | "finish" | "reset";
export type ModelWrite = "write" | "write-zeroes" | "append";

export interface ModelZone {
  readonly index: number;
  readonly conventional: boolean;
  readonly start: number;
  readonly length: number;
  readonly capacity: number;
  condition: ModelCondition;
  writePointer: number;
  resets: number;
}

export interface ModelShape {
  readonly sizeBytes: number;
  readonly zoneSize: number;
  readonly zoneCapacity: number;
  readonly conventionalZones: number;
  /** 0 means no limit, for both. */
  readonly maxOpen: number;
  readonly maxActive: number;
  /** 0 means that appending is off. */
  readonly maxAppend: number;
  /** A discard empties whole clusters only; the last one of the disk may be short. */
  readonly clusterSize: number;
}

export type ModelOutcome = { readonly ok: true; readonly landed?: number } | { readonly ok: false; readonly code: string; readonly zone: number | null };

const isWorn = ({ condition }: ModelZone): boolean => condition === "READ_ONLY" || condition === "OFFLINE";
const DONE: ModelOutcome = { ok: true };
const refuse = (code: string, zone: number | null): ModelOutcome => ({ ok: false, code, zone });

/** Told of every zone that a command is applied to, before it is: `what` is the command and how it meets the zone. */
export type CellWatcher = (what: string, zone: ModelZone) => void;

export class ZonedModel {
  readonly shape: ModelShape;
  readonly zones: ModelZone[] = [];
  /** Every byte as last written; reading hides what lies at or above a write pointer. */
  readonly written: Uint8Array;
  profile: ModelProfile = "qcow2";
  /** Implicitly open zones, least recently written first. */
  private writeOrder: number[] = [];
  /** The same zones, first opened first. */
  private openOrder: number[] = [];
  /** null_blk looks behind the zone that it closed last. */
  private roundRobin = 0;
  private readonly watcher: CellWatcher;

  constructor(shape: ModelShape, watcher: CellWatcher = () => {}) {
    this.shape = shape;
    this.watcher = watcher;
    this.written = new Uint8Array(shape.sizeBytes);
    for (let start = 0; start < shape.sizeBytes; start += shape.zoneSize) {
      const index = this.zones.length;
      const length = Math.min(shape.zoneSize, shape.sizeBytes - start);
      const conventional = index < shape.conventionalZones;
      const capacity = conventional ? length : Math.min(length, shape.zoneCapacity);
      this.zones.push({ index, conventional, start, length, capacity, condition: conventional ? "NOT_WP" : "EMPTY", writePointer: start, resets: 0 });
    }
  }

  count(condition: ModelCondition): number {
    return this.zones.filter((zone) => zone.condition === condition).length;
  }
  get open(): number {
    return this.count("IMPLICIT_OPEN") + this.count("EXPLICIT_OPEN");
  }
  get active(): number {
    return this.open + this.count("CLOSED");
  }
  get activeFull(): boolean {
    return this.profile !== "zbc" && this.shape.maxActive !== 0 && this.active >= this.shape.maxActive;
  }
  get openFull(): boolean {
    return this.shape.maxOpen !== 0 && this.open >= this.shape.maxOpen;
  }

  /** Implicitly open zones, the next to be closed to make room first. */
  get implicitOrder(): number[] {
    const byNumber = [...this.openOrder].sort((a, b) => a - b);
    switch (this.profile) {
      case "qcow2":
        return [...this.writeOrder];
      case "zns":
      case "zbc":
        return [...this.openOrder];
      case "v4-as-posted":
        return [...this.openOrder.filter((zone) => zone === 0), ...this.openOrder.filter((zone) => zone !== 0).reverse()];
      case "null_blk":
        return [...byNumber.filter((zone) => zone >= this.roundRobin), ...byNumber.filter((zone) => zone < this.roundRobin)];
    }
  }

  /** Other rules from now on. */
  follow(profile: ModelProfile): void {
    this.profile = profile;
    this.roundRobin = 0;
  }

  /** How much of a zone a report says can be written. */
  reportedCapacity(zone: ModelZone): number {
    return this.profile === "v4-as-posted" || this.profile === "zbc" ? zone.length : zone.capacity;
  }

  zoneAt(offset: number): ModelZone {
    return this.zones[Math.floor(offset / this.shape.zoneSize)]!;
  }

  // Management

  manage(operation: ModelManagement, offset: number, length: number): ModelOutcome {
    const { sizeBytes, zoneSize } = this.shape;
    const end = offset + length;
    if (end > sizeBytes) return refuse("out-of-range", null);
    if (offset === sizeBytes) return refuse("misaligned", null);
    const aligned = offset % zoneSize === 0 && (end % zoneSize === 0 || end === sizeBytes);
    if (!aligned || length === 0) return refuse("misaligned", this.zoneAt(offset).index);
    const wholeDevice = offset === 0 && length === sizeBytes;
    for (const zone of this.zones) {
      if (zone.start < offset || zone.start >= end) continue;
      this.watcher(zone.conventional && wholeDevice ? `${operation} of everything` : operation, zone);
      if (zone.conventional) {
        if (wholeDevice) continue;
        return refuse("conventional-zone", zone.index);
      }
      const code = this.manageZone(operation, zone);
      if (code !== null) return refuse(code, zone.index);
    }
    return DONE;
  }

  private manageZone(operation: ModelManagement, zone: ModelZone): string | null {
    if (operation === "open") return this.openZone(zone);
    if (operation === "close") return this.closeZone(zone);
    if (operation === "finish") return this.finishZone(zone);
    return this.resetZone(zone);
  }

  private openZone(zone: ModelZone): string | null {
    if (isWorn(zone)) return "invalid-transition";
    if (zone.condition === "FULL" && this.profile === "zbc") return null;
    if (zone.condition === "FULL" && this.profile !== "v4-as-posted") return "invalid-transition";
    const refused = this.makeRoom(zone, "open");
    if (refused !== null) return refused;
    this.change(zone, "EXPLICIT_OPEN");
    return null;
  }

  private closeZone(zone: ModelZone): string | null {
    if (isWorn(zone)) return "invalid-transition";
    const strict = this.profile === "zns" || this.profile === "null_blk";
    if (strict && (zone.condition === "EMPTY" || zone.condition === "FULL")) return "invalid-transition";
    if (zone.condition === "IMPLICIT_OPEN") this.change(zone, "CLOSED");
    if (zone.condition !== "EXPLICIT_OPEN") return null;
    // Opened while FULL, as v4 allows: nothing more fits.
    if (zone.writePointer >= zone.start + zone.capacity) this.change(zone, "FULL");
    else if (zone.writePointer === zone.start && this.profile !== "zns") this.change(zone, "EMPTY");
    else this.change(zone, "CLOSED");
    return null;
  }

  /** @returns the refusal, or null when the zone is worn */
  wear(offset: number, to: "READ_ONLY" | "OFFLINE"): ModelOutcome {
    const zone = this.zoneAt(offset);
    if (zone.conventional) return refuse("conventional-zone", zone.index);
    if (zone.condition === "OFFLINE" && to === "READ_ONLY") return refuse("invalid-transition", zone.index);
    this.change(zone, to);
    return DONE;
  }

  private finishZone(zone: ModelZone): string | null {
    if (isWorn(zone)) return "invalid-transition";
    if (zone.condition === "FULL") return null;
    const refused = this.makeRoom(zone, "finish");
    if (refused !== null) return refused;
    this.written.fill(0, zone.writePointer, zone.start + zone.length);
    zone.writePointer = zone.start + zone.length;
    this.change(zone, "FULL");
    return null;
  }

  private resetZone(zone: ModelZone): string | null {
    if (isWorn(zone)) return "invalid-transition";
    if (zone.condition === "EMPTY") return null;
    this.written.fill(0, zone.start, zone.start + zone.length);
    zone.writePointer = zone.start;
    zone.resets += 1;
    this.change(zone, "EMPTY");
    return null;
  }

  /** What OPEN needs: an EMPTY zone an active and an open slot, a CLOSED one an open slot. Returns the refusal, or null when there is room. */
  private makeRoom(zone: ModelZone, what: "open" | "finish" | "write"): string | null {
    if (zone.condition !== "EMPTY" && zone.condition !== "CLOSED") return null;
    if (this.profile === "zns" && what === "finish") return null;
    if (zone.condition === "EMPTY" && this.activeFull) return "too-many-active";
    if (zone.condition === "EMPTY" && this.profile === "v4-as-posted") return null;
    if (!this.openFull) return null;
    if (this.activeFull && (this.profile === "v4-as-posted" || this.profile === "null_blk")) return "too-many-open";
    const next = this.implicitOrder[0];
    if (next === undefined) return "too-many-open";
    this.change(this.zones[next]!, "CLOSED");
    this.roundRobin = next + 1;
    return null;
  }

  private change(zone: ModelZone, condition: ModelCondition): void {
    const others = (index: number): boolean => index !== zone.index;
    this.writeOrder = this.writeOrder.filter(others);
    if (condition === "IMPLICIT_OPEN") this.writeOrder.push(zone.index);
    if (zone.condition !== "IMPLICIT_OPEN" && condition === "IMPLICIT_OPEN") this.openOrder.push(zone.index);
    if (condition !== "IMPLICIT_OPEN") this.openOrder = this.openOrder.filter(others);
    zone.condition = condition;
  }

  // Data

  /** A write of `length` bytes of `pattern`; zeros for a write of zeroes. */
  write(kind: "write" | "write-zeroes", offset: number, length: number, pattern: number): ModelOutcome {
    if (offset + length > this.shape.sizeBytes) return refuse("out-of-range", null);
    if (length === 0) return DONE;
    const zone = this.zoneAt(offset);
    if (!zone.conventional) return this.writeSequential(kind, zone, offset, length, pattern);
    for (const touched of this.touched(offset, length)) {
      if (!touched.conventional) return refuse("exceeds-capacity", zone.index);
    }
    for (const touched of this.touched(offset, length)) this.watcher(kind, touched);
    this.written.fill(pattern, offset, offset + length);
    return DONE;
  }

  append(offset: number, lengths: readonly number[], pattern: number): ModelOutcome {
    const total = lengths.reduce((sum, length) => sum + length, 0);
    if (this.profile === "zbc") return refuse("unsupported", null);
    if (this.shape.maxAppend === 0) return refuse("append-disabled", null);
    if (offset >= this.shape.sizeBytes) return refuse("out-of-range", null);
    const zone = this.zoneAt(offset);
    if (zone.conventional) {
      this.watcher("append", zone);
      return refuse("conventional-zone", zone.index);
    }
    if (offset !== zone.start) return refuse("misaligned", zone.index);
    if (lengths.some((length) => length % 512 !== 0)) return refuse("misaligned", zone.index);
    if (total > this.shape.maxAppend) return refuse("append-too-large", zone.index);
    if (total === 0) return { ok: true, landed: zone.writePointer };
    const landed = zone.writePointer;
    const outcome = this.writeSequential("append", zone, landed, total, pattern);
    return outcome.ok ? { ok: true, landed } : outcome;
  }

  private writeSequential(kind: ModelWrite, zone: ModelZone, offset: number, length: number, pattern: number): ModelOutcome {
    if (offset % 512 !== 0 || length % 512 !== 0) return refuse("misaligned", zone.index);
    const limit = zone.start + zone.capacity;
    const where = offset < zone.writePointer ? "below" : offset > zone.writePointer ? "above" : "at";
    const fit = offset + length < limit ? "part" : offset + length === limit ? "fill" : "over";
    this.watcher(`${kind} ${where} ${fit}`, zone);
    if (isWorn(zone)) return refuse("invalid-transition", zone.index);
    if (zone.condition === "FULL") return refuse("zone-full", zone.index);
    const skips = where === "above" && this.profile === "v4-as-posted";
    if (where !== "at" && !skips) return refuse("not-at-write-pointer", zone.index);
    if (fit === "over") return refuse("exceeds-capacity", zone.index);
    const refused = this.makeRoom(zone, "write");
    if (refused !== null) return refuse(refused, zone.index);
    this.written.fill(0, zone.writePointer, offset);
    this.written.fill(pattern, offset, offset + length);
    zone.writePointer = offset + length;
    if (zone.writePointer === limit) this.change(zone, "FULL");
    else if (zone.condition !== "EXPLICIT_OPEN") this.change(zone, "IMPLICIT_OPEN");
    return DONE;
  }

  discard(offset: number, length: number): ModelOutcome {
    if (offset + length > this.shape.sizeBytes) return refuse("out-of-range", null);
    if (length === 0) return DONE;
    for (const zone of this.touched(offset, length)) {
      this.watcher("discard", zone);
      if (!zone.conventional) return refuse("unsupported", zone.index);
    }
    const { clusterSize, sizeBytes } = this.shape;
    const first = Math.ceil(offset / clusterSize) * clusterSize;
    const end = offset + length === sizeBytes ? sizeBytes : Math.floor((offset + length) / clusterSize) * clusterSize;
    if (first < end) this.written.fill(0, first, end);
    return DONE;
  }

  /** What a read of any range answers, or its refusal. */
  read(offset: number, length: number): Uint8Array | ModelOutcome {
    if (offset + length > this.shape.sizeBytes) return refuse("out-of-range", null);
    for (const zone of this.touched(offset, length)) {
      this.watcher("read", zone);
      // Of nothing, nothing is read.
      if (zone.condition === "OFFLINE" && length > 0) return refuse("invalid-transition", zone.index);
    }
    return this.visible().slice(offset, offset + length);
  }

  /** The whole disk as a guest sees it. */
  visible(): Uint8Array {
    const bytes = this.written.slice();
    for (const zone of this.zones) {
      if (zone.conventional) continue;
      if (zone.condition === "OFFLINE") bytes.fill(0, zone.start, zone.start + zone.length);
      bytes.fill(0, Math.min(zone.writePointer, zone.start + zone.capacity), zone.start + zone.length);
    }
    return bytes;
  }

  /** The zones that a report tells of, or its refusal. */
  report(offset: number, count: number): readonly ModelZone[] | ModelOutcome {
    if (offset >= this.shape.sizeBytes) return refuse("out-of-range", null);
    const first = this.zoneAt(offset).index;
    return this.zones.slice(first, first + count);
  }

  /** Flush, close, reopen: nothing stays open, and the counts of resets begin anew. */
  powerCycle(): void {
    for (const zone of this.zones) this.watcher("power cycle", zone);
    for (const zone of this.zones) {
      if (!zone.conventional) {
        // Nothing is stored but the pointer.
        zone.condition = zone.writePointer === zone.start ? "EMPTY" : zone.writePointer >= zone.start + zone.capacity ? "FULL" : "CLOSED";
      }
      zone.resets = 0;
    }
    this.writeOrder = [];
    this.openOrder = [];
    this.roundRobin = 0;
  }

  private touched(offset: number, length: number): readonly ModelZone[] {
    return this.zones.filter((zone) => zone.start < offset + length && zone.start + zone.length > offset);
  }
}
