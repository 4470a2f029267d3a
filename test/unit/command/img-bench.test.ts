import { describe, expect, it } from "vitest";
import { run } from "../../../src/command/program.ts";
import { qemuImg } from "../../../src/command/qemu-img.ts";
import { fakeEngine } from "./fake-engine.ts";

interface Bench {
  readonly out: string;
  readonly err: string;
  readonly status: number;
  readonly calls: string[];
}

/** Runs qemu-img bench on a scripted engine with a disk of 64 MiB; the clock moves 1.5 s whenever it is looked at. */
async function bench(argv: readonly string[], answers: Parameters<typeof fakeEngine>[0] = {}): Promise<Bench> {
  const engine = fakeEngine(answers);
  const text = { out: "", err: "", explain: "" };
  let clock = 0;
  const status = await run(qemuImg(["bench", ...argv, "a"], { now: () => (clock += 1500) }), engine.perform, (piece, stream) => (text[stream] += piece));
  return { out: text.out, err: text.err, status, calls: engine.calls.map((call) => call.replace(/ \{.*"offset":(\d+),"length":(\d+).*/, " $1 $2").replace(/ \{.*/, "")) };
}

describe("qemu-img bench", () => {
  it("sends requests a step apart, and goes on at the start of the disk", async () => {
    expect(await bench(["-c", "4", "-s", "1M", "-S", "30M", "-o", "1M", "-d", "2"])).toEqual({
      out: "Sending 4 read requests, 1048576 bytes each, 2 in parallel (starting at offset 1048576, step size 31457280)\nRun completed in 1.500 seconds.\n",
      err: "",
      status: 0,
      calls: ["open", "read 1048576 1048576", "read 32505856 1048576", "read 63963136 1048576", "read 29360128 1048576", "close"],
    });
  });
  it("a request as long as the disk begins at its start each time", async () => {
    expect((await bench(["--count=2", "--buffer-size=64M"])).calls).toEqual(["open", "read 0 67108864", "read 0 67108864", "close"]);
  });
  it("writes, and flushes behind each so many", async () => {
    const ran = await bench(["-w", "-c", "5", "-d", "1", "--pattern=0x2a", "--flush-interval=2"]);
    expect(ran.out).toContain("Sending 5 write requests, 4096 bytes each, 1 in parallel (starting at offset 0, step size 4096)\nSending flush every 2 requests\n");
    expect(ran.calls).toEqual(["open", "write 0 4096", "write 4096 4096", "flush", "write 8192 4096", "write 12288 4096", "flush", "write 16384 4096", "close"]);
  });
  it("with a cache mode that is durable each write is", async () => {
    expect((await bench(["-w", "-c", "2", "-t", "directsync"])).calls).toEqual(["open", "write 0 4096", "flush", "write 4096 4096", "flush", "close"]);
  });
  it("the first request that fails ends it", async () => {
    const read = () => ({ ok: false, error: { kind: "store", code: "io", operation: "read", store: "a", offset: 0, lengthBytes: 512, detail: "" } }) as const;
    const ran = await bench([], { read });
    expect(ran).toMatchObject({ err: "qemu-img: Failed request: Input/output error\n", status: 1, calls: ["open", "read 0 4096", "close"] });
    expect(ran.out).not.toContain("completed");
  });
  it.each([
    [["-c", "x"], "Invalid request count specified"],
    [["-d", "-1"], "Invalid queue depth specified"],
    [["-w", "--pattern=256"], "Invalid pattern byte specified"],
    [["-w", "--flush-interval", "4G"], "Invalid flush interval specified"],
    [["-s", "2G"], "Invalid buffer size specified. Must be between 0 and 2147483647."],
    [["-t", "foo"], "Invalid cache mode"],
    [["-i", "foo"], "Invalid aio option: foo"],
    [["--flush-interval=64"], "--flush-interval is only available in write tests"],
    [["-w", "--flush-interval=63"], "Flush interval can't be smaller than depth"],
    [["-w", "-U"], "Could not open 'a': force-share=on can only be used with read-only images"],
    [["b"], "Expecting one image file name\nTry 'qemu-img --help' for more information"],
  ])("%j is refused in QEMU's words", async (argv, words) => {
    expect(await bench(argv)).toEqual({ out: "", err: `qemu-img: ${words}\n`, status: 1, calls: [] });
  });
  it.each([[["-i", "native"]], [["-n"]], [["-n", "-i", "threads", "-t", "writeback"]]])("%j wants a cache mode that goes past the host's", async (argv) => {
    const err = "qemu-img: Could not open 'a': aio=native was specified, but it requires cache.direct=on, which was not specified.\n";
    expect(await bench(argv)).toEqual({ out: "", err, status: 1, calls: ["open", "close"] });
    expect((await bench([...argv, "-c", "1", "-t", "none"])).status).toBe(0);
  });
});
