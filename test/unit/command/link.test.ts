/** The program link: there and back, and what it refuses. */
import { expect, test } from "vitest";
import { run } from "../../../src/command/program.ts";
import { link } from "../../../src/command/link.ts";
import { engineFixture } from "../../../src/testing/engine-fixture.ts";

async function runLink(argv: string[], input: string[] = []): Promise<{ status: number; out: string; err: string; explain: string }> {
  const said = { out: "", err: "", explain: "" };
  const lines = [...input];
  const status = await run(link(argv), engineFixture().engine.perform, (text, stream) => (said[stream] += text), { line: () => lines.shift() ?? null });
  return { status, ...said };
}

test("lines become a link and the link those lines", async () => {
  const made = await runLink(["--base", "https://zones.example/app/", "--step=1", "--embed", "-"], ["# note", "zap 2M 4k", "zf 2M 1M"]);
  expect(made).toMatchObject({ status: 0, err: "" });
  expect(made.out).toMatch(/^https:\/\/zones\.example\/app\/#z=1\.[\w-]+&step=1&embed=1\n$/);
  expect(await runLink(["--show", made.out.trim()])).toMatchObject({ status: 0, out: "# note\nzap 2M 4k\nzf 2M 1M\n", explain: "The link stops behind 1 command, for a frame.\n" });
});

test("the readable form can be read", async () => {
  expect(await runLink(["--readable", "-"], ["zap 2M 4k", "zf 2M 1M"])).toMatchObject({ status: 0, out: "#run=zap%202M%204k%0Azf%202M%201M\n" });
});

test("a session of Linux and a lesson are links too, with commands and without", async () => {
  const made = await runLink(["--base", "https://zones.example/app/", "--guest", "order"]);
  expect(made).toEqual({ status: 0, out: "https://zones.example/app/#guest=order\n", err: "", explain: "" });
  expect(await runLink(["--show", made.out.trim()])).toEqual({ status: 0, out: "", err: "", explain: "The link offers the session order of Linux.\n" });
  expect((await runLink(["--lesson=zones"])).out).toBe("#lesson=zones\n");
  expect((await runLink(["--guest=f2fs", "--lesson=f2fs-on-zones"])).out).toBe("#lesson=f2fs-on-zones&guest=f2fs\n");
  expect((await runLink(["--readable", "--guest", "fio", "-"], ["zap 2M 4k"])).out).toBe("#run=zap%202M%204k&guest=fio\n");
});

test("a session that there is not, and options about commands without any, make no link", async () => {
  expect(await runLink(["--guest", "ext4"])).toMatchObject({ status: 1, out: "", err: "link: there is no session 'ext4' of Linux; there are blkzone, order, zonefs, f2fs, btrfs, fio\n" });
  expect((await runLink(["--guest"])).err).toBe("link: option '--guest' needs a value\n");
  for (const option of ["--step=1", "--no-autoplay", "--embed", "--readable"]) expect((await runLink([option, "--guest", "order"])).err).toContain("are about commands");
  expect((await runLink(["--embed", "--guest", "order", "-"], ["zap 2M 4k"])).err).toContain("exclude each other");
  expect(await runLink(["--guest", "order", "-"], ["# nothing"])).toMatchObject({ status: 1, err: "link: there are no commands to make a link of\n" });
});

test("what makes no link is said", async () => {
  expect(await runLink(["-"], ["# nothing"])).toMatchObject({ status: 1, err: "link: there are no commands to make a link of\n" });
  expect(await runLink(["--lesson", "A B", "-"], ["zap 2M 4k"])).toMatchObject({ status: 1, err: expect.stringContaining('lesson is "A B"') as string });
  expect(await runLink(["missing.txt"])).toMatchObject({ status: 1, err: expect.stringContaining("missing.txt") as string });
  expect(await runLink(["--show", "https://zones.example/"])).toMatchObject({ status: 1, err: expect.stringContaining("no link with commands") as string });
  expect(await runLink(["--show", "#z=9.abc"])).toMatchObject({ status: 1, err: expect.stringContaining('version "9"') as string });
  expect((await runLink(["--steps", "2"])).err).toBe("link: unknown option '--steps'\n");
  expect((await runLink([])).err).toContain("name a file");
});
