/** What the map needs to know of the zones: columns, and the numbers that turn a pointer into a share of a cell. */

/** Conditions are numbers below this. */
export const CONDITION_SLOTS = 16;

export interface ZonePicture {
  readonly condition: Uint8Array;
  readonly writePointer: Float64Array;
  readonly zoneSize: number;
  /** Writable bytes of a sequential zone; of the last one, where it is short, capacityOf tells. */
  readonly zoneCapacity: number;
  readonly lengthOf: (zone: number) => number;
  readonly capacityOf: (zone: number) => number;
  /** Two short texts for a zone's labelled cell: the condition, and the bytes used. */
  readonly labelOf: (zone: number) => { readonly condition: string; readonly used: string };
  /** Two short texts for a labelled cell of many zones: which they are, and how full. */
  readonly sharedLabelOf: (first: number, end: number, share: number) => { readonly zones: string; readonly fill: string };
}
