/** Two L1 entries on one L2 table, as a repair leaves them: the counts are true and no entry is COPIED. Stock's programs and ours over two copies. */
import { describe, expect, test } from "vitest";
import { Patient } from "./damage.ts";
import { comparesWords } from "./twins/main.ts";
import { img, io, runTwins } from "./twins/twin.ts";
import type { Command, Script } from "./twins/twin.ts";

const SPAN = 2 * 2 ** 20;

/** The L1 entry of the second span is that of the first; counts and flags are mended, by stock. */
const shared = (options: string, ...trial: readonly Command[]): Script => ({
  prepare: [
    img("create", "-q", "-f", "qcow2", "-o", options, "a.qcow2", "8M"),
    io(["-f", "qcow2"], "a.qcow2", ["write -P 1 0 64k", `write -P 2 ${SPAN} 64k`, "write -c -P 3 128k 4k"]),
    {
      file: "a.qcow2",
      damage: (bytes) => {
        const patient = new Patient(bytes);
        let first = 0n;
        patient.l1(0, (entry) => (first = entry));
        patient.l1(1, () => first);
        return bytes;
      },
    },
    img("check", "-r", "all", "a.qcow2"),
  ],
  trial,
  images: ["a.qcow2"],
  eachStep: true,
});

const session = (...lines: readonly string[]): Command => io(["-f", "qcow2", "-d", "unmap"], "a.qcow2", lines);

describe.each(["cluster_size=4k", "cluster_size=4k,refcount_bits=64", "cluster_size=4k,lazy_refcounts=on"])("%s", (options) => {
  test.each([
    ["a write by the first", ["write -P 4 4k 8k", "read -P 1 2M 64k"]],
    ["a write by the second", [`write -P 4 ${SPAN + 4096} 8k`, "read -P 1 0 64k"]],
    ["a write by each in turn", ["write -P 4 4k 512", `write -P 5 ${SPAN + 4096} 512`, "write -P 6 8k 64k", `write -P 7 ${SPAN + 60 * 1024} 128k`]],
    ["zeros, discards and compressed bytes by each", ["write -zu 0 8k", `discard ${SPAN + 8192} 8k`, `write -c -P 8 ${SPAN} 4k`, "discard 128k 4k", `write -P 9 ${SPAN + 131072} 512`]],
    ["a third table beside them", ["write -P 4 5M 64k", "write -P 5 0 512"]],
  ])("%s", async (_, lines) => {
    expect(await runTwins(shared(options, session(...lines), session(...lines)), { words: comparesWords() })).toEqual([]);
  });

  test("line by line, each behind an open of its own", async () => {
    const lines = ["write -P 4 4k 8k", `write -P 5 ${SPAN + 4096} 512`, "discard 0 4k", `write -z ${SPAN} 64k`, "write -P 6 128k 4k"];
    expect(await runTwins(shared(options, ...lines.map((line) => session(line))), { words: comparesWords() })).toEqual([]);
  });
});

test("repaired by us", async () => {
  const { prepare, ...rest } = shared("cluster_size=4k", img("check", "-r", "all", "a.qcow2"), session("write -P 4 4k 8k", `write -P 5 ${SPAN} 512`), img("resize", "-q", "a.qcow2", "12M"));
  expect(await runTwins({ ...rest, prepare: prepare.slice(0, -1) }, { words: comparesWords() })).toEqual([]);
});
