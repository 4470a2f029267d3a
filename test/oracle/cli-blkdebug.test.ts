/** The driver blkdebug under an image: what is said of rules that cannot be, and what requests do that fail by rules, as stock's programs do it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inScratchFolder } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";

/** Without what a program measures. */
const plain = <Ran extends { out: string }>(ran: Ran): Ran => ({ ...ran, out: ran.out.replaceAll(/ops; .*/g, "ops") });

async function same(config: string | null, argv: readonly string[]): Promise<void> {
  await inScratchFolder(async (folder) => {
    const make = (): void => {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "a", "1M"]);
      runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -P 3 0 128k", "a"]);
    };
    if (config !== null) writeFileSync(join(folder, "rules"), config);
    make();
    const their = plain(runStock(folder, "qemu-io", [...argv]));
    make();
    expect(plain(await runOurs(folder, "qemu-io", [...argv]))).toEqual(their);
  });
}

test.each([
  ['[inject-error]\nfoo = "1"\n'],
  ['[inject-error]\nerrno = "5"\n'],
  ['[inject-error]\nevent = "bla"\n'],
  ['[inject-error]\nevent = "read_aio"\niotype = "x"\n'],
  ['[inject-error]\nevent = "read_aio"\nerrno = "x"\n'],
  ['[inject-error]\nevent = "read_aio"\nonce = "x"\n'],
  ['[set-state]\nevent = "read_aio"\nerrno = "5"\n'],
  ['[foo]\nevent = "read_aio"\n'],
  ['event = "read_aio"\n'],
  [null],
])("a file of rules that cannot be: %j", async (config) => {
  await same(config, ["-f", "qcow2", "-c", "read 0 512", "blkdebug:rules:a"]);
});

test.each([
  ["file.inject-error.0.errno=2"],
  ["file.inject-error.0.event=read_aio,file.inject-error.0.foo=3"],
  ["file.inject-error=5"],
  ["file.inject-error.1.event=read_aio"],
  ["file.inject-error.0.event=cow_read,file.align=3"],
  ["file.inject-error.0.event=cow_read,file.align=4k,file.max-transfer=512"],
])("rules as options that cannot be: %s", async (options) => {
  await same(null, ["-c", `open -o driver=qcow2,file.driver=blkdebug,file.image.filename=a,${options}`, "-c", "quit"]);
});

test.each([
  ['[inject-error]\nevent = "read_aio"\n', ["read 0 4k", "read 64k 4k"]],
  ['[inject-error]\nevent = "read_aio"\nerrno = "28"\nonce = "on"\n', ["read 0 4k", "read 0 4k"]],
  ['[inject-error]\nevent = "l2_load"\nonce = "on"\n', ["read 0 4k", "read 0 4k"]],
  ['[inject-error]\nevent = "write_aio"\nerrno = "13"\nonce = "on"\n', ["write 0 4k", "read -P 3 0 4k", "write -P 9 0 4k", "read -P 9 0 4k"]],
  ['[set-state]\nevent = "write_aio"\nstate = "1"\nnew_state = "2"\n\n# the second\n[inject-error]\nevent = "write_aio"\nstate = "2"\nonce = "on"\n', ["write -P 1 0 4k", "write -P 2 0 4k", "write -P 4 4k 4k", "read -P 1 0 4k"]],
  ['[inject-error]\nevent = "write_aio"\niotype = "read"\n', ["write 0 4k", "read 0 4k"]],
  ['[inject-error]\nevent = "read_aio"\nsector = "100000"\n', ["read 0 64k"]],
])("requests that fail by %j", async (config, commands) => {
  await same(config, ["-f", "qcow2", ...commands.flatMap((command) => ["-c", command]), "blkdebug:rules:a"]);
});

test("rules of a node that a name spells in JSON", async () => {
  await same(null, ["-c", "read -P 3 0 4k", "json:{'driver':'qcow2','file':{'driver':'blkdebug','inject-error':[{'event':'l2_load','errno':28}],'image.filename':'a'}}"]);
});

test("a compare says which image could not be read, and that their sizes differ", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "a", "1M"]);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "b", "0"]);
    runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write 0 64k", "a"]);
    writeFileSync(join(folder, "rules"), '[inject-error]\nevent = "read_aio"\n');
    const argv = ["compare", "blkdebug:rules:a", "b"];
    expect(await runOurs(folder, "qemu-img", argv)).toEqual(runStock(folder, "qemu-img", argv));
  });
});

test("a snapshot that is deleted, and what it alone had cannot be given up: that is told, and a check tells of nothing but leaks", async () => {
  await inScratchFolder(async (folder) => {
    writeFileSync(join(folder, "rules"), '[inject-error]\nevent = "cluster_free"\nerrno = "5"\n');
    const make = (): void => {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "a", "1M"]);
      runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -q -P 3 0 128k", "a"]);
      runStock(folder, "qemu-img", ["snapshot", "-c", "s", "a"]);
    };
    make();
    const argv = ["snapshot", "-d", "s", "blkdebug:rules:a"];
    const theirs = runStock(folder, "qemu-img", argv);
    make();
    expect(await runOurs(folder, "qemu-img", argv)).toEqual(theirs);
    expect(theirs.err).toContain("Failed to free the cluster and L1 table: Input/output error");
    expect(runStock(folder, "qemu-img", ["snapshot", "-l", "a"]).out).toBe("");
    expect(runStock(folder, "qemu-img", ["check", "a"])).toMatchObject({ status: 3 });
  });
});

test.each(["l1_update", "empty_image_prepare", "reftable_update", "refblock_alloc"])("an image that a commit could not empty, from %s on: that is told, and whoever opens it sets it right", async (event) => {
  await inScratchFolder(async (folder) => {
    writeFileSync(join(folder, "rules"), `[inject-error]\nevent = "${event}"\n`);
    const make = (): void => {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "base", "1M"]);
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "a", "1M"]);
      runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -q -P 3 0 128k", "a"]);
    };
    const commit = ["commit", "blkdebug:rules:a"];
    const look = ["-c", "read -q -P 3 0 128k", "a"];
    make();
    const theirs = [runStock(folder, "qemu-img", commit), runStock(folder, "qemu-io", look)];
    make();
    expect([await runOurs(folder, "qemu-img", commit), await runOurs(folder, "qemu-io", look)]).toEqual(theirs);
    expect(theirs[0]!.err).toContain("Failed to empty blkdebug:rules:a: Input/output error");
    expect(runStock(folder, "qemu-img", ["check", "a"])).toMatchObject({ status: 0 });
    // What ours leaves behind is stock's to set right, too.
    make();
    await runOurs(folder, "qemu-img", commit);
    expect(runStock(folder, "qemu-io", look)).toEqual(theirs[1]);
  });
});
