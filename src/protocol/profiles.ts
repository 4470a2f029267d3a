/** The profiles by name: whose rules a device can follow. What each says is in zoned/profiles.ts; the engine alone needs that. */
import type { ProfileName } from "../zoned/policy.ts";

export type { ProfileName } from "../zoned/policy.ts";

const KNOWN: Readonly<Record<ProfileName, true>> = { qcow2: true, "v4-as-posted": true, zns: true, zbc: true, null_blk: true };

/** Every profile, in the order of the table. */
export const PROFILE_NAMES = Object.keys(KNOWN) as readonly ProfileName[];

export const isProfileName = (text: string): text is ProfileName => Object.hasOwn(KNOWN, text);
