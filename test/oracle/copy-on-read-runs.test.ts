/** Copy-on-read over zeros and data side by side below: what is read at once is stored at once, as stock stores it. */
import { expect, test } from "vitest";
import { comparesWords } from "./twins/main.ts";
import { img, io, runTwins } from "./twins/twin.ts";

// A stock program older than version 10 rounds to clusters where there are subclusters.
test.each(["cluster_size=64k", ...(comparesWords() ? ["cluster_size=64k,extended_l2=on"] : [])])("%s", async (options) => {
  const script = {
    prepare: [
      img("create", "-q", "-f", "qcow2", "base.qcow2", "384k"),
      io(["-f", "qcow2"], "base.qcow2", ["write -P 7 0 128k", "write -P 8 193k 64k"]),
      img("create", "-q", "-f", "qcow2", "-o", options, "-b", "base.qcow2", "-F", "qcow2", "a.qcow2", "384k"),
    ],
    trial: [io(["-C", "-f", "qcow2"], "a.qcow2", ["read 195072 2560", "read 140k 512", "read 320k 64k", "write -P 9 256k 512", "read 128k 256k"])],
    images: ["a.qcow2"],
  };
  expect(await runTwins(script, { words: comparesWords() })).toEqual([]);
});
