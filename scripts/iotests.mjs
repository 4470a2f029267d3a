/**
 * Runs QEMU's own iotests, unpacked beside the project, against the built command line: `node scripts/iotests.mjs FOLDER NNN…`,
 * FOLDER being tests/qemu-iotests of QEMU's source. Behind `--` stand options of its runner, `-qcow2` where none names a format:
 * `… 001 002 -- -o compat=0.10`, `… 001 -- -raw`. Prints a line a test and leaves the differences in a temporary folder that it
 * names. How to get the source, and what passes: docs/iotests.md.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { root } from "./run.mjs";

const CLI = join(root, "dist-cli/zonescope.js");
const LIMIT_MS = 600_000;
const FORMAT_FLAGS = ["-qcow2", "-raw"];

/** What an emulator as Debian builds it names: a test asks it for formats that only its emulator would open. */
const FORMATS =
  "blkdebug blklogwrites blkverify bochs cloop compress copy-before-write copy-on-read dmg file host_cdrom host_device luks nbd null-aio null-co " +
  "nvme parallels preallocate qcow qcow2 qed quorum raw replication snapshot-access throttle vdi vhdx vmdk vpc vvfat";

/** Stands where the runner wants an emulator, and answers what it asks before the first test. */
const EMULATOR = `#!/bin/sh
case "$*" in
  *"-machine help"*) echo "none  empty machine (default)";;
  *"-accel help"*) echo qtest;;
  *"-device help"*) echo 'name "virtio-blk", bus virtio-bus'; echo 'name "virtio-scsi-pci", bus PCI';;
  *format=help*) echo "Supported formats: ${FORMATS}"; echo "Supported formats (read-only): ${FORMATS}";;
  *-version*) echo "QEMU emulator version 10.0";;
  *) exit 1;;
esac
`;

function program(folder, name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** A program that the environment names stands instead of ours: `QEMU_IMG_PROG=/usr/bin/qemu-img …` shows what QEMU's own passes here. */
const given = (name) => process.env[name] || undefined;

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const ours = (name) => `#!/bin/sh\nexec ${quoted(process.execPath)} ${quoted(CLI)} ${name} "$@"\n`;

/** `words` cut at `--`: the tests, and the options for the runner. */
function cut(words) {
  const at = words.indexOf("--");
  const options = at < 0 ? [] : words.slice(at + 1);
  const format = options.some((word) => FORMAT_FLAGS.includes(word)) ? [] : ["-qcow2"];
  return { tests: at < 0 ? words : words.slice(0, at), options: [...format, ...options] };
}

function main([folder, ...words]) {
  const { tests, options } = cut(words);
  if (folder === undefined || tests.length === 0 || !existsSync(join(folder, "check"))) {
    console.error("usage: node scripts/iotests.mjs <tests/qemu-iotests of QEMU's source> NNN… [-- option…]");
    return false;
  }
  if (!existsSync(CLI)) {
    console.error(`no ${CLI}: npm run build first`);
    return false;
  }
  const place = mkdtempSync(join(tmpdir(), "zonescope-iotests-"));
  const absent = "#!/bin/sh\nexit 1\n";
  const sockets = join(place, "s");
  mkdirSync(sockets);
  const env = {
    ...process.env,
    QEMU_IMG_PROG: given("QEMU_IMG_PROG") ?? program(place, "qemu-img", ours("qemu-img")),
    QEMU_IO_PROG: given("QEMU_IO_PROG") ?? program(place, "qemu-io", ours("qemu-io")),
    QEMU_PROG: program(place, "qemu-system-x86_64", EMULATOR),
    QEMU_NBD_PROG: given("QEMU_NBD_PROG") ?? program(place, "qemu-nbd", absent),
    QSD_PROG: given("QSD_PROG") ?? program(place, "qemu-storage-daemon", absent),
    TEST_DIR: join(place, "scratch"),
    SOCK_DIR: sockets,
  };
  let passed = 0;
  for (const test of tests) {
    const ran = spawnSync("python3", ["check", ...options, test], { cwd: resolve(folder), env, encoding: "utf8", timeout: LIMIT_MS });
    const skipped = /^Not run: /m.test(ran.stdout ?? "");
    const good = ran.status === 0 && !skipped;
    if (good) passed++;
    const log = join(place, `${test.replaceAll("/", "-")}.log`);
    if (!good) writeFileSync(log, `${ran.stdout ?? ""}${ran.stderr ?? ""}`);
    console.log(`${test} ${good ? "pass" : skipped ? "not run" : `FAIL, see ${log}`}`);
  }
  console.log(`${passed} of ${tests.length} pass`);
  return passed === tests.length;
}

process.exitCode = main(process.argv.slice(2)) ? 0 : 1;
