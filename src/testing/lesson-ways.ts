/**
 * For every step of every lesson: what a person may try that does not do it, and what does. The unit test walks them over the page's
 * actions, the end-to-end test in the page. A lesson without its ways fails both.
 */

export interface ZoneButton {
  readonly button: "Open" | "Close" | "Finish" | "Reset" | "Append" | "Write" | "Read";
  readonly zone: number;
  readonly length?: string;
  readonly offset?: string;
}

/** A string is a line of the console. */
export type Act =
  | string
  | ZoneButton
  | { readonly press: "Power cycle" }
  | { readonly select: number; readonly on: "map" | "table" }
  | { readonly tab: "Header" | "Layout" | "Tables" | "Hex" | "Check" | "Snapshots" }
  /** The row of the tab Header that has this field. */
  | { readonly field: string };

export interface Way {
  /** Done before the right thing: none of it finishes the step. */
  readonly wrong: readonly Act[];
  readonly right: readonly Act[];
}

export const WAYS: Readonly<Record<string, readonly Way[]>> = {
  zones: [
    { wrong: ["read 0 4k", "zap -p 1m 4k", "write 0 2k"], right: [{ button: "Append", zone: 0, length: "4K" }] },
    { wrong: [], right: [{ button: "Append", zone: 0, length: "4K" }] },
    { wrong: [{ button: "Append", zone: 0, length: "4K" }, "write 1m 4k"], right: [{ button: "Write", zone: 0, length: "4K", offset: "0" }] },
    { wrong: ["read 64k 4k"], right: [{ button: "Read", zone: 0, length: "4K", offset: "0" }] },
    { wrong: ["zap -p 4m 4k", { select: 5, on: "table" }], right: [{ select: 5, on: "map" }, { button: "Append", zone: 5, length: "4K" }] },
    { wrong: ["zf 0 1m", "zrs 5m 1m"], right: [{ button: "Reset", zone: 0 }] },
  ],
  "write-pointer": [
    { wrong: ["write 512k 64k", "write 256k 32k"], right: ["write 288k 64k"] },
    { wrong: ["write 0 4k", "read 384k 4k"], right: [{ button: "Write", zone: 1, length: "4K", offset: "384K" }] },
    { wrong: ["read 256k 4k"], right: [{ button: "Read", zone: 1, length: "4K", offset: "384K" }] },
    { wrong: ["write 352k 64k"], right: ["write 416k 96k"] },
    { wrong: ["write 512k 4k"], right: [{ button: "Write", zone: 1, length: "4K", offset: "256K" }] },
  ],
  append: [
    { wrong: ["zap -p 1m 4k", "write 2m 4k"], right: ["write 1028k 4k"] },
    { wrong: ["write 1032k 4k"], right: ["write 1m 4k"] },
    { wrong: ["write 1036k 4k"], right: [{ button: "Append", zone: 1, length: "4K" }] },
    { wrong: ["zap -p 2m 4k 8k"], right: ["zap -p 1m 4k 8k"] },
    { wrong: ["write 5m 100"], right: ["zap -p 1028k 4k"] },
    { wrong: ["write 1060k 128k"], right: [{ button: "Append", zone: 1, length: "128K" }] },
  ],
  conditions: [
    { wrong: ["write 2m 4k", "zo 4m 1m", "zrs 4m 1m"], right: [{ button: "Write", zone: 3, length: "4K" }] },
    { wrong: ["zo 2m 1m", { button: "Write", zone: 3 }], right: [{ button: "Open", zone: 3 }] },
    { wrong: ["zc 2m 1m"], right: [{ button: "Close", zone: 3 }] },
    { wrong: ["zf 2m 1m", "zo 3m 1m"], right: ["zf 3m 1m"] },
    { wrong: ["write 3m 4k", "zrs 2m 1m"], right: [{ button: "Reset", zone: 3 }] },
    { wrong: ["zc 4m 1m", "zo 4m 1m", "zrs 4m 1m"], right: ["zo 4m 1m", { button: "Close", zone: 4 }] },
  ],
  "finish-reset": [
    { wrong: ["zf 512k 256k", "zf 64k 64k"], right: [{ button: "Finish", zone: 0 }] },
    { wrong: ["read 0 64k"], right: [{ button: "Read", zone: 0, length: "4K", offset: "128K" }] },
    { wrong: ["zap -p 1m 4k"], right: [{ button: "Append", zone: 0 }] },
    { wrong: ["zrs 0 256k", "zrs 128k 256k", "read 256k 4k"], right: ["zrs 256k 256k"] },
    { wrong: ["read 0 4k"], right: [{ button: "Read", zone: 1, length: "4K" }] },
    { wrong: ["zrs 512k 256k", "zf 1m 256k"], right: [{ button: "Finish", zone: 2 }] },
  ],
  "implicit-explicit": [
    { wrong: ["zo 0 1m", "zc 0 1m", "write 1m 4k", "zrs 1m 1m"], right: [{ button: "Write", zone: 0, length: "4K" }] },
    { wrong: ["write 4k 4k"], right: [{ button: "Open", zone: 1 }] },
    { wrong: ["write 8k 4k"], right: ["write 2m 4k"] },
    { wrong: ["write 2052k 4k"], right: [{ button: "Open", zone: 3 }] },
    { wrong: ["write 5m 4k", "read 0 4k"], right: [{ button: "Write", zone: 0, length: "4K", offset: "12K" }] },
    { wrong: ["zc 0 1m"], right: [{ button: "Close", zone: 1 }] },
    { wrong: ["write 3m 4k"], right: ["write 12k 4k"] },
  ],
  "open-limit": [
    { wrong: ["write 0 4k", "write 1m 4k"], right: ["write 2m 4k"] },
    { wrong: ["write 2052k 4k"], right: [{ button: "Write", zone: 3, length: "4K" }] },
    { wrong: ["write 2056k 4k"], right: ["write 1028k 4k"] },
    { wrong: ["zc 2m 1m", "write 2060k 4k"], right: ["write 3076k 4k", "write 1032k 4k", "write 4m 4k"] },
    { wrong: ["zo 1m 1m", "zo 3m 1m"], right: [{ button: "Open", zone: 4 }] },
    { wrong: ["write 1036k 4k"], right: [{ button: "Write", zone: 5, length: "4K" }] },
  ],
  "active-limit": [
    { wrong: ["write 0 4k", "write 1m 4k"], right: [{ button: "Write", zone: 2, length: "4K" }] },
    { wrong: ["write 1028k 4k"], right: [{ button: "Write", zone: 3, length: "4K" }] },
    { wrong: ["zc 2m 1m"], right: [{ button: "Close", zone: 1 }] },
    { wrong: ["write 4m 4k"], right: ["write 3m 4k"] },
    { wrong: ["zo 1m 1m", "zc 1m 1m"], right: [{ button: "Finish", zone: 1 }] },
    { wrong: ["write 4k 4k"], right: ["write 3m 4k"] },
    { wrong: ["zrs 1m 1m", "zf 0 1m"], right: [{ button: "Reset", zone: 0 }] },
  ],
  capacity: [
    { wrong: ["write 2m 1m", "read 1788k 8k"], right: [{ button: "Write", zone: 1, length: "8K" }] },
    { wrong: ["write 1788k 8k", "write 1788k 2k"], right: ["write 1790k 2k"] },
    { wrong: ["read 1788k 4k"], right: [{ button: "Read", zone: 1, length: "4K", offset: "1792K" }] },
    { wrong: ["write 1792k 4k"], right: [{ button: "Write", zone: 2, length: "4K" }] },
    { wrong: ["length"], right: ["zrp 0 8"] },
  ],
  power: [
    { wrong: ["write 1m 4k", "zrs 1m 1m", "write 0 32k"], right: ["write 32k 32k"] },
    { wrong: ["read 0 4k"], right: ["flush"] },
    { wrong: ["write 1m 4k", "zrs 1m 1m"], right: [{ button: "Open", zone: 1 }] },
    { wrong: ["write 2m 4k"], right: [{ button: "Open", zone: 2 }] },
    { wrong: ["zf 4m 1m"], right: [{ button: "Finish", zone: 3 }] },
    { wrong: ["flush"], right: [{ press: "Power cycle" }] },
    { wrong: ["read 0 32k"], right: ["read 0 64k"] },
    { wrong: ["zo 0 1m", "zc 0 1m"], right: [{ button: "Write", zone: 0, length: "4K" }] },
  ],
  conventional: [
    { wrong: ["write 2m 4k", "write 0 4k"], right: [{ button: "Write", zone: 0, length: "4K", offset: "512K" }] },
    { wrong: ["write 0 4k"], right: ["write -P 0x77 512k 4k"] },
    { wrong: ["zap -p 2m 4k"], right: [{ button: "Append", zone: 0, length: "4K" }] },
    { wrong: ["zrs 2m 1m", "zo 1m 1m"], right: ["zrs 1m 1m"] },
    { wrong: ["write 1020k 4k", "write 1028k 4k"], right: ["write 1024k 4k"] },
    { wrong: ["write 2040k 8k", "read 2044k 8k"], right: ["write 2044k 8k"] },
    { wrong: ["zrs 2m 6m", "zrs 0 7m"], right: ["zrs 0 8m"] },
  ],
  cleaning: [
    { wrong: ["read 0 32k", "read 128k 128k"], right: [{ button: "Read", zone: 0, length: "32K", offset: "96K" }] },
    { wrong: ["write -P 0xd1 256k 32k"], right: ["write -P 0xd1 224k 32k"] },
    { wrong: ["zrs 256k 128k"], right: [{ button: "Reset", zone: 0 }] },
    { wrong: ["write -P 0xa3 0 32k"], right: ["write -P 0xd2 32k 32k"] },
    { wrong: ["read 160k 32k", "read 192k 32k", "write -P 0xc2 64k 32k"], right: ["write -P 0xb2 96k 32k"] },
    { wrong: ["zrs 256k 128k"], right: [{ button: "Reset", zone: 1 }] },
  ],
  metadata: [
    { wrong: ["qemu-img info lesson-metadata.qcow2", { select: 2, on: "table" }], right: [{ tab: "Header" }] },
    { wrong: [{ field: "version" }, { tab: "Header" }], right: [{ field: "cluster_bits" }] },
    { wrong: [{ tab: "Hex" }], right: [{ field: "zone_size" }] },
    { wrong: [{ select: 3, on: "table" }, { tab: "Tables" }], right: [{ select: 2, on: "map" }] },
    { wrong: [{ tab: "Hex" }], right: [{ tab: "Layout" }] },
    { wrong: ["qemu-img info lesson-metadata.qcow2", "qemu-img check no-such.qcow2"], right: ["qemu-img check lesson-metadata.qcow2"] },
  ],
  "linux-sees-zones": [
    { wrong: ["zo 2m 2m", "write 6m 4k"], right: ["zo 4m 2m"] },
    { wrong: ["write 4m 4k"], right: ["write 2m 64k", "write 2112k 192k"] },
    { wrong: ["write 4100k 4k"], right: [{ button: "Close", zone: 1 }] },
    { wrong: ["zf 6m 2m"], right: [{ button: "Finish", zone: 1 }] },
    { wrong: ["zo 6m 2m", "zo 8m 4m"], right: ["zo 12m 2m"] },
    { wrong: ["zrs 2m 2m"], right: ["zrs 0 32m"] },
  ],
  "f2fs-on-zones": [
    { wrong: ["write 0 4k"], right: ["write 16m 4k"] },
    { wrong: ["write 16388k 4k"], right: ["write 24m 2m", "write 28m 2m", "write 30m 2m"] },
    { wrong: ["zf 34m 2m", "zrs 22m 2m"], right: ["zrs 24m 2m"] },
    { wrong: ["zrs 28m 2m"], right: ["zrs 0 128m"] },
  ],
};
