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
};
