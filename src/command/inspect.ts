/** The program inspect: what a file is, its header field by field, and what its clusters hold; broken images and other formats too. */
import { LAYOUT_KINDS } from "../protocol/index.ts";
import type { FieldFacts, LayoutReport } from "../protocol/index.ts";
import { explain, explained, hasMoreToSay, openFailureWords } from "./explain.ts";
import { dialectSentence, extensionTitle, fieldWords, needsSentence } from "./explain-header.ts";
import { containerWords, contentsSentence, layoutKindWords } from "./explain-identity.ts";
import { exactBytes, hex, integer } from "./format.ts";
import { getopt, mistakeWords } from "./getopt.ts";
import { inspectionJson } from "./inspection-json.ts";
import type { Inspection } from "./inspection-json.ts";
import { call, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";
import { visibleText } from "./visible-text.ts";

export const INSPECT_USAGE: string =
  "Usage: inspect [--output=human|json] IMAGE\n" +
  "Tells what a file is, what lies on its disk, and for a qcow2 image every field of its header, its extensions and\n" +
  "how many clusters hold what. The file is only read, and need not open as an image.\n\n" +
  "Ends with 0 for a sound header, with 2 for one that cannot be, and with 1 when the file cannot be read.\n";

/** Runs inspect; argv is what follows its name. */
export function* inspect(argv: readonly string[]): Program {
  const parsed = getopt(argv, "h", [
    { name: "help", takesValue: false, flag: "h" },
    { name: "output", takesValue: true, flag: "output" },
  ]);
  if (!parsed.ok) {
    yield errorOut(`inspect: ${mistakeWords(parsed.error)}\n`);
    return 1;
  }
  if (parsed.value.options.some(({ flag }) => flag === "h")) {
    yield out(INSPECT_USAGE);
    return 0;
  }
  const output = parsed.value.options.findLast(({ flag }) => flag === "output")?.value ?? "human";
  const [file, more] = parsed.value.words;
  if (file === undefined || more !== undefined || (output !== "human" && output !== "json")) {
    yield errorOut(INSPECT_USAGE);
    return 1;
  }
  const outcome = yield* call("inspect", { file });
  if (!outcome.ok) {
    yield errorOut(`inspect: ${openFailureWords(file, outcome.error)}\n`);
    if (hasMoreToSay(outcome.error)) yield explained(outcome.error);
    return 1;
  }
  const { inspection, header } = outcome.value;
  const laidOut = header === null ? null : yield* call("layout", { inspection });
  const layout = laidOut !== null && laidOut.ok ? laidOut.value : null;
  yield* call("endInspection", { inspection });
  yield out(output === "json" ? inspectionJson(file, outcome.value, layout) : inspectionLines(file, outcome.value, layout));
  if (laidOut !== null && !laidOut.ok) {
    yield errorOut("inspect: what the clusters hold cannot be told\n");
    yield explained(laidOut.error);
  }
  return header !== null && header.problem !== null ? 2 : 0;
}

/** What is told of a file, as lines. */
function inspectionLines(file: string, { identity, header }: Inspection, layout: LayoutReport | null): string {
  const { name, todo } = containerWords(identity.container);
  let text = `image: ${visibleText(file)}\nkind: ${name}, ${exactBytes(identity.fileSize)}\n`;
  if (todo !== null) text += `to see inside: ${todo}\n`;
  text += `contents: ${contentsSentence(identity)}\n`;
  if (header === null) return text;
  if (header.problem !== null) text += `problem: ${explain(header.problem).why}\n`;
  for (const sentence of [dialectSentence(header), needsSentence(header)]) if (sentence !== null) text += `${sentence}\n`;
  text += "\nHeader\n";
  for (const field of header.fields) text += fieldLine(field, fieldWords(field).says);
  for (const extension of header.extensions) {
    text += `\n${extensionTitle(extension)}, ${exactBytes(extension.lengthBytes)} at ${hex(extension.hostOffset)}\n`;
    if (extension.problem !== null) text += `  problem: ${explain(extension.problem).why}\n`;
    for (const field of extension.fields) text += fieldLine(field, fieldWords(field, extension.kind).says);
  }
  return layout === null ? text : `${text}\n${layoutLines(layout)}`;
}

const MARKS: Readonly<Record<FieldFacts["validity"], string>> = { valid: " ", odd: "?", invalid: "!", unknown: "?" };

function fieldLine({ field, hostOffset, validity }: FieldFacts, says: string): string {
  return `${MARKS[validity]} ${hex(hostOffset).padEnd(8)} ${field.padEnd(26)} ${says}\n`;
}

function layoutLines({ clusters, clusterSize, counts, problem }: LayoutReport): string {
  let text = `Clusters: ${integer(clusters)} of ${exactBytes(clusterSize)}\n`;
  LAYOUT_KINDS.forEach((kind, index) => {
    if (counts[index]! > 0) text += `  ${layoutKindWords(kind).name.padEnd(26)} ${integer(counts[index]!)}\n`;
  });
  return problem === null ? text : `${text}  not judged: ${explain(problem).why}\n`;
}
