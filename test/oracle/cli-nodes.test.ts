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
