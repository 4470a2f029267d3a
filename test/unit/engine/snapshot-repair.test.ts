/** Snapshot tables beyond the limits: refused by every reader, cut by a repair, and what they referred to is given back. */
import { expect, test } from "vitest";
import { Fault } from "../../../src/base/fault.ts";
import { MemoryContents, MemoryStore } from "../../../src/bytes/memory-store.ts";
import { writeNewImage } from "../../../src/engine/create-image.ts";
import { runToEnd } from "../../../src/engine/jobs.ts";
import { STANDALONE } from "../../../src/engine/open-device.ts";
import { OpenImage } from "../../../src/engine/open-image.ts";
import { MIB, createOptions } from "../../../src/testing/engine-fixture.ts";

/** A version 2 image that counts so many snapshots of nothing, at 1 MiB. */
function withSnapshots(count: number, change: (table: DataView) => void = () => undefined): MemoryStore {
  const store = new MemoryStore("a", new MemoryContents());
  expect(writeNewImage(store, createOptions({ sizeBytes: MIB, version: 2, zoned: null })).ok).toBe(true);
  const table = new Uint8Array(3 * MIB);
  change(new DataView(table.buffer));
  store.write(MIB, table);
  const place = new DataView(new ArrayBuffer(12));
  place.setUint32(0, count);
  place.setBigUint64(4, BigInt(MIB));
  store.write(60, new Uint8Array(place.buffer));
  return store;
}

const open = (store: MemoryStore, forCheck = true): OpenImage => new OpenImage(1, { ...STANDALONE, file: "a", store, format: "qcow2", forCheck }, true, () => 0);

function snapshotCount(store: MemoryStore): number {
  const bytes = new Uint8Array(4);
  store.read(60, bytes);
  return new DataView(bytes.buffer).getUint32(0);
}

test("those beyond 65536 are no longer counted", () => {
  const store = withSnapshots(65536 + 9);
  expect(() => open(store, false)).toThrow(Fault);
  const image = open(store);
  expect(runToEnd(image.guardWork(() => image.check()))).toMatchObject({ ok: false, error: { kind: "image", field: "nb_snapshots" } });
  const repaired = runToEnd(open(store).repair("all"));
  expect(repaired).toMatchObject({ ok: true, value: { after: { corruptions: 0, leaks: 0, checkErrors: 0 } } });
  if (!repaired.ok) return;
  expect(repaired.value.findings[0]).toEqual({ finding: "snapshots-overhanging", count: 9, wrong: "too-many", repairing: true });
  // The nine, and the clusters of the table that nobody had counted.
  expect(repaired.value.corruptionsFixed).toBe(9 + (65536 * 40) / 65536);
  expect(snapshotCount(store)).toBe(65536);
  expect(open(store, false).device.disk.readOnly).toBe(false);
});

test("extra data that is too long is cut, behind the file's end too, and what else the entry has stays", () => {
  const store = withSnapshots(2, (table) => {
    table.setUint32(32, 77);
    table.setUint32(40 + 36, 2 ** 31 - 1000);
  });
  expect(() => runToEnd(open(store).check())).toThrow(Fault);
  const repaired = runToEnd(open(store).repair("all"));
  expect(repaired).toMatchObject({ ok: true, value: { after: { corruptions: 0, leaks: 0, checkErrors: 0 } } });
  if (!repaired.ok) return;
  expect(repaired.value.findings[0]).toEqual({ finding: "snapshot-extra", index: 1, extraBytes: 2 ** 31 - 1000, most: 1024, repairing: true });
  expect(snapshotCount(store)).toBe(2);
});

test("entries further away than 2 GiB are no longer counted", () => {
  const store = withSnapshots(3, (table) => table.setUint32(40 + 36, 2 ** 31 - 1));
  const repaired = runToEnd(open(store).repair("all"));
  expect(repaired).toMatchObject({ ok: true, value: { after: { corruptions: 0, leaks: 0, checkErrors: 0 } } });
  expect(snapshotCount(store)).toBe(1);
});

test("where leaks alone are repaired such a table is refused, and stays", () => {
  const store = withSnapshots(65536 + 9);
  expect(() => runToEnd(open(store).repair("leaks"))).toThrow(Fault);
  expect(snapshotCount(store)).toBe(65536 + 9);
});
