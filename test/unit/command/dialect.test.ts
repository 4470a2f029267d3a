import { describe, expect, it } from "vitest";
import { DIALECT_USAGE, dialect } from "../../../src/command/dialect.ts";
import { run } from "../../../src/command/program.ts";
import type { Failure } from "../../../src/protocol/index.ts";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import { fakeEngine } from "./fake-engine.ts";

type Perform = Parameters<typeof run>[1];
async function type(line: string, perform: Perform): Promise<{ out: string; err: string; status: number }> {
  const text = { out: "", err: "", explain: "" };
  const status = await run(dialect(line === "" ? [] : line.split(" ")), perform, (piece, stream) => (text[stream] += piece));
  return { out: text.out, err: text.err, status };
}

describe("dialect IMAGE", () => {
  it("says which and why", async () => {
    const fixture = engineFixture();
    await fixture.ok("create", { file: "z.qcow2", options: createOptions({ zoned: { maxAppendBytes: 256 * KIB } }) });
    expect(await type("z.qcow2", fixture.engine.perform)).toEqual({
      out: `image: z.qcow2
dialect: v4 (the layout posted up to version 4; stock programs open the image and do not see its zones)
why: header extension 0x007a6264 is 48 bytes long, and incompatible feature bit 5 is clear
fields: zone_size and zone_capacity of 32 bits, append limit in sectors of 512 bytes, zonedmeta_offset before zonedmeta_size
extension: bytes 0x78 to 0xa7 of the file, within the first 512
zones: 12 zones of 1 MiB (1048576 bytes)
pointers: 96 bytes at 0x30000 of the file
`,
      err: "",
      status: 0,
    });
    expect(await type("z.qcow2 v9", fixture.engine.perform)).toEqual({
      out: "z.qcow2: v4 is now v9, by one write of the first 512 bytes; the feature name table keeps incompatible features only\n",
      err: "",
      status: 0,
    });
    expect(await type("z.qcow2 v9", fixture.engine.perform)).toEqual({ out: "z.qcow2: is v9 already; nothing was written\n", err: "", status: 0 });
    expect((await type("z.qcow2", fixture.engine.perform)).out).toBe(`image: z.qcow2
dialect: v9 (the layout posted in versions 8 to 10; stock programs refuse the image)
why: header extension 0x007a6264 is 56 bytes long, and incompatible feature bit 5 ("zoned format" in the image's own table) is set
fields: zone_size and zone_capacity of 64 bits, append limit in bytes, zonedmeta_size before zonedmeta_offset
extension: bytes 0x78 to 0xaf of the file, within the first 512
zones: 12 zones of 1 MiB (1048576 bytes)
pointers: 96 bytes at 0x30000 of the file
`);
  });

  it("says what an image is that is none", async () => {
    const fixture = engineFixture();
    await fixture.ok("create", { file: "plain.qcow2", options: createOptions({ zoned: null, sizeBytes: MIB }) });
    expect(await type("plain.qcow2", fixture.engine.perform)).toEqual({
      out: "image: plain.qcow2\ndialect: none\nwhy: there is no header extension 0x007a6264, so there are no zones; incompatible feature bit 5 is clear\n",
      err: "",
      status: 1,
    });
    const facts = {
      extension: { hostOffset: 0x78, lengthBytes: 64 },
      featureBit: true,
      featureName: null,
      zoned: null,
      problem: { kind: "image", structure: "zoned extension", field: "length", hostOffset: 0x78, found: "64 bytes with feature bit 5 set", allowed: "48 or 56" },
    } as const;
    expect((await type("odd.qcow2", fakeEngine({ dialect: () => ({ ok: true, value: facts }) }).perform)).out).toBe(
      "image: odd.qcow2\ndialect: none\nwhy: header extension 0x007a6264 is 64 bytes long, and incompatible feature bit 5 is set; " +
        "The field length of the zoned extension, at byte 0x78 of the file, is 64 bytes with feature bit 5 set; allowed is 48 or 56\n",
    );
  });
});

describe("dialect refuses", () => {
  const refuses = (failure: Failure, err: string): void =>
    it(err, async () => {
      const engine = fakeEngine({ setDialect: () => ({ ok: false, error: failure }) });
      expect(await type("z.qcow2 v4", engine.perform)).toEqual({ out: "", err: `dialect: z.qcow2: ${err}\n`, status: 1 });
    });
  refuses({ kind: "option", option: "zone_size", found: "8589934592", allowed: "at most 2147483648 in v4" }, "cannot be v4: zone_size is 8589934592; allowed is at most 2147483648 in v4");
  refuses({ kind: "unsupported", feature: "a dialect for an image without zones" }, "This program does not support a dialect for an image without zones");
  refuses({ kind: "file", code: "not-found", file: "z.qcow2" }, "No such file or directory");
  refuses(
    { kind: "file", code: "exists", file: "z.qcow2.new-dialect", detail: "left behind by a change of dialect that was interrupted" },
    "z.qcow2.new-dialect is in the way, left behind by a change of dialect that was interrupted; look at it, then remove it",
  );
  refuses(
    { kind: "file", code: "no-space", file: "z.qcow2", wholeCopy: "z.qcow2.new-dialect" },
    "No space left on device; the image may be damaged, and z.qcow2.new-dialect is whole: keep it and put it in the image's place",
  );

  it("what is no command line of it", async () => {
    const { perform, calls } = fakeEngine();
    expect(await type("", perform)).toEqual({ out: "", err: DIALECT_USAGE, status: 1 });
    expect(await type("a b c", perform)).toEqual({ out: "", err: DIALECT_USAGE, status: 1 });
    expect(await type("a v5", perform)).toEqual({ out: "", err: "dialect: 'v5' is no dialect; there are v4, v7, v9\n", status: 1 });
    expect(await type("-x a", perform)).toEqual({ out: "", err: "dialect: invalid option -- 'x'\n", status: 1 });
    expect(await type("--help", perform)).toEqual({ out: DIALECT_USAGE, err: "", status: 0 });
    expect(calls).toEqual([]);
  });
});
