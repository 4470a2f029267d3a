/** Why an image is not given to Linux, and why there is no Linux, in sentences. */
import { assertNever } from "../base/assert.ts";
import type { GuestRefusal } from "../guest/block-config.ts";
import type { GuestProblem } from "../protocol/index.ts";
import type { Explanation } from "./explain.ts";
import { exactBytes } from "./format.ts";

const told = (title: string, why: string, instead: string | null): Explanation => ({ title, why, instead, names: null });

/** A device that Linux 6.12 would not take, or would take for another than it is. */
export function explainGuestRefusal(refusal: GuestRefusal): Explanation {
  switch (refusal.code) {
    case "zone-size":
      return told("Linux would not take these zones", `Its driver takes zones of a power of two of sectors; these have ${exactBytes(refusal.zoneSize)}.`, "Make an image with another zone_size, such as 64M.");
    case "no-append":
      return told("Linux would not take a disk without zone append", "Its driver wants a zoned disk to append; the append limit of this one is less than a sector.", "Make an image with max_append_bytes=512K, or max_append_sectors in the other spelling.");
    case "zone-too-large":
      return told("The zones are too large for virtio", `A virtio disk tells the size of its zones as 32 bits of sectors; ${exactBytes(refusal.zoneSize)} are more.`, "Make an image with smaller zones.");
    case "less-than-a-zone":
      return told("The disk is smaller than one zone", `It has ${exactBytes(refusal.sizeBytes)} and its zones ${exactBytes(refusal.zoneSize)}; Linux makes no zoned disk of less than a zone.`, "Make an image of a zone or more.");
    case "size":
      return told("The disk is no whole number of sectors", `Its size is ${exactBytes(refusal.sizeBytes)}; a disk of Linux has sectors of 512 bytes.`, null);
    default:
      return assertNever(refusal);
  }
}

const LACKING: Readonly<Record<Extract<GuestProblem, { code: "browser" }>["lacks"], string>> = {
  webassembly: "The machine that Linux runs on is WebAssembly, which this browser does not have, or which is switched off.",
  workers: "Linux runs in a worker of its own, and this browser has none for this page.",
  checksums: "What is fetched is held against checksums, which this browser offers to pages of https and of this machine alone.",
};

/** Why there is no machine, or none any more. */
export function explainGuestProblem(problem: GuestProblem): Explanation {
  switch (problem.code) {
    case "browser":
      return told("This browser cannot run Linux", LACKING[problem.lacks], problem.lacks === "checksums" ? "Open the page by https." : "Take a browser of this year.");
    case "fetch": {
      const why = problem.status === null ? `${problem.file} did not come: there is no network, or the server went silent.` : `The server answered ${problem.status} for ${problem.file}.`;
      return told("A file of the machine could not be fetched", why, "Try again with a network; once fetched it is kept for offline use.");
    }
    case "checksum":
      return told("A file of the machine is not the one it should be", `${problem.file} has another checksum than this version of the program was built with.`, "Reload the page: a new version of the program may be there.");
    case "machine":
      return told("The machine stopped", `The emulator ended by itself: ${problem.detail}.`, "Attach Linux again; what was flushed is on the disk.");
    default:
      return assertNever(problem);
  }
}
