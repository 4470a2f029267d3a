/**
 * What has to lie beside the guest's files: the terms of all that is in them, and where the source of each is.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

/** @typedef {import("./guest-build.mjs").Package} Package */

/** Where Debian keeps the licences that its packages' copyright files name and do not repeat. */
const COMMON = "/usr/share/common-licenses";
/** A name without a version is that of the newest one there. */
const NEWEST = new Map([["GPL", "GPL-3"], ["LGPL", "LGPL-3"], ["GFDL", "GFDL-1.3"]]);

/** @param {string} text of a copyright file @returns {string[]} the licences that it refers to */
export function licencesNamedIn(text) {
  const names = [...text.matchAll(/common-licenses\/([A-Za-z0-9]+(?:-[0-9]+(?:\.[0-9]+)*)?)/g)].map(([, name = ""]) => NEWEST.get(name) ?? name);
  return [...new Set(names)].sort();
}

/**
 * Each source package's copyright file, the licences that those refer to, and the emulator's.
 * @param {readonly Package[]} packages
 * @param {(package_: string) => string} folderOf where a package is unpacked
 * @param {string} kernelTree
 * @returns {Map<string, Buffer>} by their names in public/guest
 */
export function licences(packages, folderOf, kernelTree) {
  const files = new Map();
  const named = new Set(["GPL-2"]);
  for (const { package: name, source } of packages) {
    const text = readFileSync(join(folderOf(name), `usr/share/doc/${name}/copyright`));
    files.set(`licences/${source}.txt`, text);
    for (const licence of licencesNamedIn(text.toString("utf8"))) named.add(licence);
  }
  for (const licence of named) {
    const path = join(COMMON, licence);
    if (!existsSync(path)) throw new Error(`a package is under ${licence}, of which ${COMMON} has no text`);
    files.set(`licences/${licence}.txt`, readFileSync(path));
  }
  files.set("licences/linux.txt", readFileSync(join(kernelTree, "COPYING")));
  files.set("licences/Linux-syscall-note.txt", readFileSync(join(kernelTree, "LICENSES/exceptions/Linux-syscall-note")));
  files.set("licences/v86.txt", readFileSync(join(root, "node_modules/v86/LICENSE")));
  files.set("licences/v86-parts.txt", readFileSync(join(root, "guest/licences/v86-parts.txt")));
  return files;
}

/** @param {Package} kernel @param {readonly Package[]} packages @param {(package_: string) => readonly string[]} filesWith the files that have something of a package */
export function sources(kernel, packages, filesWith) {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/v86/package.json"), "utf8"));
  const row = (/** @type {Package} */ { package: name, version, architecture, source, sourceVersion }, /** @type {readonly string[]} */ files) =>
    `| ${name} | ${version} | ${architecture} | ${files.join(", ")} | [${source} ${sourceVersion}](${snapshot(source, sourceVersion)}) |`;
  return `# What the files of this folder were made of

\`linux.img\` is a Linux kernel, \`initramfs.img\` the file system that it starts with; \`fio.img\` and \`btrfs.img\` are put behind that
when they are asked for. They were made by \`npm run guest:build\` of zonescope from these packages of Debian, unchanged; the recipe
(configuration, lists of files, our own scripts) is in the folder \`guest\` of zonescope. Licences are in \`licences\`: a package's by
the name of its source, and the texts that those refer to.

| package | version | architecture | in | source package |
|---|---|---|---|---|
${[row(kernel, ["linux.img"]), ...packages.map((one) => row(one, filesWith(one.package)))].join("\n")}

The sources: \`apt-get source NAME=VERSION\` with the archives of \`guest/sources.list\`, added as \`deb-src\`, for as long as they have the
version; they drop it when a newer one comes. Debian's archive of all versions is said to be at the addresses of the table. These were
made by its rule, from the name and the version, and **have not been tried**. The kernel's package contains its source.

The emulator is v86 ${version} of npm, unchanged; its source is https://github.com/copy/v86. Its terms are \`licences/v86.txt\`, those of
what it contains \`licences/v86-parts.txt\`.
`;
}

/** @param {string} source @param {string} version */
const snapshot = (source, version) => `https://snapshot.debian.org/package/${source}/${encodeURIComponent(version)}/`;
