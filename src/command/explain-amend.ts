/** Why an option of an image stays as it is, in QEMU's words. */
import { assertNever } from "../base/assert.ts";
import type { AmendProblem } from "../protocol/index.ts";

export function amendWords(problem: AmendProblem): string {
  switch (problem.code) {
    case "no-data-file":
      return "data-file can only be set for images that use an external data file";
    case "raw-not-settable":
      return "data-file-raw cannot be set on existing images";
    case "refcount-bits-in-version-2":
      return "Refcount widths other than 16 bits require compatibility level 1.1 or above (use compat=1.1 or greater)";
    case "refcount-table-too-large":
      return "This operation would make the refcount table grow beyond the maximum size supported by QEMU, aborting";
    case "refcount-too-narrow":
      return `Cannot decrease refcount entry width to ${problem.bits} bits: Cluster at offset 0x${problem.hostOffset.toString(16)} has a refcount of ${problem.refcount}`;
    case "backing-file":
      return "Cannot amend the backing file";
    case "lazy-in-version-2":
      return "Lazy refcounts only supported with compatibility level 1.1 and above (use compat=1.1 or greater)";
    case "header-full":
      return "Failed to update the image header: No space left on device";
    case "downgrade-refcount-bits":
      return "compat=0.10 requires refcount_bits=16";
    case "downgrade-data-file":
      return "Cannot downgrade an image with a data file";
    case "downgrade-snapshots":
      return "Internal snapshots prevent downgrade of image";
    case "downgrade-features":
      return `Cannot downgrade an image with incompatible features 0x${problem.features.reduce((bits, bit) => bits | (1n << BigInt(bit)), 0n).toString(16)} set`;
    case "downgrade-zstd-clusters":
      return "Cannot downgrade an image with zstd compression type and existing compressed clusters";
    default:
      return assertNever(problem);
  }
}
