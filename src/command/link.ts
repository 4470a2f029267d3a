/**
 * The program link: commands, a lesson or a session of Linux to a link, and a link back to its commands. In a shell the address in front is the one that is named;
 * without one it is what stands behind it alone, for any page of this program. Makes no request and opens nothing.
 */
import { GUEST_SESSIONS } from "../protocol/index.ts";
import { MOST_LINES, isCommand, readLink, writeLink } from "../share/index.ts";
import type { Link, LinkProblem } from "../share/index.ts";
import { explainLink } from "./explain-link.ts";
import { integer } from "./format.ts";
import { parseArguments } from "./link-arguments.ts";
import type { LinkArguments } from "./link-arguments.ts";
import { errorOut, out, readLine } from "./program.ts";
import type { Program } from "./program.ts";
import { readTextFile } from "./text-file.ts";

/** "a, b or c". */
const SESSION_NAMES = GUEST_SESSIONS.join(", ").replace(/, (?=[^,]*$)/, " or ");

export const LINK_USAGE = `Usage: link [OPTION]... FILE      makes a link that plays the console lines of FILE; - for standard input
       link [--base URL] --guest NAME
                                  makes a link that offers a session of Linux and plays nothing; so with --lesson
       link --show LINK           prints the console lines of a link

  --base URL      the page's address in front; without it, what stands behind it alone
  --readable      as #run=, which can be read and written by hand; without it packed, as #z=
  --step N        stops behind the first N commands
  --no-autoplay   waits for a click
  --embed         map, console and transport alone, for a frame
  --lesson NAME   opens a lesson, beside the commands where there are any
  --guest NAME    offers a session of Linux, which begins at a click: ${SESSION_NAMES}

`;

/** Runs link; argv is what follows its name. */
export function* link(argv: readonly string[]): Program {
  const parsed = parseArguments(argv);
  if (!parsed.ok) return yield* fail(parsed.error);
  const given = parsed.value;
  if (given.help) {
    yield out(LINK_USAGE);
    return 0;
  }
  if (given.show !== null) return yield* show(given.show);
  const lines = given.file === "" ? [] : yield* linesOf(given.file);
  if (lines === null) return 1;
  return yield* make(lines, given);
}

function* fail(words: string): Program {
  yield errorOut(`link: ${words}\n`);
  return 1;
}

function* refuse(problem: LinkProblem): Program {
  const { title, why, instead } = explainLink(problem);
  yield errorOut(`link: ${title}. ${why}\n`);
  if (instead !== null) yield { step: "print", stream: "explain", text: `Instead: ${instead}\n` };
  return 1;
}

function* make(lines: readonly string[], { file, base, readable, step, autoplay, embed, lesson, guest }: LinkArguments): Program {
  if (file !== "" && !lines.some(isCommand)) return yield* fail("there are no commands to make a link of");
  const wanted: Link = { lines, autoplay, step, embed, lesson, lessonText: null, guest };
  const written = writeLink(wanted, readable ? "run" : "z");
  if (!written.ok) return yield* refuse(written.error);
  // A link that could not be read back would be refused by whoever gets it: better here.
  const read = readLink(written.value);
  if (!read.ok) return yield* refuse(read.error);
  yield out(`${base}${written.value}\n`);
  return 0;
}

function* show(text: string): Program {
  const hash = text.indexOf("#");
  const read = readLink(hash < 0 ? text : text.slice(hash));
  if (!read.ok) return yield* refuse(read.error);
  if (read.value === null) return yield* fail("that is no link with commands: behind its # there is neither run= nor z=");
  const { lines, step, autoplay, embed, lesson, lessonText, guest } = read.value;
  for (const line of lines) yield out(`${line}\n`);
  const notes = [
    ...(step === null ? [] : [`stops behind ${integer(step)} ${step === 1 ? "command" : "commands"}`]),
    ...(autoplay ? [] : ["waits for a click"]),
    ...(embed ? ["for a frame"] : []),
    ...(lesson === null ? [] : [`opens the lesson ${lesson}`]),
    ...(lessonText === null ? [] : ["brings a lesson of its own"]),
    ...(guest === null ? [] : [`offers the session ${guest} of Linux`]),
  ];
  if (notes.length > 0) yield { step: "print", stream: "explain", text: `The link ${notes.join(", ")}.\n` };
  return 0;
}

const MOST_FILE_BYTES = 1024 * 1024;

/** The lines of a file or of standard input; null after what was wrong was said. */
function* linesOf(file: string): Program<readonly string[] | null> {
  if (file === "-") {
    const lines: string[] = [];
    for (let line = yield* readLine(); line !== null; line = yield* readLine()) {
      lines.push(line);
      if (lines.length > MOST_LINES) break;
    }
    return lines;
  }
  const text = yield* readTextFile(file, MOST_FILE_BYTES, (length) => `${file} is ${integer(length)} bytes long, which is more than any link carries`);
  if (text.ok) return text.value.replace(/\r?\n$/, "").split(/\r?\n/);
  yield* fail(text.error);
  return null;
}
