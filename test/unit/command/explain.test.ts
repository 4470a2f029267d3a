import { describe, expect, it } from "vitest";
import { explain, openFailureWords } from "../../../src/command/explain.ts";
import { errnoOf, strerror } from "../../../src/command/strerror.ts";
import type { Failure, ZoneRefusal } from "../../../src/protocol/index.ts";

const MIB = 2 ** 20;

describe("why, and what instead", () => {
  const check = (refusal: ZoneRefusal, why: string, instead: string | null): void =>
    it(`${refusal.code} of ${refusal.operation}`, () => {
      const explained = explain(refusal);
      expect(explained.why).toBe(why);
      expect(explained.instead).toBe(instead);
      expect(explained.names?.errno).toBe(errnoOf(refusal));
    });
  const zone = { kind: "zone", zone: 2 } as const;
  check(
    { ...zone, code: "not-at-write-pointer", operation: "write", requested: 128 * MIB, writePointer: 128 * MIB + 4096 },
    "Zone 2 is written only at its write pointer, 128.004 MiB (134221824); this write starts at 128 MiB (134217728), 4 KiB (4096 bytes) below it.",
    "Write at 134221824, or reset zone 2 to write it from its start again.",
  );
  check(
    { ...zone, code: "not-at-write-pointer", operation: "write-zeroes", requested: 128 * MIB + 512, writePointer: 128 * MIB },
    "Zone 2 is written only at its write pointer, 128 MiB (134217728); this write of zeros starts at 128 MiB (134218240), 512 bytes above it.",
    "Write at 134217728, or append, which finds the pointer by itself.",
  );
  check(
    { ...zone, code: "zone-full", operation: "append", requested: 192 * MIB, writePointer: 192 * MIB },
    "Zone 2 is FULL, with its write pointer at 192 MiB (201326592); the append at 192 MiB (201326592) has no place in it.",
    "Reset zone 2 to write it again, or go on in another zone.",
  );
  check(
    { ...zone, code: "exceeds-capacity", operation: "write", requested: 100 * MIB, lengthBytes: 8192, writableEnd: 100 * MIB + 4096 },
    "This write of 8 KiB (8192 bytes) would end at 100.008 MiB (104865792); zone 2 can be written up to 100.004 MiB (104861696).",
    "At most 4 KiB (4096 bytes) fit here; the rest belongs into another zone.",
  );
  check(
    { ...zone, code: "too-many-active", operation: "open", active: 8, maxActive: 8 },
    "8 zones are active (open or closed), the limit is 8, and zone 2 would be one more.",
    "Finish or reset an active zone first; to close one does not help, a closed zone is active.",
  );
  check({ ...zone, code: "invalid-transition", operation: "open", condition: 14 }, "Zone 2 is FULL, and a zone in that condition cannot be opened.", "Reset zone 2; it is EMPTY then.");
  check({ ...zone, code: "conventional-zone", operation: "append" }, "Zone 2 is conventional: it has no write pointer to append at.", "Write to it, at any offset.");
  check(
    { ...zone, code: "append-too-large", operation: "append", lengthBytes: MIB, maxAppendBytes: 262144 },
    "This append is 1 MiB (1048576 bytes) in all; the disk takes at most 256 KiB (262144 bytes) in one.",
    "Split it into 4 appends of at most 262144 bytes each.",
  );
  check(
    { kind: "zone", zone: null, code: "misaligned", operation: "reset", subject: "range-end", value: 65 * MIB, multipleOf: 64 * MIB },
    "The range ends at 65 MiB (68157440), inside a zone; zones end at multiples of 64 MiB (67108864) and at the end of the disk.",
    "Name whole zones: end at 134217728, or at the end of the disk if that comes first.",
  );
  check(
    { kind: "zone", zone: 1, code: "misaligned", operation: "open", subject: "range-end", value: 64 * MIB, multipleOf: 64 * MIB },
    "The range starts and ends at 64 MiB (67108864): it covers no zone.",
    "Name whole zones: end at 134217728, or at the end of the disk if that comes first.",
  );
  check(
    { kind: "zone", zone: null, code: "out-of-range", operation: "read", offset: 760 * MIB, lengthBytes: 16 * MIB, deviceSize: 768 * MIB },
    "The read of 16 MiB (16777216 bytes) at 760 MiB (796917760) ends beyond the disk's size, 768 MiB (805306368).",
    "From there at most 8 MiB (8388608 bytes) are left.",
  );
  check(
    { kind: "zone", zone: null, code: "unsupported", operation: "report", reason: "not-zoned" },
    "This image is not zoned, and a zone report needs zones.",
    "Create an image with zone_model=1 and a zone_size.",
  );
});

describe("errno", () => {
  const base = { kind: "zone", zone: null } as const;
  const range = { ...base, code: "out-of-range", offset: 1, lengthBytes: 1, deviceSize: 1 } as const;
  const check = (failure: Failure, expected: string): void => it(JSON.stringify(failure), () => expect(strerror(failure)).toBe(expected));
  check({ ...range, operation: "report" }, "Invalid argument");
  check({ ...range, operation: "read" }, "Input/output error");
  check({ ...base, code: "append-disabled", operation: "append" }, "Operation not supported");
  check({ ...base, code: "conventional-zone", operation: "reset" }, "Input/output error");
  check({ kind: "store", code: "no-space", operation: "write", store: "x", offset: 0, lengthBytes: 1, detail: "" }, "No space left on device");
  check({ kind: "image", structure: "L2 table", field: "entry", hostOffset: 0, found: "1", allowed: "0" }, "Input/output error");
});

describe("what is no refusal", () => {
  const check = (failure: Failure, expected: string): void => it(failure.kind, () => expect(explain(failure).why).toBe(expected));
  check(
    { kind: "image", structure: "L2 table", field: "entry 3", hostOffset: 0x40018, found: "0x1ff", allowed: "a multiple of 65536" },
    "The field entry 3 of the L2 table, at byte 0x40018 of the file, is 0x1ff; allowed is a multiple of 65536.",
  );
  check({ kind: "option", option: "zone_size", found: "3", allowed: "a power of two" }, "zone_size is 3; allowed is a power of two.");
  check({ kind: "file", code: "no-space", file: "a", neededBytes: 2048, freeBytes: 0 }, "a does not fit: 2 KiB (2048 bytes) are needed and 0 bytes are left.");
  check({ kind: "bug", message: "TypeError: Failed to fetch dynamically imported module: http://localhost/worker/part.js" }, "TypeError: Failed to fetch dynamically imported module: http://localhost/worker/part.js.");
  check({ kind: "bug", message: "x" }, "x. It works no further on this image, so that nothing is made worse.");
});

describe("why an image did not open", () => {
  const check = (failure: Failure, expected: string): void => it(expected, () => expect(openFailureWords("a", failure)).toBe(expected));
  check({ kind: "file", code: "not-found", file: "a" }, "Could not open 'a': No such file or directory");
  check({ kind: "file", code: "denied", file: "a" }, "Could not open 'a': Permission denied");
  check({ kind: "file", code: "in-use", file: "a" }, 'Failed to get "write" lock\nIs another process using the image [a]?');
  check({ kind: "image", structure: "header", field: "magic", hostOffset: 0, found: "", allowed: "" }, "Image is not in qcow2 format");
  check({ kind: "unsupported", feature: "external data file" }, "Unsupported qcow2 feature(s): external data file");
});
