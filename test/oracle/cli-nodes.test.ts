/** Images of nodes as stock's options name them: a disk that is no file, and names and drivers that stay when an image is opened anew. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inScratchFolder } from "../../src/testing/stock.ts";
import { runOurs, runStock } from "./cli-harness.ts";

const NULL = "json:{'driver':'null-co','size':65536}";

test.each([
  [["-f", "null-co", "-c", "info", "-c", "reopen", "-c", "info", NULL]],
  [["-c", "write -P 1 0 64k", "-c", "read -P 0 0 1k", "--image-opts", "driver=null-co,size=64k,read-zeroes=on"]],
  [["-c", "write 64k 512", "--image-opts", "driver=null-co,size=64k"]],
])("%j", async (argv) => {
  await inScratchFolder(async (folder) => {
    expect(await runOurs(folder, "qemu-io", argv)).toEqual(runStock(folder, "qemu-io", argv));
  });
});

test("a disk of nothing as an external data file, and converted", async () => {
  await inScratchFolder(async (folder) => {
    expect(runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "data_file=d", "a", "1M"]).status).toBe(0);
    const image = "json:{'driver':'qcow2','file':{'driver':'file','filename':'a'},'data-file':{'driver':'null-co','size':1048576}}";
    expect((await runOurs(folder, "qemu-io", ["-c", "write -P 5 0 256k", "-c", "read -P 0 0 256k", image])).out).toContain("read 262144/262144 bytes at offset 0");
    expect((await runOurs(folder, "qemu-img", ["convert", "-O", "qcow2", "-S", "0", NULL, "b"])).status).toBe(0);
    expect(runStock(folder, "qemu-img", ["check", "b"]).out).toContain("1/1 = 100.00% allocated");
  });
});

test.each(["node-name=foo", "file.node-name=foo", "backing.node-name=foo", "driver=raw", "file.driver=qcow2", "backing.driver=raw", "driver=qcow2", "file.driver=file", "backing.driver=qcow2", "file.filename=b"])(
  "reopen -o %s",
  async (option) => {
    await inScratchFolder(async (folder) => {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "b", "1M"]);
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "b", "-F", "qcow2", "a"]);
      for (const argv of [
        ["-f", "qcow2", "-c", `reopen -o ${option}`, "-c", "length", "a"],
        ["-c", `open -o ${["file.driver=qcow2", "file.filename=b", "driver=raw"].includes(option) ? "driver=qcow2" : option} a`, "-c", `reopen -o ${option}`, "-c", "reopen", "-c", "length"],
      ]) {
        const [our, their] = [await runOurs(folder, "qemu-io", argv), runStock(folder, "qemu-io", argv)];
        expect(our, argv.join(" ")).toEqual(their);
      }
    });
  },
);

const NESTED = "driver=qcow2,file.driver=qcow2,file.file.filename=outer";

test("an image inside an image is read and written as stock does, and both are sound", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "inner", "64M"]);
    runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -P 42 0 64k", "-c", "write -P 23 1M 64k", "inner"]);
    runStock(folder, "qemu-img", ["convert", "-f", "raw", "-O", "qcow2", "inner", "outer"]);
    const read = ["-c", `open -o ${NESTED}`, "-c", "read -P 42 0 64k", "-c", "read -P 23 1M 64k", "-c", "read -P 0 2M 64k"];
    expect(await runOurs(folder, "qemu-io", read)).toEqual(runStock(folder, "qemu-io", read));
    // Into what is allocated there: the disk of the outer image has no room for more, which is seen when it is flushed.
    const write = ["-c", `open -o ${NESTED}`, "-c", "write -P 7 0 4k", "-c", "flush", "-c", "read -P 7 0 4k"];
    expect(await runOurs(folder, "qemu-io", write)).toMatchObject({ err: "", status: 0 });
    expect(runStock(folder, "qemu-io", ["-c", `open -o ${NESTED}`, "-c", "read -P 7 0 4k", "-c", "read -P 42 4k 60k"])).toMatchObject({ err: "", status: 0 });
    expect(runStock(folder, "qemu-img", ["check", "outer"]).status).toBe(0);
    expect(await runOurs(folder, "qemu-io", ["-c", `open -o ${NESTED}`, "-c", "write -P 7 3M 64k"])).toMatchObject({ out: expect.stringContaining("close failed: No space left on device\n") as string, status: 1 });
    expect(runStock(folder, "qemu-img", ["check", "--image-opts", NESTED]).status).toBe(0);
  });
});

/** An image that lies in a larger file, behind one sector and in front of two, as a tar file has its members. @returns its node's options */
function makeMember(folder: string): string {
  runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "image", "4M"]);
  runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -q -P 42 0 128k", "-c", "write -q -P 23 1M 64k", "image"]);
  const image = readFileSync(join(folder, "image"));
  writeFileSync(join(folder, "archive"), Buffer.concat([Buffer.alloc(512, 1), image, Buffer.alloc(1024, 2)]));
  return `driver=qcow2,file.driver=raw,file.offset=512,file.size=${image.length},file.file.driver=file,file.file.filename=archive`;
}

test("an image in a part of a raw file is read and written as stock does, and what lies around it stays", async () => {
  await inScratchFolder(async (folder) => {
    const member = makeMember(folder);
    const json = "json:{'driver':'qcow2','file':{'driver':'raw','offset':512,'file':{'driver':'file','filename':'archive'}}}";
    for (const argv of [["check", "--image-opts", member], ["compare", json, "image"], ["compare", "--image-opts", member, "driver=qcow2,file.filename=image"], ["info", "--image-opts", member.replace("512", "1k")], ["info", "--image-opts", member.replace("512", "1G")]]) {
      expect(await runOurs(folder, "qemu-img", argv), argv.join(" ")).toEqual(runStock(folder, "qemu-img", argv));
    }
    const write = ["-c", `open -o ${member}`, "-c", "write -q -P 7 0 4k", "-c", "flush", "-c", "read -q -P 7 0 4k"];
    expect(await runOurs(folder, "qemu-io", write)).toMatchObject({ out: "", err: "", status: 0 });
    expect(runStock(folder, "qemu-io", ["-c", `open -o ${member}`, "-c", "read -q -P 7 0 4k", "-c", "read -q -P 42 4k 124k"])).toMatchObject({ out: "", err: "", status: 0 });
    // The part has no room for more.
    expect(await runOurs(folder, "qemu-io", ["-c", `open -o ${member}`, "-c", "write -P 7 3M 64k"])).toMatchObject({ out: expect.stringContaining("No space left on device\n") as string, status: 1 });
    expect(runStock(folder, "qemu-img", ["check", "--image-opts", member]).status).toBe(0);
    const archive = readFileSync(join(folder, "archive"));
    expect(archive.subarray(0, 512).every((byte) => byte === 1)).toBe(true);
    expect(archive.subarray(archive.length - 1024).every((byte) => byte === 2)).toBe(true);
  });
});

test("info and map name the nodes that an image stands on, and info tells of each", async () => {
  await inScratchFolder(async (folder) => {
    const member = makeMember(folder);
    runStock(folder, "qemu-img", ["convert", "-f", "raw", "-O", "qcow2", "image", "outer"]);
    const part = "driver=raw,offset=512,size=1k,file.filename=archive";
    const deep = "driver=qcow2,file.driver=qcow2,file.file.driver=raw,file.file.offset=0,file.file.file.filename=outer";
    const json = '{"driver":"qcow2","file":{"driver":"raw","offset":512,"size":"262656","file":{"driver":"file","filename":"archive"}}}';
    const named = [["--image-opts", member], ["--image-opts", part], ["--image-opts", NESTED], ["--image-opts", deep], [`json:${json}`], ["--image-opts", "driver=raw,file.filename=archive"]];
    for (const image of named) {
      const [theirs, mine] = [runStock(folder, "qemu-img", ["info", ...image]), await runOurs(folder, "qemu-img", ["info", ...image])];
      // Of the nodes below version 7 says nothing.
      const top = (text: string): string => text.replace(/^Child node '\/file':\n(?: .*\n)*/gm, "");
      expect(top(mine.out), image.join(" ")).toBe(top(theirs.out));
      if (image[1] === part || image[1]?.startsWith("driver=raw") === true) continue;
      expect(await runOurs(folder, "qemu-img", ["map", ...image])).toEqual(runStock(folder, "qemu-img", ["map", ...image]));
    }
    const told = async (options: string): Promise<string> => (await runOurs(folder, "qemu-img", ["info", "--image-opts", options])).out.replace(/^( *disk size: ).*/gm, "$1…");
    const length = readFileSync(join(folder, "image")).length;
    const file = (name: string, indent: string): string => `${indent}filename: ${name}\n${indent}protocol type: file\n${indent}file length: ${lengthWords(folder, name)}\n${indent}disk size: …\n`;
    expect(await told(member)).toContain(
      `\nChild node '/file':\n    image: json:{"offset": "512", "driver": "raw", "size": "${length}", "file": {"driver": "file", "filename": "archive"}}\n    file format: raw\n` +
        `    virtual size: ${length / 1024} KiB (${length} bytes)\n    disk size: …\n    Child node '/file/file':\n${file("archive", "        ")}`,
    );
    expect(await told(NESTED)).toMatch(/^Child node '\/file':\n {4}image: outer\n {4}file format: qcow2\n/m);
    expect((await told(NESTED)).endsWith(`    Child node '/file/file':\n${file("outer", "        ")}`)).toBe(true);
    const tree = JSON.parse((await runOurs(folder, "qemu-img", ["info", "--output=json", "--image-opts", NESTED])).out) as { children: { info: Record<string, unknown> }[] };
    expect(tree.children[0]!.info).toMatchObject({ "filename": "outer", "format": "qcow2", "children": [{ name: "file", info: { filename: "outer", format: "file" } }] });
  });
});

test("info tells of a file, or of nothing, that no format is laid over by its driver", async () => {
  await inScratchFolder(async (folder) => {
    writeFileSync(join(folder, "plain"), Buffer.alloc(4096, 1));
    const lines = [["-f", "file", "plain"], ["--image-opts", "driver=file,filename=plain"], ["--image-opts", "driver=null-co"], ["--image-opts", "driver=null-co,size=1M,read-zeroes=on"], ['json:{"driver":"null-aio","size":1048576}']];
    for (const image of lines) expect(await runOurs(folder, "qemu-img", ["info", ...image]), image.join(" ")).toEqual(runStock(folder, "qemu-img", ["info", ...image]));
    const tree = async (options: string): Promise<unknown> => JSON.parse((await runOurs(folder, "qemu-img", ["info", "--output=json", "--image-opts", options])).out);
    expect(await tree("driver=file,filename=plain")).toMatchObject({ "children": [], "virtual-size": 4096, "filename": "plain", "format": "file", "format-specific": { type: "file" }, "dirty-flag": false });
    expect(await tree("driver=null-co,size=1M")).toEqual({ "children": [], "virtual-size": 1048576, "filename": 'json:{"driver": "null-co", "size": "1M"}', "format": "null-co", "actual-size": 0 });
  });
});

/** The length of a file as info tells it, in whole sectors. */
function lengthWords(folder: string, name: string): string {
  const bytes = Math.ceil(readFileSync(join(folder, name)).length / 512) * 512;
  return `${Number((bytes / 1024).toPrecision(3))} KiB (${bytes} bytes)`;
}

test("an overlay inside the disk of another image is empty behind a commit", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "base", "2M"]);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", join(folder, "base"), "-F", "qcow2", "inner", "2M"]);
    runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -q -P 42 0 64k", "inner"]);
    runStock(folder, "qemu-img", ["convert", "-f", "raw", "-O", "qcow2", "inner", "outer"]);
    expect(await runOurs(folder, "qemu-img", ["commit", "--image-opts", NESTED])).toMatchObject({ out: "Image committed.\n", err: "", status: 0 });
    expect(runStock(folder, "qemu-img", ["map", "--image-opts", NESTED]).out).not.toContain("outer");
    expect(runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "read -q -P 42 0 64k", "base"])).toMatchObject({ out: "", status: 0 });
    expect(runStock(folder, "qemu-img", ["check", "--image-opts", NESTED]).status).toBe(0);
  });
});

test("no header leads into the disk of another image, and one that leads to itself is refused", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "outer", "1M"]);
    const name = "json:{'driver':'qcow2','file':{'driver':'qcow2','file':{'driver':'file','filename':'outer'}}}";
    expect((await runOurs(folder, "qemu-img", ["create", "-q", "-u", "-f", "qcow2", "-b", name, "-F", "qcow2", "top", "1M"])).status).toBe(0);
    expect((await runOurs(folder, "qemu-io", ["-c", "read 0 4k", "top"])).err).toContain("Unknown driver 'qcow2'");
  });
});

test("a header's name leads into no other image's disk one level down either", async () => {
  await inScratchFolder(async (folder) => {
    for (const name of ["outer", "middle"]) runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", name, "1M"]);
    const inside = "{'driver':'qcow2','file':{'driver':'qcow2','file':{'driver':'file','filename':'outer'}}}";
    const name = `json:{'driver':'qcow2','file':{'driver':'file','filename':'middle'},'backing':${inside}}`;
    expect((await runOurs(folder, "qemu-img", ["create", "-q", "-u", "-f", "qcow2", "-b", name, "-F", "qcow2", "top", "1M"])).status).toBe(0);
    expect((await runOurs(folder, "qemu-io", ["-c", "read 0 4k", "top"])).err).toContain("Unknown driver 'qcow2'");
  });
});

test.each(["unsafe", "writeback", "writethrough", "none"])("an image is converted into the disk of another with -t %s, and is there afterwards", async (cache) => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "raw", "source", "2M"]);
    runStock(folder, "qemu-io", ["-f", "raw", "-c", "write -P 9 0 1000k", "-c", "write -P 3 1500k 100k", "source"]);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "inner", "2M"]);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "outer", "16M"]);
    runStock(folder, "qemu-img", ["convert", "-n", "-f", "raw", "-O", "qcow2", "inner", "outer"]);
    expect(await runOurs(folder, "qemu-img", ["convert", "-n", "-t", cache, "--target-image-opts", "-f", "raw", "source", NESTED])).toMatchObject({ err: "", status: 0 });
    expect(runStock(folder, "qemu-img", ["compare", "--image-opts", "driver=raw,file.filename=source", NESTED])).toMatchObject({ status: 0 });
    expect(runStock(folder, "qemu-img", ["check", "outer"]).status).toBe(0);
    expect(runStock(folder, "qemu-img", ["check", "--image-opts", NESTED]).status).toBe(0);
  });
});

test("what the disk below an image stands on is in use while a copy is made", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "base", "8M"]);
    runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -P 5 6M 64k", "base"]);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base", "-F", "qcow2", "outer"]);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "inner", "1M"]);
    runStock(folder, "qemu-io", ["-f", "qcow2", "-c", "write -s inner 0 512k", "outer"]);
    const before = readFileSync(join(folder, "base"));
    expect((await runOurs(folder, "qemu-img", ["convert", "-O", "qcow2", "--image-opts", NESTED, "base"])).status).toBe(1);
    expect(readFileSync(join(folder, "base")).equals(before)).toBe(true);
  });
});

test.each(["driver=qcow2,data-file.file.filename=victim", "driver=raw,data-file.offset=512k,data-file.file.filename=victim", "driver=compress,data-file.file.driver=qcow2,data-file.file.file.filename=victim"])(
  "guest data goes past no node: data-file.%s",
  async (node) => {
    await inScratchFolder(async (folder) => {
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "victim", "1M"]);
      runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "data_file=d", "a", "1M"]);
      const before = readFileSync(join(folder, "victim"));
      const refused = await runOurs(folder, "qemu-io", ["--image-opts", "-c", "write -P 1 0 64k", `driver=qcow2,file.driver=file,file.filename=a,data-file.${node}`]);
      expect(refused.status).toBe(1);
      expect(refused.err).toContain("Unknown driver");
      expect(readFileSync(join(folder, "victim")).equals(before)).toBe(true);
    });
  },
);

test.each([["create", "-f", "qcow2", "blkdebug::a", "9M"], ["convert", "-O", "qcow2", "b", "blkdebug::a"]])("qemu-img %s %s %s %s: blkdebug makes no file", async (...argv) => {
  await inScratchFolder(async (folder) => {
    for (const name of ["a", "b"]) runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", name, "1M"]);
    const before = readFileSync(join(folder, "a"));
    const [our, their] = [await runOurs(folder, "qemu-img", argv), runStock(folder, "qemu-img", argv)];
    expect(our.err).toBe(their.err);
    expect(our.status).toBe(their.status);
    expect(readFileSync(join(folder, "a")).equals(before)).toBe(true);
  });
});

test("no image is opened in a disk with zones: it would be written past their rules", async () => {
  await inScratchFolder(async (folder) => {
    expect((await runOurs(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-o", "zone_model=1,zone_size=1M", "outer", "8M"])).status).toBe(0);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "inner", "1M"]);
    expect((await runOurs(folder, "qemu-io", ["-c", "write -s inner 0 320k", "outer"])).status).toBe(0);
    for (const command of ["read 0 4k", "write 0 4k"]) {
      const refused = await runOurs(folder, "qemu-io", ["-c", command, "--image-opts", NESTED]);
      expect(refused.status).toBe(1);
      expect(refused.err).toContain("an image inside the disk of a zoned image");
    }
  });
});

test("an outer image that was not closed well is set right before its disk is written, and a corrupt one is not written", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "inner", "1M"]);
    const marked = (bits: number): void => {
      runStock(folder, "qemu-img", ["convert", "-f", "raw", "-O", "qcow2", "-o", "lazy_refcounts=on", "inner", "outer"]);
      runStock(folder, "qemu-img", ["resize", "-q", "-f", "qcow2", "outer", "4M"]);
      const bytes = readFileSync(join(folder, "outer"));
      bytes[79] = bits;
      writeFileSync(join(folder, "outer"), bytes);
    };
    marked(1);
    const written = await runOurs(folder, "qemu-io", ["-c", "write -P 7 0 64k", "-c", "read -P 7 0 64k", "--image-opts", NESTED]);
    expect(written).toMatchObject({ err: "", status: 0 });
    expect(runStock(folder, "qemu-io", ["-c", "read -P 7 0 64k", "--image-opts", NESTED])).toMatchObject({ err: "", status: 0 });
    expect(runStock(folder, "qemu-img", ["check", "outer"]).status).toBe(0);
    marked(2);
    expect((await runOurs(folder, "qemu-io", ["-c", "write -P 7 0 64k", "--image-opts", NESTED])).err).toContain("Image is corrupt; cannot be opened read/write");
  });
});

test("where writes beside a broken snapshot are refused, what was only read is flushed as stock does", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "a", "1M"]);
    runStock(folder, "qemu-img", ["snapshot", "-c", "s", "a"]);
    const bytes = readFileSync(join(folder, "a"));
    bytes.writeBigUInt64BE(0x1000200n, Number(bytes.readBigUInt64BE(64)));
    writeFileSync(join(folder, "a"), bytes);
    const read = ["--image-opts", "-c", "read 0 64k", "-c", "flush", "driver=qcow2,overlap-check=all,file.filename=a"];
    expect(await runOurs(folder, "qemu-io", read)).toEqual(runStock(folder, "qemu-io", read));
    const write = await runOurs(folder, "qemu-io", ["--image-opts", "-c", "write 0 64k", "driver=qcow2,overlap-check=all,file.filename=a"]);
    expect(write.status).toBe(1);
    expect(readFileSync(join(folder, "a")).equals(bytes)).toBe(true);
  });
});

const COMPRESS = "driver=compress,file.driver=qcow2,file.file.driver=file,file.file.filename=a";

test("behind the filter compress any write stores its clusters compressed, with what they had around it", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "-b", "base", "-F", "raw", "-u", "a", "1000k"]);
    runStock(folder, "qemu-img", ["create", "-q", "-f", "raw", "base", "1000k"]);
    runStock(folder, "qemu-io", ["-f", "raw", "-c", "write -P 9 0 1000k", "base"]);
    for (const argv of [
      ["-c", "write -P 0xbb 1k 222k", "--image-opts", COMPRESS],
      ["-c", "write -P 0xcc 276k 70k", "-c", "read -P 9 270k 6k", "-c", "read -P 9 346k 10k", `json:{'driver':'compress','file':{'driver':'qcow2','file':{'driver':'file','filename':'a'}}}`],
      // The disk's last cluster is cut by its end.
      ["-c", "write -P 0xdd 999k 1k", "-c", "read -P 9 980k 19k", "--image-opts", COMPRESS],
      ["-c", "read 0 1k", "--image-opts", "driver=compress,file.driver=raw,file.file.driver=file,file.file.filename=base"],
      ["-c", "read 0 1k", "--image-opts", "driver=compress,file.driver=file,file.filename=base"],
    ]) {
      expect(await runOurs(folder, "qemu-io", argv), argv.join(" ")).toMatchObject({ status: argv.at(-1)!.endsWith("=base") ? 1 : 0 });
    }
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "copy", "1000k"]);
    const copy = COMPRESS.replace("=a", "=copy");
    expect(await runOurs(folder, "qemu-img", ["convert", "-n", "--target-image-opts", "-f", "raw", "base", copy])).toMatchObject({ err: "", status: 0 });
    expect(JSON.parse(runStock(folder, "qemu-img", ["check", "--output=json", "copy"]).out)).toMatchObject({ "compressed-clusters": 16, "check-errors": 0 });
    expect(runStock(folder, "qemu-img", ["compare", "base", "copy"]).status).toBe(0);
    const check = runStock(folder, "qemu-img", ["check", "--output=json", "a"]);
    expect(JSON.parse(check.out)).toMatchObject({ "compressed-clusters": 7, "check-errors": 0 });
    const seen = ["-c", "read -P 9 0 1k", "-c", "read -P 0xbb 1k 222k", "-c", "read -P 9 223k 53k", "-c", "read -P 0xcc 276k 70k", "-c", "read -P 9 346k 653k", "-c", "read -P 0xdd 999k 1k", "a"];
    expect(runStock(folder, "qemu-io", seen).status).toBe(0);
  });
});
