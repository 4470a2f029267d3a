/**
 * `npm run guest:build`: makes the files of public/guest anew, bit for bit, from packages of Debian that guest/packages.json pins, on
 * a Debian machine. Packages are fetched by apt into a root of its own and unpacked; none is installed, and nothing of the machine is
 * changed.
 *
 *   npm run guest:build               compares what it made with the committed files, and says what is other
 *   npm run guest:build -- --write    puts it in their place
 *   npm run guest:build -- --keep-kernel   takes the committed kernel for the one that would be built, which is most of the work
 *
 * GUEST_BUILD is the folder that it works in (2 GB); without it, one below the system's temporary folder, kept for the next time.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { IMAGES, builtImage, packagesOf } from "./guest-image.mjs";
import { licences, sources } from "./guest-licences.mjs";
import { root } from "./run.mjs";

/** @typedef {{ package: string, version: string, architecture: string, source: string, sourceVersion: string, sha256: string }} Package */

const work = process.env["GUEST_BUILD"] ?? join(tmpdir(), "zonescope-guest");
const recipe = join(root, "guest");
const target = join(root, "public/guest");
/** @type {{ needs: { packages: Record<string, string> }, kernel: Package, packages: Package[] }} */
const pinned = JSON.parse(readFileSync(join(recipe, "packages.json"), "utf8"));

/** Nothing of the machine, the day or the person is in the kernel. */
const FIXED = { KBUILD_BUILD_TIMESTAMP: "1970-01-01 00:00:00 +0000", KBUILD_BUILD_USER: "zonescope", KBUILD_BUILD_HOST: "guest", LC_ALL: "C", TZ: "UTC" };

/**
 * Runs a program that must succeed; its output is shown when it does not.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, input?: Uint8Array }} [options]
 */
function must(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...options, env: { ...process.env, ...FIXED, ...options.env }, maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? `${stdout}${stderr}`.trim()}`);
  return stdout;
}

/** @param {Uint8Array} bytes */
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Says what is not installed, or of another version than the committed files were made with. */
function checkMachine() {
  const installed = (/** @type {string} */ name) => spawnSync("dpkg-query", ["-W", "-f=${db:Status-Status} ${Version}", name], { encoding: "utf8" }).stdout ?? "";
  const names = Object.keys(pinned.needs.packages);
  const missing = names.filter((name) => !installed(name).startsWith("installed "));
  if (missing.length > 0) throw new Error(`this needs packages of Debian that are not installed: apt-get install ${missing.join(" ")}`);
  for (const name of names) {
    const found = installed(name).slice("installed ".length);
    const wanted = pinned.needs.packages[name];
    if (found !== wanted) console.log(`note: ${name} is ${found}; the committed files were made with ${wanted}`);
  }
}

/** Fetches a package by apt, and holds it against its checksum. @returns its file @param {Package} wanted @param {() => void} update */
function fetched(wanted, update) {
  const folder = join(work, "packages");
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${wanted.package}_${wanted.version.replaceAll(":", "%3a")}_${wanted.architecture}.deb`);
  if (!existsSync(file)) {
    update();
    console.log(`fetching ${wanted.package} ${wanted.version}`);
    const name = wanted.architecture === "all" ? wanted.package : `${wanted.package}:${wanted.architecture}`;
    must("apt-get", ["download", `${name}=${wanted.version}`], { cwd: folder, env: { APT_CONFIG: aptConfig() } });
  }
  const found = sha256(readFileSync(file));
  if (found !== wanted.sha256) throw new Error(`${basename(file)} has the checksum ${found}, not ${wanted.sha256}`);
  return file;
}

/** A root of its own for apt, so that the machine's sources and lists stay what they are. */
function aptConfig() {
  const apt = join(work, "apt");
  for (const path of ["state/lists/partial", "cache/archives/partial"]) mkdirSync(join(apt, path), { recursive: true });
  writeFileSync(join(apt, "status"), "");
  copyFileSync(join(recipe, "sources.list"), join(apt, "sources.list"));
  const settings = {
    "Dir::State": join(apt, "state"),
    "Dir::State::status": join(apt, "status"),
    "Dir::Cache": join(apt, "cache"),
    "Dir::Etc::sourcelist": join(apt, "sources.list"),
    "Dir::Etc::sourceparts": "/nonexistent",
    "APT::Architecture": "amd64",
    "APT::Sandbox::User": "root",
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";`);
  const file = join(apt, "apt.conf");
  writeFileSync(file, [...lines, 'APT::Architectures { "amd64"; "i386"; };', ""].join("\n"));
  return file;
}

/** @param {string} file @param {string} name @returns the folder that it is unpacked in */
function unpacked(file, name) {
  const folder = join(work, "unpacked", name);
  if (!existsSync(folder)) {
    mkdirSync(folder, { recursive: true });
    must("dpkg-deb", ["-x", file, folder]);
  }
  return folder;
}

/** @param {string} package_ the folder of the source package @returns the kernel's source tree */
function kernelSource(package_) {
  const tree = join(work, "linux-source-6.12");
  if (!existsSync(join(tree, "Makefile"))) {
    console.log("unpacking the kernel's source");
    must("tar", ["-xf", join(package_, "usr/src/linux-source-6.12.tar.xz"), "-C", work]);
  }
  return tree;
}

/** @param {string} tree @returns {Buffer} the kernel */
function builtKernel(tree) {
  const make = (/** @type {string[]} */ ...args) => must("make", ["ARCH=i386", ...args], { cwd: tree });
  make("tinyconfig");
  must("scripts/kconfig/merge_config.sh", ["-m", ".config", join(recipe, "kernel.config")], { cwd: tree });
  make("olddefconfig");
  checkConfig(readFileSync(join(tree, ".config"), "utf8"));
  console.log("building the kernel, which takes some minutes");
  make(`-j${process.env["GUEST_JOBS"] ?? 2}`, "bzImage");
  return readFileSync(join(tree, "arch/x86/boot/bzImage"));
}

/** An option that cannot be is dropped without a word by the kernel's own tools. @param {string} config */
function checkConfig(config) {
  const lines = new Set(config.split("\n"));
  const wanted = readFileSync(join(recipe, "kernel.config"), "utf8").split("\n").filter((line) => line.startsWith("CONFIG_"));
  const lost = wanted.filter((line) => {
    const [name = "", value = ""] = line.split("=");
    return value === "n" ? [...lines].some((other) => other.startsWith(`${name}=`)) : !lines.has(line);
  });
  if (lost.length > 0) throw new Error(`the kernel's configuration has not got: ${lost.join(", ")}`);
}

function main() {
  if (process.platform !== "linux" || !existsSync("/usr/bin/dpkg-deb")) throw new Error("this works on a Debian machine only");
  checkMachine();
  mkdirSync(work, { recursive: true });
  let updated = false;
  const update = () => {
    if (!updated) must("apt-get", ["update"], { env: { APT_CONFIG: aptConfig() } });
    updated = true;
  };
  const folders = new Map([pinned.kernel, ...pinned.packages].map((wanted) => [wanted.package, unpacked(fetched(wanted, update), `${wanted.package}_${wanted.version.replaceAll(":", "%3a")}`)]));
  const folderOf = (/** @type {string} */ name) => folders.get(name) ?? "";
  const tree = kernelSource(folderOf(pinned.kernel.package));

  const kernel = process.argv.includes("--keep-kernel") ? readFileSync(join(target, "linux.img")) : builtKernel(tree);
  const lists = Object.entries(IMAGES);
  const filesWith = (/** @type {string} */ name) => lists.filter(([, list]) => packagesOf(recipe, list).includes(name)).map(([file]) => file);
  const made = new Map([
    ["linux.img", kernel],
    ...lists.map(([file, list]) => /** @type {const} */ ([file, builtImage(recipe, list, folderOf)])),
    ["SOURCES.md", Buffer.from(sources(pinned.kernel, pinned.packages, filesWith))],
    ...licences(pinned.packages, folderOf, tree),
  ]);
  const sums = [...made].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, bytes]) => `${sha256(bytes)}  ${name}\n`).join("");
  made.set("SHA256SUMS", Buffer.from(sums));

  const write = process.argv.includes("--write");
  if (write) rmSync(target, { recursive: true, force: true });
  const old = existsSync(target) ? new Set(readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(target.length + 1))) : new Set();
  let same = true;
  for (const [name, bytes] of made) {
    const path = join(target, name);
    if (write) {
      mkdirSync(join(path, ".."), { recursive: true });
      writeFileSync(path, bytes);
    } else if (!old.has(name) || !readFileSync(path).equals(bytes)) {
      same = false;
      console.log(`other: ${name}`);
    }
  }
  for (const name of ["linux.img", ...Object.keys(IMAGES)]) console.log(`${name}: ${made.get(name)?.length} bytes`);
  if (!write) console.log(same ? "all files are what is committed" : "run with --write to put them in place");
  return same;
}

try {
  process.exitCode = main() ? 0 : 1;
} catch (thrown) {
  console.error(`zonescope: ${thrown instanceof Error ? thrown.message : thrown}`);
  process.exitCode = 1;
}
