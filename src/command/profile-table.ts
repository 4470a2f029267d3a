/** A comparison of profiles as text: a block for each pair, its columns aligned through all of them. */
import { conditionName } from "../base/conditions.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { explain } from "./explain.ts";
import { counted, hex, ioSize } from "./format.ts";
import type { Comparison, ProfileAnswer } from "./profile-compare.ts";

export function comparisonText(comparison: Comparison): string {
  const { commandCount, leftOut, pairs } = comparison;
  let text = `${counted(commandCount, "command")} on scratch disks: ${deviceWords(comparison)}\n`;
  for (const one of leftOut) text += `${leftOutWords(one)}\n`;
  const answers = pairs.flatMap((pair) => pair.parting?.answers ?? []);
  const nameWidth = Math.max(0, ...answers.map(({ profile }) => profile.length));
  const wordsWidth = Math.max(0, ...answers.map((answer) => answerWords(answer).length));
  for (const { profiles, parting } of pairs) {
    const both = profiles.join(" / ");
    if (parting === null) {
      text += `\n${both}: the same throughout\n`;
      continue;
    }
    text += `\n${both}: line ${parting.line}: ${parting.command}\n`;
    for (const answer of parting.answers) {
      text += `${`    ${answer.profile.padEnd(nameWidth)}  ${answerWords(answer).padEnd(wordsWidth)}  ${zoneWords(answer)}`.trimEnd()}\n`;
    }
  }
  return text;
}

/** Why a profile is not compared, in a sentence; the engine refuses those alone that know no conventional zones. */
export const leftOutWords = ({ profile, failure }: Comparison["leftOut"][number]): string =>
  failure.kind === "option" && failure.option === "profile" ? `Without ${profile}: it has no conventional zones, and this disk has some.` : `Without ${profile}: ${explain(failure).why}`;

/** The scratch disks in a few words. */
export function deviceWords({ options }: Comparison): string {
  const { zoned, sizeBytes } = options;
  if (zoned === null) return ioSize(sizeBytes);
  const words = [`${counted(Math.ceil(sizeBytes / zoned.zoneSize), "zone")} of ${ioSize(zoned.zoneSize)}`, `capacity ${ioSize(zoned.zoneCapacity)}`];
  if (zoned.conventionalZones > 0) words.push(`${zoned.conventionalZones} conventional`);
  words.push(`max open ${zoned.maxOpenZones}`, `max active ${zoned.maxActiveZones}`, `max append ${ioSize(zoned.maxAppendBytes)}`);
  return words.join(", ");
}

/** "zone open failed: Invalid argument [invalid-transition]"; a command that prints nothing is done. */
export function answerWords({ text, succeeded, refusal }: ProfileAnswer): string {
  const said = text !== "" ? text : succeeded ? "done" : "failed";
  return refusal === null ? said : `${said} [${refusal}]`;
}

/** As a zone report has it: the pointer in sectors. */
export const zoneWords = ({ zone }: ProfileAnswer): string =>
  zone === null ? "" : `zone ${zone.zone} ${conditionName(zone.condition)}, wptr ${hex(Math.floor(zone.writePointer / SECTOR_SIZE))}`;
