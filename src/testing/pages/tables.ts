/** Tables in markdown. */

/** A table of rows under their titles; bars and what looks like markup in a cell are kept as they are. */
export function table(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "&lt;")).join(" | ")} |\n`;
  return `${line(titles)}${line(titles.map(() => "---"))}${rows.map(line).join("")}`;
}
