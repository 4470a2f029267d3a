import { expect, test } from "vitest";
import { xxh64 } from "../../../src/qcow2/xxh64.ts";

/** What libxxhash 0.8.1 makes of bytes by their count. */
const KNOWN: readonly (readonly [count: number, hash: bigint])[] = [
  [0, 0xef46db3751d8e999n],
  [1, 0xe934a84adb052768n],
  [3, 0x9ff70a635a6209abn],
  [4, 0xae5acdc00a55ac41n],
  [7, 0xd734a6b26f3da63en],
  [8, 0x87116b3365b924ebn],
  [12, 0x14b8433b9a14e611n],
  [31, 0x0f187c62b1e722b7n],
  [32, 0x91b0cb0931a8c629n],
  [33, 0x931b043cf8d65b94n],
  [39, 0x39c20d6f000a8ff7n],
  [63, 0x219110bf13e2fa26n],
  [64, 0xbf3052e3445775d0n],
  [100, 0x8e2272c08247d5dbn],
  [1000, 0x73e51810f1f77450n],
  [65537, 0xb1e7d4e15af7e16bn],
];

test.each(KNOWN)("of %i bytes it is what the library says that QEMU's decoder uses", (count, hash) => {
  const bytes = Uint8Array.from({ length: count + 3 }, (_, index) => (index - 3) * 7 + Math.floor((index - 3) / 251));
  expect(xxh64(bytes.subarray(3))).toBe(hash);
});
