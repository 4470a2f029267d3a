/** The pages of docs/commands: one for each page of the manual, with its examples run, and a list of them. */
import { MANUAL } from "../../command/manual/manual.ts";
import type { ManualGroup, ManualPage } from "../../command/manual/page.ts";
import { runExample } from "./examples.ts";

/** The file of a page, below docs/commands. */
const fileOf = (page: ManualPage): string => `${(page.group === "qemu-io" && page.name !== "qemu-io" ? `qemu-io ${page.name}` : page.name).replaceAll(" ", "-")}.md`;

const GROUPS: readonly (readonly [ManualGroup, string, string])[] = [
  ["qemu-img", "qemu-img", "Makes images, changes them and tells what they are; options, output and exit status as QEMU 10.0's."],
  ["qemu-io", "qemu-io", "Commands on an open image. In the console they run bare on the attached one."],
  ["blkzone", "blkzone", "Zone commands in util-linux's words."],
  ["zonescope", "Programs of zonescope", "What no other program has."],
  ["console", "The console", "What the page's console has beside; `help` lists all, and `help NAME` prints a page. A prompt, `sudo` and the program's folder in front of a line, as mails and terminals have them, are passed over. A file of your computer that is open in place is named `dropped:NAME`."],
];

const MADE = "<!-- Made by `npm run docs` from the tables of src/command; a change goes there. -->\n";

/** Every page by its file below docs/commands. */
export async function commandPages(): Promise<ReadonlyMap<string, string>> {
  const pages = new Map([["README.md", listOf()]]);
  for (const page of MANUAL) pages.set(fileOf(page), await pageOf(page));
  return pages;
}

function listOf(): string {
  const parts = GROUPS.map(([group, title, says]) => {
    const rows = MANUAL.filter((page) => page.group === group).map((page) => `| [${page.name}](${fileOf(page)}) | ${page.aliases.join(", ")} | ${cell(page.oneline)} |\n`);
    return `## ${title}\n\n${says}\n\n| command | short | does |\n|---|---|---|\n${rows.join("")}`;
  });
  return `${MADE}# Commands\n\nIn a shell a line begins with \`zonescope\` (or \`npx zonescope\`), in the page's console without it. Each page's examples are run when it is made: what stands there is what is printed, on a clock that goes on by a millisecond whenever it is asked.\n\n${parts.join("\n")}`;
}

/** A text in a cell of a table: bars would end it. */
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

async function pageOf(page: ManualPage): Promise<string> {
  const title = page.group === "qemu-io" && page.name !== "qemu-io" ? `qemu-io: ${page.name}` : page.name;
  let text = `${MADE}# ${title}\n\n${page.oneline[0]!.toUpperCase()}${page.oneline.slice(1)}.\n\n\`\`\`\n${page.synopsis}\n\`\`\`\n\n`;
  if (page.aliases.length > 0) text += `Short: \`${page.aliases.join("`, `")}\`\n\n`;
  text += `${linked(cell(page.about))}\n\n`;
  if (page.options.length > 0) text += `## Options\n\n| option | meaning |\n|---|---|\n${page.options.map(({ spelled, says }) => `| \`${spelled.replaceAll("|", "\\|")}\` | ${cell(says)} |\n`).join("")}\n`;
  if (page.usage !== null) text += `## Usage\n\n\`\`\`\n${page.usage.trimEnd()}\n\`\`\`\n\n`;
  if (page.units !== "") text += `${page.units}\n\n`;
  if (page.examples.length > 0) text += `## Examples\n\n`;
  for (const example of page.examples) text += await exampleOf(example);
  return `${text}## Exit status\n\n${page.status}\n\n## What differs\n\n${linked(page.differs)}\n`;
}

async function exampleOf(example: ManualPage["examples"][number]): Promise<string> {
  const ran = await runExample(example);
  const files = Object.entries(example.files ?? {}).map(([name, content]) => `\`${name}\` holds:\n\n\`\`\`\n${content}\`\`\`\n\n`);
  const shown = ran.lines.map(({ line, printed, status }) => `$ zonescope ${line}\n${ended(printed)}${status === 0 ? "" : `(exit status ${status})\n`}`).join("");
  return `${example.says}\n\n${files.join("")}\`\`\`console\n${shown}\`\`\`\n\n`;
}

/** The pages of docs that words name, as links from docs/commands. */
const linked = (text: string): string => text.replaceAll(/docs\/([\w-]+\.md)/g, "[docs/$1](../$1)").replaceAll(/docs\/commands(?![\w/])/g, "[docs/commands](README.md)");

const ended = (text: string): string => (text === "" || text.endsWith("\n") ? text : `${text}\n`);
