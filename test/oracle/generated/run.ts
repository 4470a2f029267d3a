/** Runs a generated case in a folder: who makes which phase, and what was found wrong at its judgements. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inScratchFolder } from "../../../src/testing/stock.ts";
import { runOurs, runStock } from "../cli-harness.ts";
import type { Ran } from "../cli-harness.ts";
import { FOLDER, buildCase } from "./case.ts";
import type { Command, GeneratedCase, Trait } from "./case.ts";
import { judge } from "./judge.ts";
import { NOISE_FILE } from "./work.ts";

export type Maker = "stock" | "ours";

/**
 * Who runs the commands up to the first judgement, and who those behind it. Whoever made an image, both judge it; so these are
 * "stock makes, we read", "we make, stock judges", and each going on with what the other left.
 */
export const WAYS = {
  "stock": ["stock", "stock"],
  "ours": ["ours", "ours"],
  "ours then stock": ["ours", "stock"],
  "stock then ours": ["stock", "ours"],
  // The generator against itself: this program has no part in it.
  "stock alone": ["stock", "stock"],
} as const satisfies Record<string, readonly Maker[]>;
export type Way = keyof typeof WAYS;

export interface Outcome {
  readonly seed: number;
  readonly way: Way;
  readonly traits: ReadonlySet<Trait>;
  /** Empty when all is as it must be. */
  readonly findings: readonly string[];
}

/** @throws when stock refuses a command of the case or its disk differs from the model: a mistake of the generator */
export async function runCase(seed: number, way: Way): Promise<Outcome> {
  const made = buildCase(seed, way === "ours");
  const findings = await inScratchFolder((folder) => runSteps(made, way, folder));
  return { seed, way, traits: made.traits, findings };
}

/** As runCase, in a folder that stays: to look at what a failing seed left. The first finding ends it. */
export async function runSteps(made: GeneratedCase, way: Way, folder: string): Promise<string[]> {
  mkdirSync(join(folder, FOLDER), { recursive: true });
  writeFileSync(join(folder, NOISE_FILE), made.noise);
  let phase = 0;
  for (const step of made.steps) {
    const maker: Maker = WAYS[way][phase] ?? "stock";
    if (step.kind === "judge") {
      const findings = await judge(step, folder, way === "stock alone");
      if (findings.length > 0) return findings.map((finding) => `judgement ${phase + 1}: ${finding}`);
      phase++;
    } else {
      const trouble = await runCommand(step, maker, folder);
      if (trouble === null) continue;
      const words = `${maker}: ${step.program} ${step.argv.join(" ")}: ${trouble}`;
      if (maker === "stock" && phase === 0) throw new Error(`seed ${made.seed}: ${words}`);
      return [words];
    }
  }
  return [];
}

/** @returns what went wrong, null when nothing did */
async function runCommand({ program, argv, input }: Command, maker: Maker, folder: string): Promise<string | null> {
  const ran: Ran = maker === "stock" ? runStock(folder, program, argv, input) : await runOurs(folder, program, argv, input);
  // The first line that complains tells more than the whole session.
  const complaint = [...ran.err.split("\n"), ...ran.out.split("\n")].find((line) => /failed|error|invalid|cannot|could not|not supported/i.test(line));
  if (ran.status === 0 && ran.err === "" && complaint === undefined) return null;
  return `status ${ran.status}: ${complaint ?? `${ran.err}${ran.out}`.slice(0, 300)}`;
}
