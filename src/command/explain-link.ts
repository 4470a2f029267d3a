/** Why a link was refused, in sentences. Source: product, "Links". */
import { assertNever } from "../base/assert.ts";
import type { LinkProblem } from "../share/index.ts";
import type { Explanation } from "./explain.ts";
import { integer } from "./format.ts";

const LESS = "Leave some commands out.";
const ASK = "Ask whoever sent it for a new one, or for the commands themselves.";

export function explainLink(problem: LinkProblem): Explanation {
  const told = (title: string, why: string, instead: string | null): Explanation => ({ title, why, instead, names: null });
  const { part, value = "", found = 0, most = 0 } = problem;
  switch (problem.code) {
    case "too-long":
      if (found === 0) return told("The link is too long", `Unpacked, its ${part === "lesson" ? "lesson" : "script"} has more than ${integer(most)} bytes, which is the most a link can carry.`, part === "lesson" ? null : LESS);
      return told("The link is too long", `It carries ${integer(found)} ${part === "run" ? "bytes of script" : "characters"}; the most is ${integer(most)}.`, part === "lesson" ? null : LESS);
    case "too-many-lines":
      return told("The link has too many lines", `Its script has ${integer(found)} lines; the most is ${integer(most)}.`, LESS);
    case "not-text":
      return told("The link holds no commands", `Line ${integer(found)} of its script has control characters, which no command has.`, ASK);
    case "bad-escape":
      return told("The link is damaged", `What stands behind ${part}= is no percent-encoded text.`, "Write a percent sign as %25, and a newline as %0A.");
    case "broken":
      return told("The link is damaged", `What stands behind ${part}= cannot be unpacked; a part of it may have been cut off or changed on its way.`, ASK);
    case "version":
      return told("The link is of a newer kind", `It was packed in version "${value}"; this program knows versions up to ${integer(most)}.`, `Reload the page for a newer program, or ask for ${part === "lesson" ? "the lesson's file" : "the link in its readable form"}.`);
    case "both-forms":
      return told("The link says two things", "It has a script behind run= and another behind z=, and only one can be played.", "Leave one of them out.");
    case "twice":
      return told("The link says two things", `It has ${part}= more than once.`, "Leave all but one of them out.");
    case "bad-value":
      return told("The link has a value that cannot be", `${part} is "${value}"; ${ALLOWED[part] ?? "that is none of its values"}.`, null);
    default:
      return assertNever(problem.code);
  }
}

const ALLOWED: Readonly<Record<string, string>> = {
  autoplay: "it is 0 or 1",
  embed: "it is 0 or 1",
  step: "it is a number of commands from 0 to 10,000",
  lesson: "it is a lesson's name, small letters, digits and hyphens, or a packed lesson behind 1.",
  guest: "it is a session's name: small letters, digits and hyphens",
};
