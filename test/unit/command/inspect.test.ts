/** The program inspect, and text out of a file made visible. */
import { expect, test } from "vitest";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { fieldWords } from "../../../src/command/explain-header.ts";
import { layoutKindWords } from "../../../src/command/explain-identity.ts";
import { inspect } from "../../../src/command/inspect.ts";
import { run } from "../../../src/command/program.ts";
import { visibleText } from "../../../src/command/visible-text.ts";
import { LAYOUT_KINDS } from "../../../src/protocol/index.ts";
import type { ReplyOf } from "../../../src/protocol/index.ts";
import { createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";
import { fileReader, putFile } from "../engine/images.ts";

async function type(fixture: EngineFixture, ...argv: readonly string[]): Promise<{ out: string; err: string; status: number }> {
  const text = { out: "", err: "", explain: "" };
  const status = await run(inspect(argv), fixture.engine.perform, (piece, stream) => (text[stream] += piece));
  return { out: text.out, err: text.err, status };
}

test("a zoned image: kind, dialect, fields with what they say, clusters by what they hold", async () => {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "z.qcow2", options: createOptions() });
  const { out, status } = await type(fixture, "z.qcow2");
  expect(status).toBe(0);
  for (const line of [
    "kind: a qcow2 image, ",
    "The zones are of dialect v4: the extension is 48 bytes long, and incompatible feature bit 5 is clear.\n",
    "  0x14     cluster_bits               2^16: 64 KiB (65536 bytes)\n",
    "  0x18     size                       12 MiB (12582912 bytes)\n",
    "Zoned device (0x007a6264), 48 bytes at 0x70\n",
    "             nr_zones                   12\n".trimStart(),
    "  write pointers             1\n",
  ]) expect(out).toContain(line);
});

test("the same as JSON, and every field of a header that is made has its meaning", async () => {
  const fixture = engineFixture();
  await fixture.ok("create", { file: "z.qcow2", options: createOptions({ zoned: { dialect: "v9" } }) });
  const { out } = await type(fixture, "--output=json", "z.qcow2");
  const told = JSON.parse(out) as Pick<ReplyOf<"inspect">, "identity" | "header"> & { layout: { counts: Record<string, number> } };
  expect(told.identity.container).toBe("qcow2");
  expect(told.layout.counts).toMatchObject({ header: 1, "zoned-metadata": 1, leaked: 0 });
  const header = told.header!;
  const words = [...header.fields.map((field) => fieldWords(field)), ...header.extensions.flatMap(({ kind, fields }) => fields.map((field) => fieldWords(field, kind)))];
  expect(words.filter(({ meaning }) => meaning === "")).toEqual([]);
  for (const kind of LAYOUT_KINDS) expect(layoutKindWords(kind).meaning).not.toBe("");
});

test("a broken header is told with where and what is allowed, and ends with 2; what is no image has words of its own", async () => {
  const files = new MemoryFiles();
  const fixture = engineFixture(files);
  await fixture.ok("create", { file: "z.qcow2", options: createOptions() });
  const { size, read } = await fileReader(files, "z.qcow2");
  const bytes = read(0, size);
  new DataView(bytes.buffer).setUint32(96, 9);
  await putFile(files, "broken", bytes);
  const broken = await type(fixture, "broken");
  expect(broken.status).toBe(2);
  expect(broken.out).toContain("problem: The field refcount_order of the header, at byte 0x60 of the file, is 9; allowed is 0 to 6.");
  expect(broken.out).toContain("! 0x60     refcount_order             9\n");
  await putFile(files, "archive", Uint8Array.from([0x1f, 0x8b, 8, 0]));
  const archive = await type(fixture, "archive");
  expect(archive).toMatchObject({ status: 0, err: "" });
  expect(archive.out).toBe("image: archive\nkind: a file compressed with gzip, 4 bytes\nto see inside: Unpack it first: gunzip -k FILE\ncontents: What the disk holds could not be read.\n");
  expect(await type(fixture, "nowhere")).toMatchObject({ status: 1, out: "" });
});

test("names out of a file neither turn a line nor hide in it", async () => {
  expect(visibleText("a\u202egpj.exe\u2066b\nc\u0000\u200b\u{e0041}é")).toBe("a‹U+202E›gpj.exe‹U+2066›b‹U+000A›c‹U+0000›‹U+200B›‹U+E0041›é");
  const fixture = engineFixture();
  const backing = { file: "base\u202e.raw", format: "raw" };
  await fixture.ok("create", { file: "top", options: createOptions({ zoned: null, backing }) });
  const { out } = await type(fixture, "top");
  expect(out).not.toContain("\u202e");
  expect(out).toContain('The image stands on the backing file "base‹U+202E›.raw", which is not there');
});
