import { describe, expect, it } from "vitest";
import { completions, runConsoleLine } from "../../../src/command/console.ts";
import { IMG_COMMANDS } from "../../../src/command/qemu-img.ts";
import { fakeEngine, zonedFacts } from "./fake-engine.ts";

interface Transcript {
  readonly text: string;
  readonly status: number;
  /** What the host was asked: "detach", "attach FILE", and the calls' names. */
  readonly events: string[];
}

async function type(line: string, attachedFile: string | null, answers: Parameters<typeof fakeEngine>[0] = {}, opened: readonly string[] = []): Promise<Transcript> {
  const events: string[] = [];
  const engine = fakeEngine(answers);
  let attached = attachedFile === null ? null : { handle: 9, file: attachedFile };
  let text = "";
  let clock = 0;
  const { status } = await runConsoleLine(line, {
    perform: async (name, request) => {
      events.push(name);
      return engine.perform(name, request);
    },
    write: (piece, stream) => (text += stream === "out" ? piece : `${stream}: ${piece}`),
    now: () => (clock += 4),
    opened: () => opened,
    attached: () => attached,
    detach: async () => {
      events.push("detach");
      attached = null;
    },
    attach: async (file) => {
      events.push(`attach ${file}`);
      attached = { handle: 10, file };
    },
  });
  return { text, status, events };
}

const check = (line: string, attachedFile: string | null, expected: Partial<Transcript>, answers: Parameters<typeof fakeEngine>[0] = {}): void =>
  it(`${line === "" ? "an empty line" : line} (attached: ${attachedFile ?? "none"})`, async () => expect(await type(line, attachedFile, answers)).toMatchObject(expected));

describe("lines as they stand in mails and terminals", () => {
  const length = { text: "64 MiB\n", status: 0, events: ["facts"] };
  for (const line of ["qemu-io> length", "$ length", "$ zonescope length", "zonescope length"]) check(line, "a.qcow2", length);
  const usage = { text: "err: blkzone: no command specified\n", status: 1 };
  for (const line of ["$ blkzone", "sudo blkzone", "% sudo /usr/sbin/blkzone", "root@debian:~# blkzone", "[root@host ~]$ ./blkzone", "./build/zonescope blkzone"]) {
    check(line, "a.qcow2", usage);
  }
  check("sudo reboot", "a.qcow2", { text: expect.stringContaining('command "sudo" not found') as string, status: 1 });
  check("$ reboot", "a.qcow2", { text: expect.stringContaining('command "$" not found') as string, status: 1 });
  check("./length", "a.qcow2", { text: expect.stringContaining('command "./length" not found') as string, status: 1 });
  // What was commented out in a script stays so; a mail's # is said to be one.
  check("# blkzone report a.qcow2", "a.qcow2", { text: "explain: A line that begins with # is a comment. Leave the # out to run blkzone.\n", status: 0, events: [] });
  check("#blkzone report a.qcow2", "a.qcow2", { text: "", status: 0, events: [] });
  check("# write the second zone", "a.qcow2", { text: "", status: 0, events: [] });
});

it("a file of the person's computer that is named as the page shows it", async () => {
  const missing: Parameters<typeof fakeEngine>[0] = { open: () => ({ ok: false, error: { kind: "file", code: "not-found", file: "disk.qcow2" } }) };
  const told = "explain: The file that was opened is named dropped:disk.qcow2 in commands.\n";
  const { text, status } = await type("blkzone report disk.qcow2", null, missing, ["dropped:disk.qcow2"]);
  expect(status).toBe(1);
  expect(text).toContain(told);
  expect((await type("blkzone report other.qcow2", null, missing, ["dropped:disk.qcow2"])).text).not.toContain("opened is named");
  expect((await type("blkzone report disk.qcow2", null, missing)).text).not.toContain("opened is named");
});

describe("a line that names the attached image in other words than its name alone", () => {
  const names = ["blkdebug:rules.conf:a.qcow2", "blkdebug::a.qcow2", "file:a.qcow2", `'json:{"driver":"qcow2","file":{"driver":"file","filename":"a.qcow2"}}'`, "--image-opts driver=qcow2,file.filename=a.qcow2"];
  const lets = ["detach", "attach a.qcow2"];
  for (const name of names) it(`qemu-io -c length ${name}`, async () => expect((await type(`qemu-io -c length ${name}`, "a.qcow2")).events.filter((event) => event.includes("tach"))).toEqual(lets));
  it("keeps it where it names another", async () => expect((await type("qemu-io -c length blkdebug:a.qcow2:b.qcow2", "a.qcow2")).events.filter((event) => event.includes("tach"))).toEqual([]));
  it("keeps it where it names a file of the person's computer", async () => expect((await type("qemu-io -c length dropped:a.qcow2", "a.qcow2")).events.filter((event) => event.includes("tach"))).toEqual([]));
});

describe("bare commands", () => {
  check("", "a.qcow2", { text: "", status: 0, events: [] });
  check("# nothing", "a.qcow2", { text: "", status: 0, events: [] });
  check("length", "a.qcow2", { text: "64 MiB\n", status: 0, events: ["facts"] });
  check("zo 0 16M", "a.qcow2", { text: "", status: 0, events: ["manage"] });
  check("write 0 512", "a.qcow2", { text: "wrote 512/512 bytes at offset 0\n512 bytes, 1 ops; 00.00 sec (125 KiB/sec and 250.0000 ops/sec)\n", status: 0 });
  check("length", null, { text: 'err: no image is attached: open one, or make one with "qemu-img create"\n', status: 1, events: [] });
  check("foo", "a.qcow2", { text: 'err: command "foo" not found; "help" lists all there are\n', status: 1 });
  check("zone_opne 0 16M", "a.qcow2", { text: 'err: command "zone_opne" not found; "help" lists all there are\nexplain: Did you mean zone_open? "help zone_open" tells how it is used.\n', status: 1 });
  check("append 0 4k", "a.qcow2", { text: expect.stringContaining("explain: Did you mean zone_append?") as string, status: 1 });
  check("undo", "a.qcow2", { text: expect.stringContaining("explain: A disk takes nothing back.") as string, status: 1 });
  check("close", "a.qcow2", { text: "err: close is not for the attached image: it stays open\n", status: 1, events: [] });
  check("read 'x", "a.qcow2", { text: "err: the quote ' at column 6 is not closed\n", status: 2 });
  check("zo 0 16M", "a.qcow2", {
    text:
      "zone open failed: Invalid argument\n" +
      "explain: Too many open zones. 2 zones are open, the limit is 2, and none of them can be closed to make room for zone 0.\n" +
      "Instead: Close, finish or reset an open zone first.\n" +
      "Elsewhere: errno EINVAL, virtio-blk ZONE_OPEN_RESOURCE, NVMe 1BEh Too Many Open Zones, SCSI INSUFFICIENT ZONE RESOURCES\n",
    status: 1,
  }, { manage: () => ({ ok: false, error: { kind: "zone", code: "too-many-open", operation: "open", zone: 0, open: 2, maxOpen: 2 } }) });
  check("write 0 512", "a.qcow2", { text: expect.stringContaining("err: qemu-io: Block node is read-only\n") as string, status: 1 }, {
    write: () => ({ ok: false, error: { kind: "usage", code: "read-only", detail: "the image is open for reading" } }),
  });
});

describe("programs", () => {
  const V4 = "-o size=64M,zone_size=16M,zone_model=1";
  check(`qemu-img create -f qcow2 ${V4} new.qcow2`, "a.qcow2", { status: 0, events: ["create", "detach", "attach new.qcow2"] });
  check(`qemu-img create -f qcow2 new.qcow2 ${V4}`, null, { status: 0, events: ["create", "attach new.qcow2"] });
  check(`zonescope qemu-img create -f qcow2 a.qcow2 ${V4}`, "a.qcow2", { status: 0, events: ["detach", "create", "attach a.qcow2"] });
  check("qemu-img create -f qcow2 a.qcow2", "a.qcow2", { status: 1, text: "err: qemu-img: a.qcow2: Image creation needs a size parameter\n", events: ["detach", "attach a.qcow2"] });
  check("qemu-img create -f qcow2 new.qcow2", "a.qcow2", { status: 1, events: [] });
  check("qemu-img info b.qcow2", "a.qcow2", { status: 0, events: ["open", "close"] });
  check("qemu-img info a.qcow2", "a.qcow2", { status: 0, events: ["detach", "open", "close", "attach a.qcow2"] });
  check("qemu-img info --image-opts driver=qcow2,file.filename=a.qcow2", "a.qcow2", { status: 0, events: ["detach", "open", "close", "attach a.qcow2"] });
  check("qemu-io -c 'zo 0 16M' -c length a.qcow2", "a.qcow2", { text: "64 MiB\n", status: 0, events: ["detach", "open", "manage", "facts", "close", "attach a.qcow2"] });
  check("qemu-io -c 'open a.qcow2'", "a.qcow2", { status: 0, events: ["detach", "open", "close", "attach a.qcow2"] });
});

describe("qemu-img info", () => {
  it("for people, with zones", async () => {
    const open = () => ({ ok: true, value: { handle: 1, facts: zonedFacts("z.qcow2") } }) as const;
    expect((await type("qemu-img info z.qcow2", null, { open })).text).toBe(`image: z.qcow2
file format: qcow2
virtual size: 64 MiB (67108864 bytes)
disk size: 196 KiB
cluster_size: 65536
Format specific information:
    compat: 1.1
    compression type: zlib
    lazy refcounts: false
    refcount bits: 16
    corrupt: false
    extended l2: false
    zoned:
        dialect: v4
        mode: host-managed
        zone size: 16777216
        zone capacity: 16777216
        zones: 4
        conventional zones: 0
        max open zones: 2
        max active zones: 3
        max append bytes: 65536
        pointers:
            empty: 2
            closed: 1
            full: 1
            conventional: 0
            bytes below: 16778240
        findings:
            [0]: zone 1, entry at byte 0x30008 of the file: the write pointer 16777217 is no multiple of 512, so that the image is read-only
Child node '/file':
    filename: z.qcow2
    protocol type: file
    file length: 192 KiB (197120 bytes)
    disk size: 196 KiB
`);
  });
  it("for programs", async () => {
    const open = () => ({ ok: true, value: { handle: 1, facts: zonedFacts("z.qcow2") } }) as const;
    const { text } = await type("qemu-img info --output=json z.qcow2", null, { open });
    expect(JSON.parse(text)).toMatchObject({
      "virtual-size": 67108864,
      "actual-size": 200704,
      children: [{ name: "file", info: { "virtual-size": 197120 } }],
      "format-specific": { type: "qcow2", data: { zoned: { dialect: "v4", "zone-size": 16777216, zones: 4 } } },
    });
    expect(text).toContain('                "children": [\n                ],\n');
  });
});

describe("help and completion", () => {
  it("lists programs and commands from the tables", async () => {
    const { text } = await type("help", null);
    for (const expected of ["qemu-img …", "qemu-io …", "zone_append [-p] offset len", "read [-abCqrv]", "map  -- prints"]) expect(text).toContain(expected);
    expect(text).not.toContain("reopen");
  });
  check("help zap", null, { text: expect.stringContaining("zap [-p] offset len [len..] -- ") as string, status: 0 });
  check("help qemu-img", null, { text: expect.stringMatching(/  check [^]*  create [^]*  map /) as string, status: 0 });
  check("help qemu-img create", null, { text: expect.stringMatching(/^qemu-img create [^]*  -b, --backing=FILE\n    the backing file[^]*\nExit status. 0: done/) as string, status: 0 });
  check("help qemu-io", null, { text: expect.stringContaining("--copy-on-read") as string, status: 0 });
  check("help set", null, { text: expect.stringMatching(/^set \[explain on\|off\] -- /) as string, status: 0 });
  check("help foo", null, { text: "err: command foo not found\n", status: 1 });
  const complete = (text: string, expected: string[]): void => it(`completes ${JSON.stringify(text)}`, () => expect(completions(text)).toEqual(expected));
  complete("zone_r", ["zone_report", "zone_reset"]);
  complete("qem", ["qemu-img", "qemu-io"]);
  complete("qemu-img ", IMG_COMMANDS.map(({ name }) => name));
  complete("zonescope qemu-img cr", ["create"]);
  complete("help zone_o", ["zone_open"]);
  complete("qemu-img create -f q", ["qcow2"]);
  complete("qemu-img create -f qcow2 -o zone_s", ["zone_size="]);
  complete("reo", []);
});
