/** Why an image is not given to Linux, and why there is no Linux: each reason is a sentence with its numbers and what to do. */
import { describe, expect, test } from "vitest";
import { explainGuestProblem, explainGuestRefusal } from "../../../src/command/explain-guest.ts";
import { GUEST_USAGE, HELD, runGuestLine } from "../../../src/command/guest-line.ts";
import type { GuestHost } from "../../../src/command/guest-line.ts";
import { guestRefusal } from "../../../src/guest/block-config.ts";
import type { GuestRefusal } from "../../../src/guest/block-config.ts";
import type { GuestProblem } from "../../../src/protocol/index.ts";
import { MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

const SENTENCE = /^\S.* .*[.]$/;

describe("images that Linux would not take", () => {
  const REFUSALS: readonly (readonly [GuestRefusal, string, string])[] = [
    [{ kind: "guest", code: "zone-size", zoneSize: 3 * MIB }, "Linux would not take these zones", "3145728"],
    [{ kind: "guest", code: "no-append" }, "Linux would not take a disk without zone append", "append limit"],
    [{ kind: "guest", code: "zone-too-large", zoneSize: 2 ** 42 }, "The zones are too large for virtio", "4398046511104"],
    [{ kind: "guest", code: "less-than-a-zone", sizeBytes: MIB, zoneSize: 4 * MIB }, "The disk is smaller than one zone", "4194304"],
    [{ kind: "guest", code: "size", sizeBytes: 1000 }, "The disk is no whole number of sectors", "1000"],
  ];
  test.each(REFUSALS)("%o", (refusal, title, number) => {
    const told = explainGuestRefusal(refusal);
    expect(told.title).toBe(title);
    expect(told.why).toMatch(SENTENCE);
    expect(told.why.replaceAll(",", "")).toContain(number);
  });

  test("an image with an append limit of 0 is one", async () => {
    const fixture = engineFixture();
    await fixture.ok("create", { file: "disk", options: createOptions({ zoned: { maxAppendBytes: 0 } }) });
    const { facts } = await fixture.ok("open", { file: "disk", format: "qcow2", readOnly: false });
    expect(guestRefusal(facts)).toEqual({ kind: "guest", code: "no-append" });
  });
});

test("what keeps a browser from it, and a server, are told apart", () => {
  const problems: readonly GuestProblem[] = [
    { code: "browser", lacks: "webassembly" },
    { code: "browser", lacks: "workers" },
    { code: "browser", lacks: "checksums" },
    { code: "fetch", file: "linux.img", status: 404 },
    { code: "fetch", file: "linux.img", status: null },
    { code: "checksum", file: "linux.img" },
    { code: "machine", detail: "out of memory" },
  ];
  const told = problems.map(explainGuestProblem);
  for (const { why, instead } of told) {
    expect(why).toMatch(SENTENCE);
    expect(instead).toMatch(SENTENCE);
  }
  expect(new Set(told.map(({ why }) => why)).size).toBe(problems.length);
});

describe("the console's lines", () => {
  const run = async (line: string, answer: Awaited<ReturnType<GuestHost["attach"]>> = null) => {
    const asked: unknown[] = [];
    let said = "";
    const host: GuestHost = {
      disks: () => [],
      attach: (image, second) => (asked.push(["attach", image, second]), Promise.resolve(answer)),
      detach: () => (asked.push(["detach"]), Promise.resolve(answer)),
    };
    const status = await runGuestLine(line.split(" "), host, (text) => (said += text));
    return { status, said, asked };
  };
  test("say which images are the disks", async () => {
    expect((await run("attach linux")).asked).toEqual([["attach", null, null]]);
    expect((await run("attach linux a.qcow2")).asked).toEqual([["attach", "a.qcow2", null]]);
    expect((await run("attach linux a.qcow2 b.qcow2")).asked).toEqual([["attach", "a.qcow2", "b.qcow2"]]);
    expect(await run("detach")).toMatchObject({ status: 0, asked: [["detach"]] });
  });
  test("that cannot be say how they go", async () => {
    for (const line of ["attach", "attach bsd", "attach linux a b c", "detach linux"]) expect(await run(line), line).toEqual({ status: 2, said: `usage:\n${GUEST_USAGE}\n`, asked: [] });
  });
  test("say why not", async () => {
    const refused = await run("attach linux", { title: "No image", why: "There is none.", instead: "Make one.", names: null });
    expect(refused).toMatchObject({ status: 1, said: "No image. There is none.\nInstead: Make one.\n" });
  });
  test("where there is no Linux say so", async () => {
    let said = "";
    expect(await runGuestLine(["detach"], undefined, (text) => (said += text))).toBe(1);
    expect(said).toContain("no Linux here");
    expect(HELD).toContain("detach");
  });
});
