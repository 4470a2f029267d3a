/**
 * Failures as errno: the name, and the string that C's strerror prints for it, which is what QEMU's programs show.
 * Source: zone semantics, "Errors".
 */
import { assertNever } from "../base/assert.ts";
import { errnoText } from "./errno-text.ts";
import { bitmapErrno } from "./explain-bitmap.ts";
import { snapshotErrno } from "./explain-snapshot.ts";
import { snapshotTableWords, tooMuchWords } from "./image-problem-words.ts";
import type { Failure, FileProblem, StoreProblem, UsageProblem, ZoneRefusal } from "../protocol/index.ts";

const STRINGS = {
  EACCES: "Permission denied",
  EAGAIN: "Resource temporarily unavailable",
  EBADF: "Bad file descriptor",
  EBUSY: "Device or resource busy",
  ECANCELED: "Operation canceled",
  EEXIST: "File exists",
  EFBIG: "File too large",
  EINVAL: "Invalid argument",
  EIO: "Input/output error",
  ENOENT: "No such file or directory",
  ENOSPC: "No space left on device",
  ENOTSUP: "Operation not supported",
  EROFS: "Read-only file system",
} as const;

export type Errno = keyof typeof STRINGS;

/** Linux's numbers, of errors that rules of blkdebug may ask for; errno-text.ts has the text of any other. */
const NUMBERS: Readonly<Partial<Record<number, Errno>>> = { 2: "ENOENT", 5: "EIO", 9: "EBADF", 11: "EAGAIN", 13: "EACCES", 16: "EBUSY", 17: "EEXIST", 22: "EINVAL", 27: "EFBIG", 28: "ENOSPC", 30: "EROFS", 95: "ENOTSUP", 125: "ECANCELED" };

/** The errno that QEMU would give for a failure. */
export function errnoOf(failure: Failure): Errno {
  switch (failure.kind) {
    case "zone":
      return errnoOfRefusal(failure);
    case "image":
      return snapshotTableWords(failure)?.errno ?? (tooMuchWords(failure) === null ? "EIO" : "EFBIG");
    case "bug":
    case "remote":
      return "EIO";
    case "store":
      return (failure.errno === undefined ? undefined : NUMBERS[failure.errno]) ?? errnoOfStore(failure.code);
    case "file":
      return errnoOfFile(failure.code);
    case "option":
      return "EINVAL";
    case "unsupported":
      return "ENOTSUP";
    case "usage":
      return errnoOfUsage(failure.code);
    case "move":
      return errnoOf(failure.cause);
    case "cancelled":
      return "ECANCELED";
    case "bitmap":
      return bitmapErrno(failure);
    case "snapshot":
      return snapshotErrno(failure);
    case "resize":
      return failure.code === "too-large" ? "EFBIG" : failure.code === "misaligned" ? "EINVAL" : "ENOTSUP";
    case "amend":
      return failure.code === "header-full" ? "ENOSPC" : failure.code.startsWith("downgrade") ? "ENOTSUP" : "EINVAL";
    case "chain":
      return "cause" in failure ? errnoOf(failure.cause) : "EINVAL";
    default:
      return assertNever(failure);
  }
}

/** "Invalid argument" and its like. */
export function strerror(failure: Failure): string {
  const asked = askedErrno(failure);
  return asked === null || NUMBERS[asked] !== undefined ? STRINGS[errnoOf(failure)] : errnoText(asked);
}

/** The error number that a rule of blkdebug asked for, null where none did. */
function askedErrno(failure: Failure): number | null {
  if (failure.kind === "move" || (failure.kind === "chain" && "cause" in failure)) return askedErrno(failure.cause);
  return failure.kind === "store" ? (failure.errno ?? null) : null;
}

export const errnoString = (errno: Errno): string => STRINGS[errno];

function errnoOfRefusal(refusal: ZoneRefusal): Errno {
  switch (refusal.code) {
    case "not-at-write-pointer":
    case "zone-full":
    case "exceeds-capacity":
    case "too-many-open":
    case "too-many-active":
    case "invalid-transition":
    case "misaligned":
      return "EINVAL";
    case "conventional-zone":
      return "EIO";
    case "append-too-large":
    case "append-disabled":
    case "unsupported":
      return "ENOTSUP";
    case "out-of-range":
      return refusal.operation === "report" ? "EINVAL" : "EIO";
    default:
      return assertNever(refusal);
  }
}

function errnoOfStore(code: StoreProblem["code"]): Errno {
  switch (code) {
    case "no-space":
      return "ENOSPC";
    case "read-only":
      return "EROFS";
    case "closed":
      return "EBADF";
    case "short-read":
    case "short-write":
    case "changed":
    case "io":
      return "EIO";
    default:
      return assertNever(code);
  }
}

function errnoOfFile(code: FileProblem["code"]): Errno {
  switch (code) {
    case "not-found":
      return "ENOENT";
    case "exists":
      return "EEXIST";
    case "in-use":
      return "EBUSY";
    case "bad-name":
      return "EINVAL";
    case "no-space":
      return "ENOSPC";
    case "denied":
      return "EACCES";
    case "not-a-file":
    case "io":
      return "EIO";
    default:
      return assertNever(code);
  }
}

function errnoOfUsage(code: UsageProblem["code"]): Errno {
  switch (code) {
    case "closed-handle":
      return "EBADF";
    case "lent":
      return "EBUSY";
    case "read-only":
    case "corrupt":
      return "EACCES";
    case "unrepairable":
      return "EIO";
    case "too-large":
    case "compressed-misaligned":
      return "EINVAL";
    case "compressed-in-use":
      return "EIO";
    case "compressed-data-file":
      return "ENOTSUP";
    case "vm-state-too-far":
      return "EFBIG";
    default:
      return assertNever(code);
  }
}
