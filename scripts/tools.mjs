/** The programs of the system that the tests need: a Chromium, stock qemu-img and qemu-io as the oracle, and nginx to read remote images from. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { hasCommand, run } from "./run.mjs";

/** The browser's path: $CHROMIUM, or the first that the system has; null where there is none. */
export function findChromium() {
  const named = process.env["CHROMIUM"];
  if (named !== undefined && named !== "") return existsSync(named) ? named : null;
  const folders = ["/usr/bin", ...(process.env["PATH"] ?? "").split(delimiter)];
  const paths = ["chromium", "chromium-browser", "google-chrome"].flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.find((path) => existsSync(path)) ?? null;
}

/** nginx lies where the PATH of a plain user may not lead. */
const hasNginx = () => hasCommand("nginx") || existsSync("/usr/sbin/nginx");

/** Packages of Debian and Ubuntu, and what is needed of each. */
const tools = [
  { what: "chromium (or name one in the environment variable CHROMIUM)", debian: "chromium", isThere: () => findChromium() !== null },
  { what: "qemu-img and qemu-io", debian: "qemu-utils", isThere: () => hasCommand("qemu-img") && hasCommand("qemu-io") },
  { what: "nginx", debian: "nginx-light", isThere: hasNginx },
];

/** How to run apt-get with the rights it needs, or null. */
function aptGet() {
  if (!hasCommand("apt-get")) return null;
  if (process.getuid?.() === 0) return ["apt-get"];
  return spawnSync("sudo", ["-n", "true"], { stdio: "ignore" }).status === 0 ? ["sudo", "-n", "apt-get"] : null;
}

/**
 * True when every one of these is there, installed now if need be; otherwise says what to install.
 * @param {readonly { what: string, debian: string, isThere: () => boolean }[]} wanted
 */
export function ensure(wanted) {
  const missing = () => wanted.filter((tool) => !tool.isThere());
  if (missing().length === 0) return true;
  const apt = aptGet();
  if (apt !== null) {
    const packages = missing().map((tool) => tool.debian);
    console.log(`zonescope: installing ${packages.join(" and ")} (apt-get)`);
    const [command = "", ...prefix] = apt;
    const quietly = { DEBIAN_FRONTEND: "noninteractive" };
    run(command, [...prefix, "update"], quietly);
    run(command, [...prefix, "install", "-y", "--no-install-recommends", ...packages], quietly);
  }
  for (const tool of missing()) console.error(`zonescope: the tests need ${tool.what}; on Debian or Ubuntu: apt-get install ${tool.debian}`);
  return missing().length === 0;
}

/** True when what `npm test` needs is there. */
export const ensureTools = () => ensure(tools);
