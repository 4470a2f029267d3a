/**
 * What happened on the map just now: zones that were written and cool down, and zones on their way from one condition or pointer
 * to another. Bounded: of a storm the newest are kept. Times are milliseconds of the frame's clock.
 */

/** How long a written zone stays warm. */
const COOLING_MS = 2_400;
/** How long a change of condition or pointer takes to be shown. */
const TRANSITION_MS = 160;
const MOST_WARM = 4_096;
const MOST_MOVING = 96;

export interface Moving {
  readonly condition: number;
  readonly pointer: number;
  readonly since: number;
}

export class Traffic {
  /** When each place was last written: zones, and cells of zones, by number. The oldest comes first. */
  private readonly warmZones = new Map<number, number>();
  private readonly warmCells = new Map<number, number>();
  private readonly moving = new Map<number, Moving>();

  written(zone: number, cell: number, now: number): void {
    note(this.warmZones, zone, now);
    note(this.warmCells, cell, now);
  }

  /** The zone leaves what it was; a second change on the way starts from what is seen. */
  moves(zone: number, condition: number, pointer: number, now: number): void {
    if (this.moving.size < MOST_MOVING) this.moving.set(zone, { condition, pointer, since: now });
  }

  zoneHeat(zone: number, now: number): number {
    return heatOf(this.warmZones.get(zone), now);
  }

  cellHeat(cell: number, now: number): number {
    return heatOf(this.warmCells.get(cell), now);
  }

  /** Where the zone comes from and how much of the way is done, 0 to 1; null when it stands. */
  stepOf(zone: number, now: number): { from: Moving; done: number } | null {
    const from = this.moving.get(zone);
    if (from === undefined) return null;
    const done = Math.min(1, Math.max(0, (now - from.since) / TRANSITION_MS));
    return done >= 1 ? null : { from, done: 1 - (1 - done) ** 3 };
  }

  /** Calls `visit` for everything that has to be drawn again although nothing changed, and forgets what is over. */
  advance(now: number, level: "shared" | "zones", visit: (place: number) => void): void {
    for (const [zone, { since }] of this.moving) {
      if (level === "zones") visit(zone);
      if (now - since >= TRANSITION_MS) this.moving.delete(zone);
    }
    cool(this.warmZones, now, level === "zones" ? visit : null);
    cool(this.warmCells, now, level === "shared" ? visit : null);
  }

  get anyMoving(): boolean {
    return this.moving.size > 0;
  }

  get anyWarm(): boolean {
    return this.warmZones.size > 0;
  }

  clear(): void {
    this.warmZones.clear();
    this.warmCells.clear();
    this.moving.clear();
  }

  /** Cells are numbered anew when the layout changes. */
  forgetCells(): void {
    this.warmCells.clear();
  }
}

function note(places: Map<number, number>, place: number, now: number): void {
  // Deleted first, so that the newest is always the last.
  places.delete(place);
  places.set(place, now);
  if (places.size <= MOST_WARM) return;
  const oldest = places.keys().next();
  if (oldest.done === false) places.delete(oldest.value);
}

function cool(places: Map<number, number>, now: number, visit: ((place: number) => void) | null): void {
  for (const [place, since] of places) {
    visit?.(place);
    if (now - since >= COOLING_MS) places.delete(place);
  }
}

/** 1 just after the write, 0 when cold. */
const heatOf = (since: number | undefined, now: number): number => (since === undefined ? 0 : Math.max(0, 1 - (now - since) / COOLING_MS));
