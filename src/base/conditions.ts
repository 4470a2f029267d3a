/**
 * Zone conditions and types by the numbers of Linux's blkzoned.h, which virtio-blk and qemu-io's zone report use too
 * (zone semantics, "What the zoned device does").
 */

export const Condition = {
  NOT_WP: 0,
  EMPTY: 1,
  IMPLICIT_OPEN: 2,
  EXPLICIT_OPEN: 3,
  CLOSED: 4,
  READ_ONLY: 13,
  FULL: 14,
  OFFLINE: 15,
} as const;
export type Condition = (typeof Condition)[keyof typeof Condition];

export const ZoneType = { CONVENTIONAL: 1, SEQUENTIAL: 2 } as const;
export type ZoneType = (typeof ZoneType)[keyof typeof ZoneType];

const conditionNames: Readonly<Record<Condition, string>> = {
  0: "NOT_WP",
  1: "EMPTY",
  2: "IMPLICIT_OPEN",
  3: "EXPLICIT_OPEN",
  4: "CLOSED",
  13: "READ_ONLY",
  14: "FULL",
  15: "OFFLINE",
};

/** The condition's name as this product prints it everywhere, e.g. "IMPLICIT_OPEN". */
export const conditionName = (condition: Condition): string => conditionNames[condition];
