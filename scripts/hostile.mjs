/**
 * `npm run hostile`: images of a few megabytes that claim to be enormous (src/testing/hostile/claims.ts), each met by every command of the
 * list that broken images are met with, and by some that large ones are sensitive to. Prints what each took of the processor and of memory;
 * ends with 1 where one took more than 5 s or 300 MiB, or ended without a word. Figures of this machine: no test, since a slow one is not wrong.
 *
 *     npm run hostile [-- --only WORDS,WORDS...] [--command WORDS] [--all]
 *
 * `--only` takes the images whose name has any of these words, `--command` the commands that have these; `--all` prints those that took little as well.
 * A few gigabytes of holes are made in a folder under the system's temporary folder, which is removed.
 */
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { withBuilt } from "./built.mjs";
import { endAs, runTool } from "./run.mjs";

const MOST_SECONDS = 5;
const MOST_MIB = 300;
/** Whatever has not ended by then is stopped. */
const GIVE_UP_MS = 60_000;
/** Below these a line is printed only with `--all`. */
const WORTH_A_LINE = { seconds: 1.5, mebibytes: 150 };

/** Commands that the size of tables tells in, on top of those for all broken images. */
const READS = [
  ["qemu-img", "snapshot", "-l", "image"],
  ["qemu-img", "compare", "image", "image"],
  ["qemu-img", "measure", "--output=json", "-O", "raw", "image"],
  ["qemu-img", "create", "-q", "-f", "qcow2", "-b", "image", "-F", "qcow2", "over"],
  ["qemu-io", "-r", "-c", "read 0 4k", "image"],
  ["inspect", "image"],
  ["blkzone", "report", "image"],
  ["qemu-io", "-r", "-c", "zrp 0 4194304", "image"],
];
const CHANGES = [
  ["qemu-io", "-c", "write 0 4k", "-c", "flush", "image"],
  ["qemu-io", "-c", "discard 0 1M", "image"],
  ["qemu-io", "-c", "truncate 1M", "image"],
  ["qemu-io", "-c", "zo 0 256G", "-c", "zc 0 256G", "image"],
  ["qemu-io", "-c", "zf 0 256G", "-c", "zrs 0 256G", "image"],
  ["blkzone", "finish", "image"],
  ["qemu-img", "bitmap", "--add", "--enable", "-g", "64k", "image", "new"],
  ["qemu-img", "bitmap", "--merge", "b0", "image", "b1"],
  ["qemu-img", "bitmap", "--disable", "image", "b2"],
  ["qemu-img", "resize", "image", "+1G"],
  ["qemu-img", "resize", "--shrink", "image", "-64k"],
  ["qemu-img", "amend", "-o", "compat=0.10", "image"],
  ["qemu-img", "rebase", "-f", "qcow2", "-F", "qcow2", "-b", "other", "image"],
  ["qemu-img", "rebase", "-u", "-f", "qcow2", "-F", "qcow2", "-b", "other", "image"],
  ["qemu-img", "snapshot", "-d", "s0", "image"],
  ["qemu-img", "snapshot", "-a", "s1", "image"],
];

/** What the page's inspector asks, by the names of src/testing/hostile/inspect-main.ts. */
const INSPECTOR = ["layout", "locate a byte of the file", "locate the file's start", "locate a byte of the disk", "entries of the L1 table", "entries of an L2 table", "bytes of the file", "bytes of the disk", "verify compressed clusters", "plan a repair"];

/** @typedef {{ seconds: number, mebibytes: number, status: number | null, said: string }} Taken */

/** What a process took of the processor and of memory at most, written into a file when it ends. @param {string} file */
const told = (file) =>
  `data:text/javascript,${encodeURIComponent(`import { readFileSync, writeFileSync } from "node:fs";
process.on("exit", () => {
  const { user, system } = process.cpuUsage();
  let peak = process.resourceUsage().maxRSS;
  try { peak = Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]); } catch {}
  writeFileSync(${JSON.stringify(file)}, JSON.stringify({ seconds: (user + system) / 1e6, mebibytes: peak / 1024 }));
});`)}`;

/**
 * @param {string} cli @param {string} folder @param {readonly string[]} argv
 * @returns {Taken}
 */
function take(cli, folder, argv) {
  const [figures, output] = [join(folder, "figures"), join(folder, "output")];
  rmSync(figures, { force: true });
  const file = openSync(output, "w");
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ["--import", told(figures), cli, ...argv], { cwd: folder, stdio: ["ignore", file, "pipe"], encoding: "utf8", timeout: GIVE_UP_MS, killSignal: "SIGKILL", maxBuffer: 2 ** 30 });
  closeSync(file);
  const said = stderr.trim().split("\n")[0] ?? "";
  const nothing = said === "" && statSync(output).size === 0;
  if (!existsSync(figures)) return { seconds: (performance.now() - started) / 1000, mebibytes: NaN, status: null, said: "did not end" };
  const { seconds, mebibytes } = JSON.parse(readFileSync(figures, "utf8"));
  return { seconds, mebibytes, status, said: nothing && status !== 0 ? "ended without a word" : said };
}

/** @param {Taken} taken */
const tooMuch = ({ seconds, mebibytes, status, said }) => status === null || !(seconds <= MOST_SECONDS) || !(mebibytes <= MOST_MIB) || said === "ended without a word" || said.includes("defect");

/** What files of a command are taken away behind it. */
const LEFT = ["out.raw", "out.qcow2", "out2.qcow2", "dd.raw", "over", "output"];

/**
 * Meets an image with commands, those that change it each on a new one; prints what is worth a line.
 * @param {string} place an empty folder @param {string} name @param {() => void} make
 * @param {readonly { line: string, script: string, argv: readonly string[] }[]} commands @param {boolean} all
 * @returns {number} how many took too much
 */
function meet(place, name, make, commands, all) {
  const image = join(place, "image");
  const isNow = () => (existsSync(image) ? `${statSync(image).mtimeMs} ${statSync(image).size}` : "");
  let made = "";
  let over = 0;
  for (const { line, script, argv } of commands) {
    if (made === "" || isNow() !== made) {
      make();
      made = isNow();
    }
    const taken = take(script, place, argv);
    const { seconds, mebibytes, status, said } = taken;
    const wrong = tooMuch(taken);
    if (wrong) over++;
    if (wrong || all || seconds > WORTH_A_LINE.seconds || mebibytes > WORTH_A_LINE.mebibytes)
      console.log(`${wrong ? "TOO MUCH " : "         "}${seconds.toFixed(1).padStart(5)} s ${mebibytes.toFixed(0).padStart(4)} MiB  ${name}: ${line} -> ${status ?? "stopped"} ${said.slice(0, 150)}`);
    for (const left of LEFT) rmSync(join(place, left), { force: true });
  }
  return over;
}

async function main() {
  const { only = "", command = "", all = false } = parseArgs({ options: { only: { type: "string" }, command: { type: "string" }, all: { type: "boolean" } } }).values;
  const folder = mkdtempSync(join(tmpdir(), "zonescope-hostile-"));
  const input = { claims: "src/testing/hostile/claims.ts", commands: "src/testing/hostile/commands.ts", inspector: "src/testing/hostile/inspect-main.ts" };
  try {
    return await withBuilt("hostile", input, async (built) => {
      const bin = join(built.folder, "cli");
      if (!runTool("vite/bin/vite.js", ["build", "--config", "vite.cli.config.ts", "--outDir", bin, "--emptyOutDir", "--logLevel", "error"])) throw new Error("cannot build the command line");
      const cli = join(bin, "zonescope.js");
      const { CLAIMS } = await built.load("claims");
      const lists = await built.load("commands");
      /** @param {readonly (readonly string[])[]} lines */
      const typed = (lines) => lines.map((argv) => ({ line: argv.join(" "), script: cli, argv }));
      const asked = INSPECTOR.map((call) => ({ line: `the page: ${call}`, script: built.path("inspector"), argv: [call] }));
      const commands = [...typed([...lists.COMMANDS, ...READS]), ...asked, ...typed([...CHANGES, ...lists.CHANGES])].filter(({ line }) => line.includes(command));
      const claims = Object.entries(CLAIMS).filter(([name]) => only.split(",").some((words) => name.includes(words)));
      let over = 0;
      for (const [name, make] of claims) {
        const place = mkdtempSync(join(folder, "image-"));
        take(cli, place, ["qemu-img", "create", "-q", "-f", "qcow2", "other", "1M"]);
        over += meet(place, name, () => make(place), commands, all);
        rmSync(place, { recursive: true, force: true });
      }
      console.log(`zonescope: ${claims.length * commands.length} commands, ${over} took more than ${MOST_SECONDS} s or ${MOST_MIB} MiB, or ended without a word`);
      return over === 0;
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await endAs(main);
