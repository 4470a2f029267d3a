/** Every page of docs that `npm run docs` makes of what the program itself says: path below docs, and text. */
import { commandPages } from "./command-pages.ts";

export async function madePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([...(await commandPages())].map(([name, text]) => [`commands/${name}`, text]));
}
