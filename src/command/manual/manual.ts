/** The manual: a page for each command of the tables that lines are dispatched on, and a page as text. */
import { IO_COMMANDS } from "../io-commands.ts";
import type { IoCommand } from "../io-session.ts";
import { PROGRAMS } from "../programs.ts";
import { IMG_COMMANDS } from "../qemu-img.ts";
import type { ImgCommand } from "../qemu-img.ts";
import { imgOptionWords } from "./img-option-words.ts";
import { IMG_WORDS } from "./img-words.ts";
import { IO_WORDS } from "./io-words.ts";
import type { ManualOption, ManualPage, ManualWords } from "./page.ts";
import { CONSOLE_WORDS, PROGRAM_WORDS, USAGES } from "./program-words.ts";

const SIZES = "Sizes and offsets are in bytes; k, M, G, T, P and E behind a number multiply it by powers of 1024, and 0x in front makes it hexadecimal.";
const ZONE_SECTORS = "Offsets and lengths are in sectors of 512 bytes; K, M, G behind a number multiply it by powers of 1024.";

/** Programs whose words have sizes. */
const WITH_SIZES = ["qemu-io", "workload"];

/** getopt's letters and long options of a command, those that mean the same together: what getopt calls each, how it is spelled, and whether a value follows. */
export function optionsOf({ shorts, longs }: Pick<ImgCommand, "shorts" | "longs">): { flag: string; spellings: string[]; takesValue: boolean }[] {
  const found = new Map<string, { flag: string; spellings: string[]; takesValue: boolean }>();
  for (let at = 0; at < shorts.length; at++) {
    const letter = shorts[at]!;
    if (letter !== ":") found.set(letter, { flag: letter, spellings: [`-${letter}`], takesValue: shorts[at + 1] === ":" });
  }
  for (const { name, flag, takesValue } of longs) {
    const row = found.get(flag) ?? { flag, spellings: [], takesValue };
    row.spellings.push(`--${name}`);
    found.set(flag, row);
  }
  return [...found.values()];
}

function spelled(spellings: readonly string[], value: string): string {
  const last = spellings.at(-1) ?? "";
  return `${spellings.join(", ")}${value === "" ? "" : `${last.startsWith("--") ? "=" : " "}${value}`}`;
}

const rest = (words: ManualWords): Pick<ManualPage, "about" | "examples" | "differs"> => ({ about: words.about, examples: words.examples, differs: words.differs });

function imgPage(command: ImgCommand, words: ManualWords): ManualPage {
  const options = optionsOf(command).map(({ flag, spellings }): ManualOption => {
    const [value, says] = imgOptionWords(command.name, flag) ?? ["", ""];
    return { spelled: spelled(spellings, value), says };
  });
  return {
    name: `qemu-img ${command.name}`,
    aliases: [],
    group: "qemu-img",
    synopsis: `qemu-img ${command.name} ${words.args ?? command.args}`,
    oneline: command.oneline.replaceAll("`", '"'),
    options,
    usage: null,
    status: words.status ?? "0: done. 1: a mistake in the command, or it failed.",
    units: SIZES,
    ...rest(words),
  };
}

function ioPage(command: IoCommand, words: ManualWords): ManualPage {
  const args = words.args ?? command.args ?? "";
  const about = command.more === null ? words.about : `${sentence(command.more.says)}\n\n${words.about}`;
  return {
    name: command.name,
    aliases: command.alias === null ? [] : [command.alias],
    group: "qemu-io",
    synopsis: `${command.name}${args === "" ? "" : ` ${args}`}`,
    oneline: command.oneline,
    options: Object.entries(command.more?.options ?? {}).map(([letter, says]) => ({ spelled: `-${letter}`, says })),
    usage: null,
    status: words.status ?? "In a session of qemu-io a command that fails makes its exit status 1; in the console it is the line's.",
    units: SIZES,
    ...rest(words),
    about,
  };
}

const sentence = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

function programPage(name: string, words: ManualWords): ManualPage {
  const program = PROGRAMS.find((known) => known.name === name)!;
  return {
    name,
    aliases: [],
    group: name === "qemu-io" ? "qemu-io" : name === "blkzone" ? "blkzone" : "zonescope",
    synopsis: `${name} ${words.args ?? ""}`.trim(),
    oneline: program.oneline,
    options: [],
    usage: USAGES[name] ?? null,
    status: words.status ?? "",
    units: name === "blkzone" ? ZONE_SECTORS : WITH_SIZES.includes(name) ? SIZES : "",
    ...rest(words),
  };
}

function consolePage(name: string): ManualPage {
  const words = CONSOLE_WORDS[name]!;
  return { name, aliases: [], group: "console", synopsis: `${name} ${words.args}`, oneline: words.oneline, options: [], usage: null, status: words.status ?? "", units: "", ...rest(words) };
}

/** Every page, in the order of the tables. A command without words has none, which a test forbids. */
export const MANUAL: readonly ManualPage[] = [
  ...IMG_COMMANDS.flatMap((command) => (IMG_WORDS[command.name] === undefined ? [] : [imgPage(command, IMG_WORDS[command.name]!)])),
  ...PROGRAMS.filter(({ name }) => name === "qemu-io").flatMap(({ name }) => [programPage(name, PROGRAM_WORDS[name]!)]),
  ...IO_COMMANDS.flatMap((command) => (IO_WORDS[command.name] === undefined ? [] : [ioPage(command, IO_WORDS[command.name]!)])),
  ...PROGRAMS.filter(({ name }) => name !== "qemu-io").flatMap(({ name }) => (PROGRAM_WORDS[name] === undefined ? [] : [programPage(name, PROGRAM_WORDS[name])])),
  ...Object.keys(CONSOLE_WORDS).map(consolePage),
];

/** The page that words behind `help` ask for: a name, an alias, or qemu-img's command with or without qemu-img; null if there is none. */
export function findPage(words: readonly string[]): ManualPage | null {
  const asked = words.join(" ");
  const named = (name: string): ManualPage | undefined => MANUAL.find((page) => page.name === name || page.aliases.includes(name));
  return named(asked) ?? named(words[0] === "qemu-io" ? words.slice(1).join(" ") : `qemu-img ${asked}`) ?? null;
}

const WIDTH = 100;

/** A page as lines of at most 100 characters but for what is typed; under the name that was asked for. */
export function pageText(page: ManualPage, asked = page.name): string {
  const name = page.aliases.includes(asked) ? asked : page.name;
  let text = `${name}${page.synopsis.slice(page.name.length)} -- ${page.oneline}\n\n`;
  for (const paragraph of page.about.split("\n\n")) text += `${wrapped(paragraph, "")}\n`;
  if (page.usage !== null) text += `${page.usage.trimEnd()}\n\n`;
  for (const { spelled: option, says } of page.options) text += wrapped(says, "    ", `  ${option}\n    `);
  if (page.options.length > 0) text += "\n";
  if (page.units !== "") text += `${wrapped(page.units, "")}\n`;
  for (const { says, disk, lines } of page.examples) {
    text += wrapped(`Example: ${says}`, "") + (disk === undefined ? "" : `  # on a small ${disk} disk\n`);
    text += `${lines.map((line) => `  ${line}\n`).join("")}\n`;
  }
  return `${text}${wrapped(`Exit status. ${page.status}`, "")}${wrapped(`What differs. ${page.differs}`, "")}`;
}

/** Words in lines of a bounded width, each after the first indented; `first` stands in front of the first. */
function wrapped(text: string, indent: string, first = ""): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return `${first}${lines.join(`\n${indent}`)}\n`;
}
