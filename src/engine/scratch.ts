/** A scratch device: a zoned image in memory that no file stands behind, to try commands on under some profile. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { UniformStore } from "../bytes/uniform-store.ts";
import type { CreateOptions, Failure, ProfileName } from "../protocol/index.ts";
import { atBorder } from "./border.ts";
import { checkCreateOptions, writeNewImage } from "./create-image.ts";
import { OpenImage } from "./open-image.ts";

/** Makes and opens one; closing it forgets it. */
export function openScratch(handle: number, options: CreateOptions, profile: ProfileName, now: () => number): Result<OpenImage, Failure> {
  const bad = checkCreateOptions(options);
  if (bad !== null) return err(bad);
  return atBorder(() => {
    const name = `scratch:${handle}`;
    const store = new UniformStore(name);
    const written = writeNewImage(store, options);
    if (!written.ok) return written;
    const image = OpenImage.over(handle, name, store, "qcow2", true, now);
    const set = image.setProfile(profile);
    return set.ok ? ok(image) : set;
  });
}
