/** The images that claim to be enormous are images: each is opened, and says what its name does. `npm run hostile` meets all of them with every command. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { NodeFiles } from "../../../src/bytes/node-files.ts";
import { Engine } from "../../../src/engine/engine.ts";
import { CLAIMS } from "../../../src/testing/hostile/claims.ts";

const folder = mkdtempSync(join(tmpdir(), "zonescope-claims-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Those that are quickly made. */
const SMALL: Readonly<Record<string, { readonly virtualSize: number; readonly bitmaps?: number; readonly snapshots?: number }>> = {
  "8192 tables of 2 MiB": { virtualSize: 2 ** 52 },
  "one table of zeros": { virtualSize: 2 ** 46 },
  "a bitmap of 2^32 bits that are set": { virtualSize: 2 ** 41, bitmaps: 1 },
  "65536 snapshots": { virtualSize: 2 ** 29, snapshots: 65_536 },
};

test.each(Object.entries(SMALL))("%s", async (name, { virtualSize, bitmaps = 0, snapshots = 0 }) => {
  CLAIMS[name]!(folder);
  const file = join(folder, "image");
  // Holes are most of it.
  expect(statSync(file).blocks * 512).toBeLessThan(24 * 2 ** 20);
  const engine = new Engine({ files: new NodeFiles(), notify: () => undefined, now: () => 0 });
  const opened = await engine.perform("open", { file, format: "qcow2", readOnly: true });
  expect(opened.ok ? null : opened.error).toBeNull();
  if (!opened.ok) return;
  const { image } = opened.value.facts;
  expect([image.virtualSize, image.bitmaps?.length ?? 0, image.snapshotCount]).toEqual([virtualSize, bitmaps, snapshots]);
  await engine.shutDown();
});

test("there is one of each kind of table", () => {
  for (const word of ["tables", "refcount", "bitmap", "snapshots", "disks", "compressed", "file of"]) expect(Object.keys(CLAIMS).some((name) => name.includes(word)), word).toBe(true);
});
