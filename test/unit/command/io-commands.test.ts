import { describe, expect, it } from "vitest";
import { run } from "../../../src/command/program.ts";
import { qemuIo } from "../../../src/command/qemu-io.ts";
import type { ZoneRefusal } from "../../../src/protocol/index.ts";
import { fakeEngine, plainFacts } from "./fake-engine.ts";

interface Session {
  readonly out: string;
  readonly err: string;
  readonly explain: string;
  readonly status: number;
  readonly calls: string[];
}

/** Runs qemu-io with commands on a scripted engine; the clock moves 4 ms whenever it is looked at. */
async function session(commands: readonly string[], answers: Parameters<typeof fakeEngine>[0] = {}, options: readonly string[] = []): Promise<Session> {
  const engine = fakeEngine(answers);
  const text = { out: "", err: "", explain: "" };
  let clock = 0;
  const argv = [...options, ...commands.flatMap((command) => ["-c", command]), "disk.qcow2"];
  const status = await run(qemuIo(argv, { now: () => (clock += 4) }), engine.perform, (piece, stream) => (text[stream] += piece));
  return { ...text, status, calls: engine.calls.filter((call) => !call.startsWith("open") && !call.startsWith("close")) };
}

const check = (command: string, expected: Partial<Session>, answers: Parameters<typeof fakeEngine>[0] = {}): void =>
  it(command, async () => expect(await session([command], answers)).toMatchObject(expected));

const refused: ZoneRefusal = { kind: "zone", code: "zone-full", operation: "write", zone: 3, requested: 0, writePointer: 512 };

describe("reads", () => {
  check("read 4k 4k", { out: "read 4096/4096 bytes at offset 4096\n4 KiB, 1 ops; 00.00 sec (1000 KiB/sec and 250.0000 ops/sec)\n", status: 0 });
  check("read -v 4k 18", {
    out: `00001000:  ${"41 ".repeat(16)} ${"A".repeat(16)}\n00001010:  41 41  AA\nread 18/18 bytes at offset 4096\n18 bytes, 1 ops; 00.00 sec (4.395 KiB/sec and 250.0000 ops/sec)\n`,
  });
  check("read -q -P 5 0 512", { out: "Pattern verification failed at offset 0, 512 bytes\n", status: 1 }, { read: () => ({ ok: true, value: { data: null, mismatchOffset: 7 } }) });
  check("read -P 5 -s 100 -l 50 0 512", {
    calls: [
      'read {"handle":1,"offset":0,"length":100,"pattern":null,"wantData":false}',
      'read {"handle":1,"offset":100,"length":50,"pattern":5,"wantData":false}',
      'read {"handle":1,"offset":150,"length":362,"pattern":null,"wantData":false}',
    ],
  });
  check("read -q 0 40M", {
    calls: [
      'read {"handle":1,"offset":0,"length":16777216,"pattern":null,"wantData":false}',
      'read {"handle":1,"offset":16777216,"length":16777216,"pattern":null,"wantData":false}',
      'read {"handle":1,"offset":33554432,"length":8388608,"pattern":null,"wantData":false}',
    ],
  });
  check("read 40M 40M", { out: "read failed: Input/output error\n", calls: [], status: 1 });
  check("read 4E 512", { out: "read failed: Input/output error\n", calls: [], status: 1 });
  check("read -b -q 0 512", { calls: ['read {"handle":1,"offset":0,"length":512,"vmState":true,"pattern":null,"wantData":false}'], status: 0 });
  check("read -b 1 512", { out: "1 is not a sector-aligned value for 'offset'\n", calls: [], status: 1 });
  it.each([
    [false, 0, 65536],
    [true, 30720, 6144],
  ])("with copy-on-read keep whole clusters, or parts of them that an image has (extended L2 entries: %s)", async (extendedL2, offset, length) => {
    const usual = plainFacts("disk.qcow2");
    const facts = { ...usual, image: { ...usual.image, extendedL2 } };
    const answers: Parameters<typeof fakeEngine>[0] = { open: () => ({ ok: true, value: { handle: 1, facts } }), facts: () => ({ ok: true, value: facts }) };
    const ran = await session(["read -q 31k 4k"], answers, ["-C"]);
    expect(ran.calls.filter((call) => call.startsWith("map") || call.startsWith("write"))).toEqual([
      `map {"handle":1,"offset":${offset},"length":${length},"maxExtents":1024}`,
      `writeZeroes {"handle":1,"offset":${offset},"length":${length},"unmap":false,"copiesOnRead":true}`,
    ]);
  });
  check("aio_read -P 1 0 512", { status: 0 }, { read: () => ({ ok: true, value: { data: null, mismatchOffset: 0 } }) });
});

describe("writes", () => {
  check("write 0 4k", { calls: ['write {"handle":1,"offset":0,"length":4096,"pattern":205,"data":null}'], status: 0 });
  check("write -f -q -P 7 0 4k", { calls: ['write {"handle":1,"offset":0,"length":4096,"pattern":7,"data":null}', 'flush {"handle":1}'], out: "" });
  check("write -z -u -q 0 4k", { calls: ['writeZeroes {"handle":1,"offset":0,"length":4096,"unmap":true}'] });
  check("write 0 4k ", { out: "write failed: Invalid argument\n", explain: expect.stringContaining("Zone 3 is FULL") as string, status: 1 }, { write: () => ({ ok: false, error: refused }) });
  check("aio_write 0 4k", { out: "aio_write failed: Invalid argument\n", status: 0 }, { write: () => ({ ok: false, error: refused }) });
  check("write -c -q 0 4k", { calls: ['write {"handle":1,"offset":0,"length":4096,"pattern":205,"data":null,"compressed":true}'], status: 0 });
  check("write -b -q 0 4k", { calls: ['write {"handle":1,"offset":0,"length":4096,"pattern":205,"data":null,"vmState":true}'], status: 0 });
  check("write -zn -q 0 4k", { calls: ['writeZeroes {"handle":1,"offset":0,"length":4096,"unmap":false,"fallback":false}'], status: 0 });
  check("aio_discard 0 4k", { calls: ['discard {"handle":1,"offset":0,"length":4096}'], out: "discarded  4096/4096 bytes at offset 0\n4 KiB, 1 ops; 00.00 sec (1000 KiB/sec and 250.0000 ops/sec)\n", status: 0 });
  check("aio_discard -q 0 4k", { out: "aio_discard failed: Invalid argument\n", status: 0 }, { discard: () => ({ ok: false, error: refused }) });
  check("aio_discard 0 1 2", { calls: [], out: "aio_discard [-Cq] off len -- asynchronously discards a number of bytes\n", status: 1 });
  it("are flushed one by one where writethrough is asked for", async () => {
    expect(await session(["write -q 0 512"], {}, ["-t", "writethrough"])).toMatchObject({ calls: ['write {"handle":1,"offset":0,"length":512,"pattern":205,"data":null}', 'flush {"handle":1}'] });
  });
  it("give nothing back where discards are ignored", async () => {
    const ran = await session(["write -zu -q 0 4k", "discard -q 0 4k", "discard -q 40M 40M"], {}, ["-d", "ignore"]);
    expect(ran).toMatchObject({ calls: ['writeZeroes {"handle":1,"offset":0,"length":4096,"unmap":false}'], out: "discard failed: Input/output error\n", status: 1 });
  });
  it("a read-only image is told before anything is asked", async () => {
    const open = () => ({ ok: true, value: { handle: 1, facts: plainFacts("disk.qcow2", true) } }) as const;
    const writing = ["write 0 4k", "zo 0 16M", "zc 0 16M", "zf 0 16M", "zrs 0 16M", "zap 0 4k", "discard 0 64k"];
    const ran = await session([...writing, "read -q 0 512"], { open }, ["-r"]);
    expect(ran).toMatchObject({ err: "qemu-io: Block node is read-only\n".repeat(writing.length), out: "", status: 1 });
    expect(ran.calls.map((asked) => asked.split(" ")[0]), "nothing but the read").toEqual(["read"]);
  });
});

describe("zone commands", () => {
  const zone = { zone: 1, type: 2, condition: 2, start: 16777216, length: 16777216, capacity: 8388608, writePointer: 16777216 + 4196 };
  check("zrp 16M 1", { out: "start: 0x8000, len 0x8000, cap 0x4000, wptr 0x8008, zcond:2, [type: 2]\n", status: 0 }, { report: () => ({ ok: true, value: [zone] }) });
  check("zone_report 0 1x", { out: "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- 1x\n", status: 1 });
  check("zap -p 16M 4k 8k", { out: "After zap done, the append sector is 0x8000\n", calls: ['append {"handle":1,"offset":16777216,"lengths":[4096,8192],"pattern":205}'] });
  check("zap 16M 4k", { out: "", status: 0 });
  check("zap -p 16M", { out: "zone_append [-p] offset len [len..] -- append write a number of bytes at a specified offset\n", status: 1 });
  check("zo 0 16M", { calls: ['manage {"handle":1,"offset":0,"length":16777216,"operation":"open"}'], out: "", status: 0 });
  for (const [alias, name] of [["zo", "open"], ["zc", "close"], ["zf", "finish"], ["zrs", "reset"]] as const) {
    check(`${alias} 0 16M`, { out: `zone ${name} failed: Invalid argument\n`, status: 1 }, { manage: () => ({ ok: false, error: refused }) });
  }
  check("zrp 1G 1", { out: "zone report failed: Invalid argument\n" }, {
    report: () => ({ ok: false, error: { kind: "zone", code: "out-of-range", operation: "report", zone: null, offset: 2 ** 30, lengthBytes: 0, deviceSize: 67108864 } }),
  });
});

describe("the table", () => {
  check("zrp 0", { err: "bad argument count 1 to zrp, expected 2 arguments\n", status: 1 });
  check("zap 0", { err: "bad argument count 1 to zap, expected at least 2 arguments\n", status: 1 });
  check("alloc", { err: "bad argument count 0 to alloc, expected between 1 and 2 arguments\n", status: 1 });
  check("foo 1", { err: 'command "foo" not found\n', status: 1 });
  check("r -x 0 512", { err: "r: invalid option -- 'x'\n", out: "read [-abCqrv] [-P pattern [-s off] [-l len]] off len -- reads a number of bytes at a specified offset\n", status: 1 });
  check("help zrp", { out: "zrp offset number -- report zone information\n", status: 0 });
  check("help foo", { out: "command foo not found\n", status: 1 });
  check("length", { out: "64 MiB\n" });
  check("map", { out: "64 MiB (0x4000000) bytes not allocated at offset 0 bytes (0x0)\n" });
  check("alloc 0 1M", { out: "0/1048576 bytes allocated at offset 0 bytes\n" });
  check("sleep x", { out: "x is not a valid number\n", status: 1 });
  it("a failure does not stop what follows; quit does", async () => {
    expect(await session(["foo", "length", "quit", "length"])).toMatchObject({ out: "64 MiB\n", status: 1 });
  });
  it("close, open and reopen", async () => {
    const commands = ["close", "length", "open -r other.qcow2", "length", "reopen -w", "length"];
    expect(await session(commands)).toMatchObject({ out: "64 MiB\n64 MiB\n", err: "no file open, try 'help open'\n", status: 1 });
  });
});

describe("opening", () => {
  it("a file that is not there", async () => {
    const open = () => ({ ok: false, error: { kind: "file", code: "not-found", file: "disk.qcow2" } }) as const;
    expect(await session(["length"], { open })).toMatchObject({ err: "qemu-io: can't open device disk.qcow2: Could not open 'disk.qcow2': No such file or directory\n", out: "", status: 1 });
  });
  it("a file that is no image", async () => {
    const open = () => ({ ok: false, error: { kind: "image", structure: "header", field: "magic", hostOffset: 0, found: "x", allowed: "y" } }) as const;
    expect(await session(["length"], { open })).toMatchObject({ err: "qemu-io: can't open device disk.qcow2: Image is not in qcow2 format\n", status: 1 });
  });
  it("an image that lies", async () => {
    const open = () => ({ ok: false, error: { kind: "image", structure: "zoned extension", field: "zone_size", hostOffset: 116, found: "3", allowed: "a power of two" } }) as const;
    expect(await session(["length"], { open })).toMatchObject({
      err: "qemu-io: can't open device disk.qcow2: the field zone_size of the zoned extension, at byte 0x74 of the file, is 3; allowed is a power of two\n",
      status: 1,
    });
  });
});
