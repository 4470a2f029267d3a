/** The ready-made sessions of a guest by name. What each types is in src/guest/sessions.ts. */

/** In the order in which they are offered; a link names one. Small letters, digits and dashes. */
export const GUEST_SESSIONS = ["blkzone", "order", "zonefs", "f2fs", "btrfs", "fio"] as const;
export type GuestSessionName = (typeof GUEST_SESSIONS)[number];
export const isGuestSession = (name: string): name is GuestSessionName => (GUEST_SESSIONS as readonly string[]).includes(name);
