/**
 * The packages that the built app has parts of, and the file with their licences that comes with it. What is shipped is what the sources
 * import, tests and harnesses aside, and whatever those packages depend on, by the lock.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

/** @typedef {{ version: string, license?: string, integrity?: string, dependencies?: Record<string, string>, peerDependencies?: Record<string, string> }} Locked */

/** The lock's packages by their folder. @returns {Record<string, Locked>} */
export const lockedPackages = () => JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;

/** Of the service worker, which workbox writes of its own parts. */
const IN_SERVICE_WORKER = ["workbox-core", "workbox-expiration", "workbox-precaching", "workbox-routing", "workbox-strategies"];

/** Packages that the sources name in an import, types aside. */
function importedNames() {
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).filter((path) => /\.(ts|tsx|css)$/.test(path) && !path.startsWith("testing"));
  const names = files.flatMap((path) => {
    const text = readFileSync(join(root, "src", path), "utf8");
    const found = [...text.matchAll(/^(?:import|export) (?!type\b)(?:[\w*{][^"';]*? from )?"([^."][^"]*)"/gm), ...text.matchAll(/import\(\s*["']([^."'][^"']*)["']/g), ...text.matchAll(/@import "([^."][^"]*)"/g)];
    return found.map(([, name = ""]) => name);
  });
  return new Set(names.filter((name) => !name.startsWith("node:") && !name.startsWith("virtual:")).map((name) => name.split("/").slice(0, name.startsWith("@") ? 2 : 1).join("/")));
}

/** Folders in the lock of all that is shipped, sorted. */
export function shippedFolders() {
  const locked = lockedPackages();
  /** @type {Set<string>} */
  const shipped = new Set();
  /** @param {string} name @param {string} from the folder of who depends on it */
  const take = (name, from) => {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/node_modules/")))) {
      const folder = `${at === "" ? "" : `${at}/`}node_modules/${name}`;
      const entry = locked[folder];
      if (entry !== undefined) {
        if (shipped.has(folder)) return;
        shipped.add(folder);
        for (const next of Object.keys(entry.dependencies ?? {})) if (!next.startsWith("@types/")) take(next, folder);
        return;
      }
      if (at === "") throw new Error(`${name} is imported and not in the lock`);
    }
  };
  for (const name of [...importedNames(), ...IN_SERVICE_WORKER]) take(name, "");
  return [...shipped].sort();
}

/** The licence text of a package, or null where it brings none. @param {string} folder */
export function licenceText(folder) {
  const names = existsSync(join(root, folder)) ? readdirSync(join(root, folder)).filter((name) => /^(licen[cs]e|copying|ofl)/i.test(name)) : [];
  return names.length === 0 ? null : names.map((name) => readFileSync(join(root, folder, name), "utf8").trim()).join("\n\n");
}

/** The file of licences: each package with its version, the name of its licence and its text. */
export function licencesFile() {
  const locked = lockedPackages();
  const parts = shippedFolders().map((folder) => {
    const { version, license = "" } = locked[folder] ?? { version: "" };
    return `${folder.replace(/^.*node_modules\//, "")} ${version} (${license})\n\n${licenceText(folder) ?? "The package brings no text of its licence; the name above is what it says of itself."}\n`;
  });
  return `zonescope (MIT)\n\n${readFileSync(join(root, "LICENSE"), "utf8").trim()}\n\n${parts.map((part) => `${"-".repeat(78)}\n${part}`).join("\n")}`;
}
