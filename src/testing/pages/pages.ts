/** Every page of docs that `npm run docs` makes of what the program itself says: path below docs, and text. */
import { commandPages } from "./command-pages.ts";
import { formatPage } from "./format-page.ts";
import { semanticsPage } from "./semantics-page.ts";

export async function madePages(): Promise<ReadonlyMap<string, string>> {
  const commands = [...(await commandPages())].map(([name, text]) => [`commands/${name}`, text] as const);
  return new Map([...commands, ["semantics.md", await semanticsPage()], ["format.md", await formatPage()]]);
}

export { withFigures } from "./figures.ts";
