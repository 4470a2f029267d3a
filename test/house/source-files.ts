/** Every TypeScript file under src, found by reading the folders, not by following imports. */
import { readdirSync } from "node:fs";

/** Paths like "src/base/units.ts", sorted. */
export function sourceFiles(): string[] {
  return readdirSync("src", { recursive: true, encoding: "utf8" })
    .map((path) => `src/${path.replaceAll("\\", "/")}`)
    .filter((path) => /\.tsx?$/.test(path))
    .sort();
}
