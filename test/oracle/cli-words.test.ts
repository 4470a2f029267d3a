/**
 * Words, streams and exit status against the stock programs on plain images: the same command line to both, on images of their
 * own that saw the same commands before. Where QEMU 10.0 speaks otherwise than Debian's 7.2, the difference is named here.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runOurs, runStock } from "./cli-harness.ts";
import type { Ran } from "./cli-harness.ts";

const root = mkdtempSync(join(tmpdir(), "zonescope-words-"));
afterAll(() => rmSync(root, { recursive: true }));
const ours = join(root, "ours");
const stock = join(root, "stock");
mkdirSync(ours);
mkdirSync(stock);

/** Both folders start with an empty image, a raw file and a text file, byte for byte the same. */
for (const [size, name] of [["64M", "a.qcow2"], ["0", "empty.qcow2"], ["1000", "odd.qcow2"]] as const) {
  runStock(stock, "qemu-img", ["create", "-q", "-f", "qcow2", name, size]);
  copyFileSync(join(stock, name), join(ours, name));
}
for (const folder of [ours, stock]) writeFileSync(join(folder, "text"), "not an image\n".repeat(100));

/** 10.0 has the option -r in these lines of usage, 7.2 not yet. */
const newer = (text: string): string =>
  text
    .replace(/\[-abCqv\]/g, "[-abCqrv]")
    .replace(/\[-bcCfnquz\]/g, "[-bcCfnqruz]")
    .replace(/\[-Cqv\]/g, "[-Cqrv]")
    .replace(/\[-Cfq\]/g, "[-Cfqr]")
    .replace(/\[-Ciqv\]/g, "[-Ciqrv]")
    .replace(/\[-Cfiquz\]/g, "[-Cfiqruz]");

async function both(program: string, argv: readonly string[], input = ""): Promise<{ ours: Ran; stock: Ran }> {
  const theirs = runStock(stock, program, argv, input);
  return { ours: await runOurs(ours, program, argv, input), stock: { ...theirs, out: newer(theirs.out) } };
}

/** The same command line to both; `change` makes 7.2's answer 10.0's. */
function same(program: string, argv: readonly string[], input = "", change: (ran: Ran) => Ran = (ran) => ran): void {
  it(`${program} ${argv.map((word) => (word === "" || word.includes(" ") ? `'${word}'` : word)).join(" ")}`, async () => {
    const ran = await both(program, argv, input);
    expect(ran.ours).toEqual(change(ran.stock));
  });
}
const io = (...commands: string[]): void => same("qemu-io", [...commands.flatMap((command) => ["-c", command]), "a.qcow2"]);

describe("qemu-io: sizes, modes and what is for testing", () => {
  for (const command of ["truncate", "truncate foo", "truncate -m foo 64M", "truncate 1000", "break a b", "break a", "remove_break x", "resume x", "sigraise x", "sigraise 66", "sigraise 0", "abort x"]) io(command);
  const both = (...commands: string[]): void => same("qemu-io", [...commands.flatMap((command) => ["-c", command]), "odd.qcow2"]);
  both("truncate 128k", "length", "write -P 3 64k 64k", "truncate 1M", "length", "read -P 3 64k 64k", "read -P 0 128k 64k", "truncate 64k", "length", "read 64k 512");
  both("reopen -o foo=bar", "reopen -o driver=raw", "reopen -r -w", "reopen -r -o read-only=on", "reopen -c foo", "reopen -c none -o cache.direct=on", "reopen -o lazy-refcounts=x", "reopen -r", "write 0 512", "reopen -w", "write 0 512");
  both("write -s text 0 4k", "read -v 0 40", "write -s nothing 0 512", "write -b 1 512");
  same("qemu-io", ["-s", "-c", "write -P 9 0 64k", "-c", "read -P 9 0 64k", "-c", "map", "a.qcow2"]);
  // What is in that place stays over a reopen.
  same("qemu-io", ["-s", ...["write -q -P 9 0 64k", "reopen -o discard=unmap", "read -P 9 0 64k", "write -P 8 0 512", "read -P 8 0 512"].flatMap((command) => ["-c", command]), "a.qcow2"]);
  it("also where it is for reading meanwhile, which stock refuses", async () => {
    const commands = ["write -q -P 9 0 64k", "reopen -r", "write 0 512", "reopen -w", "write -q -P 8 0 512", "read -q -P 8 0 512", "read -q -P 9 512 512"];
    const ran = await runOurs(ours, "qemu-io", ["-s", ...commands.flatMap((command) => ["-c", command]), "a.qcow2"]);
    expect(ran).toEqual({ out: "", err: "qemu-io: Block node is read-only\n", status: 1 });
  });
  // The state of a machine, which is kept behind the disk and is not the disk.
  io("read -b 0 4k", "read -b 1T 512", "write -b -P 7 0 512", "read -b -P 7 0 512", "read -b -P 0 512 4k", "read -P 0 0 512", "write -b 4096T 512", "write -b 8388600T 512", "read -b 8388600T 512", "write -b 100 512", "write -b 0 0", "read -b -P 7 0 512");
  same("qemu-io", ["-f", "raw", "-c", "write -b 0 512", "-c", "read -b 0 512", "text"]);
  it("a zoned image keeps no state of a machine", async () => {
    await runOurs(ours, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "zone_size=1M,zone_model=1", "zoned.qcow2", "4M"]);
    const ran = await runOurs(ours, "qemu-io", ["-c", "write -b -P 7 0 512", "-c", "read -b 0 512", "-c", "read -q -P 0 0 512", "zoned.qcow2"]);
    expect(ran).toMatchObject({ out: "write failed: Operation not supported\nread failed: Operation not supported\n", status: 1 });
  });
  same("qemu-io", ["-r", "-C", "-c", "length", "a.qcow2"]);
  // A folder, which is no file.
  same("qemu-io", ["-c", "quit", "."]);
  same("qemu-io", ["-r", "-c", "quit", "."]);
  same("qemu-io", ["-d", "foo", "a.qcow2"]);
  same("qemu-io", ["-t", "foo", "a.qcow2"]);
  same("qemu-io", ["-t", "writethrough", "-d", "ignore", "-c", "write -P 4 0 512", "-c", "discard 0 64k", "-c", "read -P 4 0 512", "empty.qcow2"]);
});

describe("qemu-io: reads", () => {
  for (const command of ["read", "read 0", "read 0 foo", "read foo 4k", "read 0 4k 5", "read -P 1 0 4k", "read -P 0 0 4k", "read -P 300 0 4k", "read -P 1x 0 4k"]) io(command);
  for (const command of ["read -s 0 0 4k", "read -P 0 -s 5000 0 4k", "read -P 0 -l 5000 0 4k", "read -P 0 -s 1k -l 1k 0 4k", "read -P 1 -s 1k -l 1k 0 4k"]) io(command);
  for (const command of ["read -P 0 -s x 0 4k", "read -P 0 -l x 0 4k", "read -P 1 -l 0 0 4k", "read -x 0 4k", "read -P", "read -v 0 33", "read -C 0 4k", "read -q 0 4k", "read -Cq 0 4k"]) io(command);
  for (const command of ["read 0 513", "read 1 512", "read 64M 4k", "read 64M 0", "read 0 0", "read 0 2G", "read 0 3G", "read 0 9E", "read 8E 1", "read 4E 512"]) io(command);
  for (const command of ["read -p 0 512", "r 0 512", "read 60M 20M", "read 30M 40M", "read 0 64M", "read 0 -P 5 512", "read -- 0 1", 'read "0" 4k', "read\t0\t4k", "read 0x10 0x20", "read 1.5k 0.5k"]) io(command);
  for (const command of ["readv 0 1k 1k", "readv 0 513", "readv 0 x", "readv 0", "readv x 512", "readv -P 0 0 1k 1k", "readv -P 1 0 1k 1k", "readv -x 0 512", "readv 64M 512", "readv -v 0 40"]) io(command);
  for (const command of ["readv 0 3G", "readv 0 2G", "readv 0 1G 1G", "readv 0 9E", "readv -C 0 1k 1k", "readv -P 3x 0 1", "readv -q 0", "readv 0 0"]) io(command);
  for (const command of ["aio_read 0 1k 1k", "aio_read 64M 512", "aio_read -P 1 0 512", "aio_read -q 0 512", "aio_read -C 0 512", "aio_read x 512", "aio_read -i 0 512", "aio_read -x 0 512", "aio_read -q 0"]) io(command);
});

describe("qemu-io: writes", () => {
  for (const command of ["write", "write 1 5", "write -P 5 0 4k", "write -z 0 64k", "write -zu 64k 64k", "write -z 1 64k", "write -u 0 4k", "write -n 0 4k", "write -zn 0 64k", "write -z -P 1 0 64k"]) io(command);
  for (const command of ["write -f 0 4k", "write 64M 4k", "write -z 64M 64k", "write -bz 0 4k", "write -fc 0 4k", "write -bf 0 4k", "write -q 0 4k", "write 0 4k 5", "write -C 0 4k", "write -P foo 0 4k"]) io(command);
  for (const command of ["write -x 0 4k", "write -P -1 0 4k", "write 63M 2M", "write 0 3G", "write -c 1 4k", "write -c 0 5", "write 0 0", "write -z 0 0", "write -z", "write -z 0", "write 0 1 -q", "w 0 512"]) io(command);
  for (const command of ["writev 0 1k 1k", "writev 1 512", "writev -f 0 512", "writev 64M 512", "writev -x 0 512", "writev -P 3x 0 1", "writev 0 x", "writev 0 3G", "writev 0 0"]) io(command);
  for (const command of ["aio_write 0 1k 1k", "aio_write 64M 512", "aio_write -z 0 64k", "aio_write -z 0 64k 64k", "aio_write -u 0 64k", "aio_write -z x 64k", "aio_write -z 0 x", "aio_write -P 3x 0 1", "aio_write -q 0", "aio_flush"]) io(command);
  for (const command of ["discard 0 64k", "d 0 64k", "discard 0", "discard x 1", "discard 0 x", "discard 1 512", "discard 64M 512", "discard -q 0 64k", "discard -C 0 64k", "discard 0 3G", "discard -x 0 1", "discard 0 0", "discard -q 0"]) io(command);
  it("leave the same bytes", () => {
    const compared = runStock(root, "qemu-img", ["compare", "ours/a.qcow2", "stock/a.qcow2"]);
    expect(compared).toEqual({ out: "Images are identical.\n", err: "", status: 0 });
    expect(runStock(root, "qemu-img", ["check", "-q", "ours/a.qcow2"]).status).toBe(0);
  });
});

describe("qemu-io: the image", () => {
  for (const command of ["flush", "flush 1", "f", "length", "l", "info", "i", "map 1", "alloc", "alloc 0", "alloc 0 1M", "alloc 1 512", "alloc 0 513", "alloc x", "alloc 0 x", "alloc 0 1 2", "alloc 0 8G", "alloc 64M 512", "alloc 65M", "alloc 7E", "a 0"]) io(command);
  io("write -q 1M 64k", "write -q 2M 64k", "write -q -z 1114112 64k", "map", "alloc 0 4M", "alloc 1M 1M");
  for (const command of ["sleep", "sleep 1", "sleep x", "sleep 1 2", "sleep -1", "sleep 10x", "quit", "q 1 2", "close", "close 1", "c", "reopen", "reopen -r", "reopen -rw", "reopen -x", "reopen 1", "reopen -c foo", "reopen -o foo=bar"]) io(command);
  // What does not fit leaves the image open as it was.
  for (const options of ["l2-cache-entry-size=33k", "l2-cache-entry-size=128k", "refcount-cache-size=256T", "overlap-check=constant,overlap-check.template=all", "overlap-check.template=blubb", "cache-clean-interval=-1", "cache-clean-interval=x"]) {
    io("write -q -P 8 0 64k", `reopen -o ${options}`, "write -q -P 9 4k 4k", "read -P 9 4k 4k", "read -P 8 0 4k");
  }
  for (const command of ["open", "open a.qcow2", "open -r a.qcow2", "open -x a.qcow2", "o", "foo", "", "   ", "foo bar", "# hello", "h", "m", "help help", "help foo", "help foo bar", "help map", "help zz", "help flush", "help alloc"]) io(command);
  io("read 99M 1", "length");
  io("quit", "length");
  io("read 99M 1", "quit");
  io("close", "read 0 512", "open -r a.qcow2", "length", "write 0 512");
  same("qemu-io", ["-c", "map", "-c", "alloc 0", "-c", "length", "empty.qcow2"]);
  same("qemu-io", ["-c", "map", "-c", "alloc 0", "-c", "length", "-c", "read 0 1000", "-c", "read 0 1024", "-c", "read 0 1025", "odd.qcow2"]);
  same("qemu-io", ["-f", "raw", "-c", "length", "-c", "info", "-c", "map", "-c", "read -v 0 20", "text"]);
});

describe("qemu-io: the program", () => {
  same("qemu-io", ["-c", "read 0 512"]);
  same("qemu-io", ["-c", "help read"], "", (ran) => ({ ...ran, out: expect.stringMatching(/^read .* -- reads a number of bytes at a specified offset\n\n/) as string }));
  same("qemu-io", ["-c", "length", "nonexist"]);
  same("qemu-io", ["-f", "foo", "-c", "length", "a.qcow2"]);
  same("qemu-io", ["-f", "qcow2", "-c", "length", "text"]);
  same("qemu-io", ["-c", "length", ""]);
  same("qemu-io", ["-c", "length", "text"]);
  for (const flag of ["-t", "-d", "-i"]) same("qemu-io", [flag, "foo", "a.qcow2"]);
  same("qemu-io", ["-U", "-c", "length", "a.qcow2"]);
  same("qemu-io", ["-r", "-U", "-c", "length", "a.qcow2"]);
  same("qemu-io", ["-n", "-C", "-d", "unmap", "-t", "none", "-c", "length", "a.qcow2"]);
  for (const argv of [["--cmd=length", "a.qcow2"], ["--cmd", "length", "a.qcow2"], ["--cm", "length", "a.qcow2"], ["a.qcow2", "-c", "length"], ["-f", "raw", "-f", "qcow2", "-c", "length", "a.qcow2"]]) same("qemu-io", argv);
  same("qemu-io", ["--image-opts", "-c", "length", "driver=qcow2,file.filename=a.qcow2"]);
  same("qemu-io", ["--image-opts", "-f", "qcow2", "-c", "length", "driver=qcow2"]);
  same("qemu-io", ["--image-opts", "-c", "length", "driver=qcow2"]);
  same("qemu-img", ["info", "--image-opts", "driver=qcow2,file.filename=a.qcow2,backing.driver=raw"]);
  same("qemu-img", ["info", "--image-opts", "driver=qcow2,file.filename=a.qcow2,backing.file.filename=text"]);
  same("qemu-io", ["-c", "open -o data-file.filename=nonexist a.qcow2", "-c", "open -o data-file.filename=text a.qcow2"]);
  same("qemu-io", ["-c", "open -o backing.driver=qcow2 a.qcow2"]);
  const readOnly = ["write 0 512", "write -z 0 512", "discard 0 64k", "aio_write 0 512", "writev 0 512", "flush", "read -q 0 512"];
  same("qemu-io", ["-r", ...readOnly.flatMap((command) => ["-c", command]), "a.qcow2"]);
  same("qemu-io", ["-r", "-c", "reopen -w", "-c", "write -q 0 512", "a.qcow2"]);
  for (const input of ["read -q 0 512\nlength\n\nfoo\n# x\nquit\nlength\n", "length", "", "read 99M 512\nlength\n"]) same("qemu-io", ["a.qcow2"], input);
  same("qemu-io", ["nonexist"], "length\n");
  // Usage itself is ours.
  for (const argv of [["-x"], ["a", "b"], ["-c"], ["--foo"], ["--read-only=1", "a.qcow2"], ["-h"]]) {
    same("qemu-io", argv, "", (ran) => ({ ...ran, out: expect.stringMatching(/^Usage: qemu-io \[OPTIONS\]\.\.\. \[-c STRING\]\.\.\. \[file\]\n/) as string }));
  }
});

describe("qemu-img: what every command takes", () => {
  for (const object of ["secret,id=s0", "secret", "foo,id=x", "iothread,id=io0", "secret,id=s0,data=a,file=b"]) {
    for (const command of ["info", "check", "map"]) same("qemu-img", [command, "--object", object, "a.qcow2"]);
    same("qemu-img", ["create", "-f", "qcow2", "--object", object, "b.qcow2", "1M"]);
  }
  same("qemu-img", ["check", "--object", "secret,id=s0,data=abc", "--object", "secret,id=s0,data=d", "a.qcow2"]);
  same("qemu-img", ["check", "--object", "secret,id=s0,data=abc", "--object", "secret,id=s1,data=d", "a.qcow2"]);
  same("qemu-img", ["create", "-q", "-f", "qcow2", "--object", "secret,id=s0,data=abc", "b.qcow2", "1M"]);
  same("qemu-img", ["-T", "qcow2_writev_start_req", "check", "a.qcow2"]);
  same("qemu-img", ["--trace=qcow2_writev_start_req", "--trace", "enable=qcow2_writev_start_req", "check", "-U", "a.qcow2"]);
});

describe("qemu-img create", () => {
  const create = (...argv: string[]): void => same("qemu-img", ["create", ...argv]);
  create();
  create("-x");
  create("-f");
  create("--foo");
  create("-f", "qcow2", "b.qcow2");
  create("-f", "qcow2", "b.qcow2", "64M", "5");
  for (const size of ["64M", "x", "64Mx", "1.5G", "1000", "0", "0x100000", "64m", "64MB", "9E", "8P", "1E", "1.5", "", "100"]) create("-f", "qcow2", "b.qcow2", size);
  for (const options of ["size=64M", "size=64M,cluster_size=4k", "size=64M,cluster_size=4k,cluster_size=8k", "size=1M,size=2M", "size=1.5k", "size=x", "size=64M,,", "size=64M,", ",size=64M", "="]) create("-f", "qcow2", "-o", options, "b.qcow2");
  for (const options of ["foo=1", "cluster_size=3k", "cluster_size=256", "cluster_size=4M", "cluster_size=x", "cluster_size", "refcount_bits=8", "refcount_bits=7", "refcount_bits=128", "refcount_bits=x", "compat=1.1", "compat=v3", "compat=9"]) create("-f", "qcow2", "-o", options, "b.qcow2", "64M");
  for (const options of ["lazy_refcounts=off,preallocation=off,extended_l2=off,compression_type=zlib", "lazy_refcounts=maybe", "preallocation=foo", "compression_type=foo", "compat=1.1,cluster_size=4k,refcount_bits=8,lazy_refcounts=off"]) create("-f", "qcow2", "-o", options, "b.qcow2", "64M");
  create("-f", "qcow2", "-o", "size=64M", "b.qcow2", "32M");
  create("-f", "qcow2", "-o", "size=64M", "-o", "cluster_size=512", "b.qcow2");
  create("-f", "qcow2", "-o", "cluster_size=512", "b.qcow2", "8T");
  create("-q", "-f", "qcow2", "b.qcow2", "64M");
  create("-f", "qcow2", "b.qcow2", "1M", "-o", "cluster_size=4k");
  create("-f", "qcow2", "b c.qcow2", "1M");
  create("-f", "foo", "b", "1M");
  create("-f", "qcow2", "missing/b.qcow2", "1M");
  it("makes the same disk", () => expect(runStock(root, "qemu-img", ["compare", "ours/b.qcow2", "stock/b.qcow2"]).status).toBe(0));
});

describe("qemu-img info", () => {
  const info = (...argv: string[]): void => same("qemu-img", ["info", ...argv]);
  info();
  info("a", "b");
  info("-x");
  info("--output=foo", "a.qcow2");
  info("--output");
  info("nonexist");
  info("");
  info("-f", "foo", "a.qcow2");
  info("-f", "qcow2", "text");
  /** 7.2 tells nothing of the child node, and sizes on disk are the file system's. */
  const withChild = (ran: Ran): Ran => ({ ...ran, out: expect.stringContaining(ran.out.replace(/disk size: .*\n[^]*/, "disk size: ")) as string });
  for (const name of ["a.qcow2", "empty.qcow2", "odd.qcow2", "text"]) same("qemu-img", ["info", name], "", withChild);
  it("--output=json", async () => {
    const ran = await both("qemu-img", ["info", "--output=json", "empty.qcow2"]);
    const { children, "actual-size": _ours, ...here } = JSON.parse(ran.ours.out) as Record<string, unknown>;
    const { "actual-size": _stock, ...there } = JSON.parse(ran.stock.out) as Record<string, unknown>;
    expect(here).toEqual(there);
    expect(children).toHaveLength(1);
  });
});

describe("qemu-img: what is refused, and what is warned of", () => {
  const img = (line: string, ...last: string[]): void => same("qemu-img", [...line.split(" "), ...last]);
  for (const folder of [ours, stock]) writeFileSync(join(folder, "sectors"), new Uint8Array(4096));
  // A file that is taken for raw, and may be written.
  for (const line of ["resize text 2000", "resize --preallocation=metadata text 4000", "rebase -u -b a.qcow2 -F qcow2 text", "amend -o size=1M text", "commit text"]) img(line);
  for (const line of ["snapshot -c x -U a.qcow2", "resize a.qcow2 9E", "resize a.qcow2 10000P", "create -f qcow2 foo:bar 1M", "create -f raw json:{} 1M", "convert a.qcow2 foo:bar", "map --image-opts a.qcow2", "info json:{"]) img(line);
  for (const line of ["convert -l snapshot.foo=1 a.qcow2 x", "measure -O qcow2 -l snapshot.foo=1 a.qcow2", "convert -n -O qcow2 --target-image-opts a.qcow2 driver=qcow2,file.filename=empty.qcow2"]) img(line);
  for (const line of ["rebase -b a.qcow2 -F qcow2 a.qcow2", "rebase -f raw -b a.qcow2 text", "info --image-opts driver=raw,file.filename=sectors,size=99G"]) img(line);
  it("a number below zero is out of range to 10.0, and none to 7.2", async () => {
    const line = "driver=raw,file.filename=text,offset=-1";
    expect(await runOurs(ours, "qemu-img", ["info", "--image-opts", line])).toEqual({ status: 1, out: "", err: `qemu-img: Could not open '${line}': Value '-1' is out of range for parameter 'offset'\n` });
  });
  it("a file's name with a colon stands behind file:", async () => {
    expect(await runOurs(ours, "qemu-img", ["create", "-q", "-f", "qcow2", "file:odd:name", "1M"])).toEqual({ status: 0, out: "", err: "" });
    expect((await runOurs(ours, "qemu-img", ["info", "file:odd:name"])).out).toMatch(/^image: \.\/odd:name\n/);
  });
});

describe("qemu-img: the program", () => {
  for (const argv of [[], ["foo"], ["-x"], ["--foo"]]) same("qemu-img", argv);
});
