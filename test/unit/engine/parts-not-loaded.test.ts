/** A part of the engine that is loaded when it is wanted, and does not come: the call says so, and holds no file. */
import { expect, test, vi } from "vitest";
import type * as Codecs from "../../../src/qcow2/codecs.ts";
import { engineFixture, createOptions } from "../../../src/testing/engine-fixture.ts";

const said = "Failed to fetch dynamically imported module";

vi.mock("../../../src/qcow2/codecs.ts", async (original) => ({
  ...(await original<typeof Codecs>()),
  loadZstdDecoder: () => Promise.reject(new TypeError(said)),
}));
vi.mock("../../../src/engine/debug-node.ts", () => {
  throw new TypeError(said);
});

test("the zstd decoder, for an image and for one below it", async () => {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "base", options: createOptions({ zoned: null, compressionType: "zstd" }) });
  await fixture.ok("create", { file: "over", options: createOptions({ zoned: null, backing: { file: "base", format: "qcow2" } }) });
  const cause = { kind: "bug", message: expect.stringContaining(said) as string };
  expect(await fixture.fail("open", { file: "base", readOnly: false, format: null })).toMatchObject(cause);
  expect(await fixture.fail("open", { file: "over", readOnly: false, format: null })).toMatchObject({ kind: "chain", code: "backing-failed", cause });
  for (const file of ["over", "base"]) await fixture.ok("remove", { file });
});

test("rules by which requests fail", async () => {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "image", options: createOptions({ zoned: null }) });
  const debug = { config: null, options: [["inject-error.event", "write_aio"]] } as const;
  expect(await fixture.fail("open", { file: "image", readOnly: false, format: null, debug })).toMatchObject({ kind: "bug" });
  await fixture.ok("remove", { file: "image" });
});
