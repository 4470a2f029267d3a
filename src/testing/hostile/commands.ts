/**
 * What is done to an image that somebody broke: lines of the command language. The image is "image", another one beside it "other"; what it
 * stands on, where the corpus has it, has the name that its header gives.
 */

/** What the commands write, and what therefore must be nowhere in a table. */
export const MARK = 0xee;

/** Those that only read. */
export const COMMANDS: readonly (readonly string[])[] = [
  ["qemu-img", "info", "image"],
  ["qemu-img", "info", "--output=json", "--backing-chain", "image"],
  ["qemu-img", "check", "image"],
  ["qemu-img", "check", "--output=json", "image"],
  ["qemu-img", "map", "image"],
  ["qemu-img", "map", "--output=json", "image"],
  ["qemu-img", "snapshot", "-l", "image"],
  ["qemu-img", "compare", "image", "other"],
  ["qemu-img", "convert", "-O", "raw", "image", "out.raw"],
  ["qemu-img", "convert", "-O", "qcow2", "-c", "image", "out.qcow2"],
  ["qemu-img", "convert", "-O", "qcow2", "-l", "one", "image", "out2.qcow2"],
  ["qemu-img", "measure", "-O", "qcow2", "image"],
  ["qemu-img", "dd", "bs=64k", "count=4", "if=image", "of=dd.raw"],
  ["qemu-io", "-r", "-c", "read 0 512k", "-c", "read -P 0 300k 4k", "-c", "map", "-c", "alloc 0 64k", "image"],
];

/** Those that change the image, each on what the one before left. */
export const CHANGES: readonly (readonly string[])[] = [
  ["qemu-io", "-c", `write -P ${MARK} 0 8k`, "-c", `write -P ${MARK} 60k 70k`, "-c", "flush", "-c", `write -P ${MARK} 200k 4k`, "-c", "write -z -u 8k 16k", "-c", "discard 64k 32k", "-c", `write -P ${MARK} 1k 300k`, "image"],
  ["qemu-io", "-c", `write -c -P ${MARK} 128k 64k`, "-c", `aio_write -P ${MARK} 0 4k`, "image"],
  ["qemu-io", "-c", "truncate 2M", "-c", `write -P ${MARK} 1M 64k`, "image"],
  ["qemu-img", "bitmap", "--add", "image", "added"],
  ["qemu-img", "bitmap", "--clear", "image", "b0"],
  ["qemu-img", "bitmap", "--remove", "image", "b1"],
  ["qemu-img", "snapshot", "-c", "made", "image"],
  ["qemu-io", "-c", `write -P ${MARK} 0 256k`, "image"],
  ["qemu-img", "snapshot", "-a", "one", "image"],
  ["qemu-img", "snapshot", "-d", "one", "image"],
  ["qemu-img", "amend", "-o", "compat=1.1,lazy_refcounts=off", "image"],
  ["qemu-img", "resize", "image", "3M"],
  ["qemu-img", "resize", "--shrink", "image", "256k"],
  ["qemu-img", "rebase", "-u", "-b", "", "image"],
  ["qemu-img", "commit", "image"],
  ["qemu-img", "check", "-r", "leaks", "image"],
  ["qemu-img", "check", "-r", "all", "image"],
  ["qemu-img", "check", "image"],
  ["qemu-io", "-c", `write -P ${MARK} 0 192k`, "image"],
];
