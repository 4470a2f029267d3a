/**
 * The files that the guest unpacks when it starts: its initial file system, and those that are put behind it. Each is made of a list
 * in `guest/`: programs by the path that they have in their package, links, our own files, and folders.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { characterDevice, cpio, folder, link, program } from "./guest-cpio.mjs";

/** @typedef {{ folders?: string[], links: Record<string, string>, ours: Record<string, string>, programs: Record<string, string[]>, busybox?: string }} Recipe */

/** The lists, by the name of the file that is made of each. */
export const IMAGES = { "initramfs.img": "initramfs.json", "fio.img": "fio.json", "btrfs.img": "btrfs.json" };

/** @param {string} guest @param {string} list @returns {Recipe} */
const recipe = (guest, list) => JSON.parse(readFileSync(join(guest, list), "utf8"));

/** @param {string} guest @param {string} list @returns {string[]} the packages that a list takes something of */
export const packagesOf = (guest, list) => Object.keys(recipe(guest, list).programs);

/**
 * @param {string} guest the folder of the lists and of our own files
 * @param {string} list
 * @param {(package_: string) => string} folderOf where a package is unpacked
 * @returns {Buffer} the same bytes for the same packages
 */
export function builtImage(guest, list, folderOf) {
  const { folders, links, ours, programs, busybox } = recipe(guest, list);
  const parents = [...new Set((folders ?? []).flatMap((path) => path.split("/").map((_, index, parts) => parts.slice(0, index + 1).join("/"))))];
  const entries = [
    ...parents.sort().map(folder),
    // What is put behind another image finds the console there.
    ...(folders === undefined ? [] : [characterDevice("dev/console", 5, 1)]),
    ...Object.entries(links).map(([path, to]) => link(path, to)),
    ...(busybox ?? "").split(" ").filter((applet) => applet !== "").map((applet) => link(`usr/bin/${applet}`, "busybox")),
    ...Object.entries(ours).map(([path, file]) => program(path, readFileSync(join(guest, file)))),
    ...Object.entries(programs).flatMap(([name, paths]) => paths.map((path) => program(path, readFileSync(join(folderOf(name), path))))),
  ];
  const { status, stdout, stderr, error } = spawnSync("gzip", ["-9n"], { input: cpio(entries), maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`gzip: ${error?.message ?? stderr}`);
  return stdout;
}
