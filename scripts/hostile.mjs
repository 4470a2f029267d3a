/**
 * `npm run hostile`: images of a few megabytes that claim to be enormous (src/testing/hostile/claims.ts), each met by every command of the
 * list that broken images are met with, and by some that large ones are sensitive to. Prints what each took of the processor and of memory;
 * ends with 1 where one took more than 5 s or 300 MiB, or ended without a word. Figures of this machine: no test, since a slow one is not wrong.
 *
 *     npm run hostile [-- --only WORDS] [--command WORDS] [--all]
 *
 * `--only` takes the images whose name has these words, `--command` the commands; `--all` prints those that took little as well.
 * A few gigabytes of holes are made in a folder under the system's temporary folder, which is removed.
 */
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { build } from "vite";
import { root, runTool } from "./run.mjs";

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
];
const CHANGES = [
  ["qemu-io", "-c", "write 0 4k", "-c", "flush", "image"],
  ["qemu-io", "-c", "discard 0 1M", "image"],
  ["qemu-io", "-c", "truncate 1M", "image"],
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

async function main() {
  const { values } = parseArgs({ options: { only: { type: "string" }, command: { type: "string" }, all: { type: "boolean" } } });
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  const built = mkdtempSync(join(cache, "hostile-"));
  const folder = mkdtempSync(join(tmpdir(), "zonescope-hostile-"));
  try {
    const cli = join(built, "cli");
    if (!runTool("vite/bin/vite.js", ["build", "--config", "vite.cli.config.ts", "--outDir", cli, "--emptyOutDir", "--logLevel", "error"])) throw new Error("cannot build the command line");
    const input = { claims: "src/testing/hostile/claims.ts", commands: "src/testing/hostile/commands.ts", inspector: "src/testing/hostile/inspect-main.ts" };
    await build({ root, configFile: false, logLevel: "error", build: { ssr: true, target: "node20", outDir: join(built, "claims"), copyPublicDir: false, rollupOptions: { input, output: { entryFileNames: "[name].mjs" } } }, ssr: { noExternal: true } });
    const { CLAIMS } = await import(pathToFileURL(join(built, "claims", "claims.mjs")).href);
    const lists = await import(pathToFileURL(join(built, "claims", "commands.mjs")).href);
    /** @type {readonly (readonly string[])[]} */
    const reads = [...lists.COMMANDS, ...READS];
    /** @type {readonly (readonly string[])[]} */
    const changes = [...CHANGES, ...lists.CHANGES];
    const bin = join(cli, "zonescope.js");
    const inspector = join(built, "claims", "inspector.mjs");
    let [ran, over] = [0, 0];
    for (const [name, make] of Object.entries(CLAIMS).filter(([name]) => (values.only ?? "").split(",").some((part) => name.includes(part)))) {
      const place = mkdtempSync(join(folder, "image-"));
      const writeOther = () => {
        writeFileSync(join(place, "other.raw"), new Uint8Array(65536));
        take(bin, place, ["qemu-img", "create", "-q", "-f", "qcow2", "other", "1M"]);
      };
      writeOther();
      let made = "";
      for (const argv of [...reads, ...INSPECTOR, ...changes]) {
        const line = typeof argv === "string" ? `the page: ${argv}` : argv.join(" ");
        if (!line.includes(values.command ?? "")) continue;
        const is = () => (existsSync(join(place, "image")) ? `${statSync(join(place, "image")).mtimeMs} ${statSync(join(place, "image")).size}` : "");
        if (made === "" || is() !== made) {
          make(place);
          made = is();
        }
        const taken = typeof argv === "string" ? take(inspector, place, [argv]) : take(bin, place, argv);
        const wrong = tooMuch(taken);
        ran++;
        if (wrong) over++;
        if (wrong || values.all === true || taken.seconds > WORTH_A_LINE.seconds || taken.mebibytes > WORTH_A_LINE.mebibytes)
          console.log(`${wrong ? "TOO MUCH " : "         "}${taken.seconds.toFixed(1).padStart(5)} s ${taken.mebibytes.toFixed(0).padStart(4)} MiB  ${name}: ${line} -> ${taken.status ?? "stopped"} ${taken.said.slice(0, 150)}`);
        for (const left of ["out.raw", "out.qcow2", "out2.qcow2", "dd.raw", "over", "output"]) rmSync(join(place, left), { force: true });
      }
      rmSync(place, { recursive: true, force: true });
    }
    console.log(`zonescope: ${ran} commands, ${over} took more than ${MOST_SECONDS} s or ${MOST_MIB} MiB, or ended without a word`);
    return over === 0;
  } finally {
    rmSync(built, { recursive: true, force: true });
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(`zonescope: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
