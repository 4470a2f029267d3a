import { expect, test } from "vitest";
import { snapshotLines, snapshotTrees } from "../../../src/command/snapshot-list.ts";
import type { SnapshotFacts } from "../../../src/protocol/index.ts";

function facts(changes: Partial<SnapshotFacts> = {}): SnapshotFacts {
  // A date that is told in whatever time zone the test runs.
  const dateSeconds = new Date(2024, 1, 29, 3, 5, 9).getTime() / 1000;
  const base = { id: "1", name: "one", dateSeconds, dateNanoseconds: 7, vmClockSeconds: 0, vmClockNanoseconds: 0, diskSize: null, icount: 0 };
  return { ...base, vmStateBytes: 0, ...changes } as SnapshotFacts;
}

test("the list's columns", () => {
  const lines = [...snapshotLines([
    facts(),
    facts({ id: "12345678", name: "a name longer than its column", icount: null, vmStateBytes: 33030144 as SnapshotFacts["vmStateBytes"] }),
    facts({ name: "öä", vmClockSeconds: 100 * 3600 + 2 * 60 + 3, vmClockNanoseconds: 45_999_999, icount: 1234567890123 }),
  ])];
  expect(lines.join("")).toBe(
    "Snapshot list:\n" +
      "ID      TAG               VM_SIZE                DATE        VM_CLOCK     ICOUNT\n" +
      "1       one                   0 B 2024-02-29 03:05:09  0000:00:00.000          0\n" +
      "12345678 a name longer than its column 31.5 MiB 2024-02-29 03:05:09  0000:00:00.000         --\n" +
      "1       öä                  0 B 2024-02-29 03:05:09  0100:02:03.045 1234567890123\n",
  );
  expect([...snapshotLines([])]).toEqual([]);
});

test("JSON leaves out what nobody counted", () => {
  expect(Object.keys(snapshotTrees([facts({ icount: null })])[0]!)).toEqual(["vm-clock-nsec", "name", "date-sec", "date-nsec", "vm-clock-sec", "id", "vm-state-size"]);
  expect(snapshotTrees([facts({ icount: 3, vmClockSeconds: 5, vmClockNanoseconds: 6 })])[0]).toMatchObject({ icount: 3, "vm-clock-sec": 5, "vm-clock-nsec": 6 });
});
