/** Comparing profiles: the last commands of the console under every profile on scratch disks, as rows for a table. */
import { compareLast } from "../command/profile.ts";
import { answerWords, deviceWords, leftOutWords, zoneWords } from "../command/profile-table.ts";
import type { ProfileAnswer } from "../command/profile-compare.ts";
import { run } from "../command/program.ts";
import type { Core } from "./core.ts";
import { NO_HANDLE } from "./device.ts";

/** How one profile answered the command at which a pair parts. */
export interface AnswerRow {
  readonly profile: string;
  readonly answer: string;
  /** The zone afterwards, as a report has it; empty for none. */
  readonly zone: string;
}

export interface PairRow {
  readonly profiles: readonly [string, string];
  /** null when both answered alike throughout. */
  readonly parting: { readonly command: string; readonly answers: readonly AnswerRow[] } | null;
}

export interface ProfileTable {
  readonly commandCount: number;
  /** The scratch disks in words. */
  readonly disks: string;
  /** Why a profile is not in the table, a sentence each. */
  readonly leftOut: readonly string[];
  readonly pairs: readonly PairRow[];
}

export interface ProfileActions {
  /** Compares on the last `count` commands that were run; the error is a sentence. */
  compare(count: number): Promise<ProfileTable | { readonly error: string }>;
}

const rowOf = (answer: ProfileAnswer): AnswerRow => ({ profile: answer.profile, answer: answerWords(answer), zone: zoneWords(answer) });

export function createProfileActions(core: Core): ProfileActions {
  const context = {
    attached: () => {
      const { attached } = core.store.getState();
      return attached === null || attached.handle === NO_HANDLE ? null : attached;
    },
    history: () => core.lines,
  };
  return {
    compare: (count) =>
      core.serial("Comparing profiles", async () => {
        const compared = await run(compareLast(count, context), core.perform, () => undefined);
        if (!compared.ok) return { error: compared.error };
        const { commandCount, leftOut, pairs } = compared.value;
        return {
          commandCount,
          disks: deviceWords(compared.value),
          leftOut: leftOut.map(leftOutWords),
          pairs: pairs.map(({ profiles, parting }) => ({
            profiles,
            parting: parting && { command: parting.command, answers: parting.answers.map(rowOf) },
          })),
        };
      }),
  };
}
