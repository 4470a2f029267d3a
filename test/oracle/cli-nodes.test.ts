/** Images of nodes as stock's options name them: a disk that is no file, and names and drivers that stay when an image is opened anew. */
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

test("no header leads into the disk of another image, and one that leads to itself is refused", async () => {
  await inScratchFolder(async (folder) => {
    runStock(folder, "qemu-img", ["create", "-q", "-f", "qcow2", "outer", "1M"]);
    const name = "json:{'driver':'qcow2','file':{'driver':'qcow2','file':{'driver':'file','filename':'outer'}}}";
    expect((await runOurs(folder, "qemu-img", ["create", "-q", "-u", "-f", "qcow2", "-b", name, "-F", "qcow2", "top", "1M"])).status).toBe(0);
    expect((await runOurs(folder, "qemu-io", ["-c", "read 0 4k", "top"])).err).toContain("Unknown driver 'qcow2'");
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
    const check = runStock(folder, "qemu-img", ["check", "--output=json", "a"]);
    expect(JSON.parse(check.out)).toMatchObject({ "compressed-clusters": 7, "check-errors": 0 });
    const seen = ["-c", "read -P 9 0 1k", "-c", "read -P 0xbb 1k 222k", "-c", "read -P 9 223k 53k", "-c", "read -P 0xcc 276k 70k", "-c", "read -P 9 346k 653k", "-c", "read -P 0xdd 999k 1k", "a"];
    expect(runStock(folder, "qemu-io", seen).status).toBe(0);
  });
});
