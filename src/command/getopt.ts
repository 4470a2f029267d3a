/**
 * Options as POSIX and GNU getopt read them: grouped flags, values joined or apart, "--", words after which options may still
 * come, long options with "=" or a word, and abbreviations of them. It decides nothing; what an option means is the caller's.
 */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";

export interface LongOption {
  readonly name: string;
  readonly takesValue: boolean;
  /** The flag that it stands for; its own name where there is none. */
  readonly flag: string;
}

export interface GivenOption {
  /** A short option's letter, or what a long option stands for. */
  readonly flag: string;
  /** "" where the option takes none. */
  readonly value: string;
}

export interface GivenOptions {
  readonly options: readonly GivenOption[];
  /** What is no option, in order. */
  readonly words: readonly string[];
}

/** Which option failed, as typed: a letter, or a long option with its dashes. `given` is the whole word it stood in. */
export interface OptionMistake {
  readonly code: "invalid" | "missing-value" | "unwanted-value" | "ambiguous";
  readonly option: string;
  readonly given: string;
  readonly long: boolean;
}

/**
 * @param shorts as getopt's: letters, each with ":" behind it if it takes a value
 * @param longs for GNU's long options
 */
export function getopt(argv: readonly string[], shorts: string, longs: readonly LongOption[] = []): Result<GivenOptions, OptionMistake> {
  const options: GivenOption[] = [];
  const words: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!;
    if (word === "--") {
      words.push(...argv.slice(index + 1));
      break;
    }
    if (word.length < 2 || word[0] !== "-") {
      words.push(word);
      continue;
    }
    if (word.startsWith("--") && longs.length > 0) {
      const found = longOption(word, argv[index + 1], longs);
      if (!found.ok) return found;
      options.push(found.value.option);
      if (found.value.tookNext) index++;
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const letter = word[at]!;
      const place = letter === ":" ? -1 : shorts.indexOf(letter);
      if (place === -1) return err({ code: "invalid", option: letter, given: word, long: false });
      if (shorts[place + 1] !== ":") {
        options.push({ flag: letter, value: "" });
        continue;
      }
      const joined = word.slice(at + 1);
      const value = joined !== "" ? joined : argv[++index];
      if (value === undefined) return err({ code: "missing-value", option: letter, given: word, long: false });
      options.push({ flag: letter, value });
      break;
    }
  }
  return ok({ options, words });
}

function longOption(
  word: string,
  next: string | undefined,
  longs: readonly LongOption[],
): Result<{ option: GivenOption; tookNext: boolean }, OptionMistake> {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals === -1 ? undefined : equals);
  const exactly = longs.find((long) => long.name === name);
  const matching = exactly !== undefined ? [exactly] : longs.filter((long) => long.name.startsWith(name));
  const flags = new Set(matching.map((long) => long.flag));
  if (flags.size !== 1) return err({ code: flags.size === 0 ? "invalid" : "ambiguous", option: `--${name}`, given: word, long: true });
  const long = matching[0]!;
  const mistake = (code: OptionMistake["code"]): Result<never, OptionMistake> => err({ code, option: `--${long.name}`, given: word, long: true });
  if (!long.takesValue) {
    if (equals !== -1) return mistake("unwanted-value");
    return ok({ option: { flag: long.flag, value: "" }, tookNext: false });
  }
  if (equals !== -1) return ok({ option: { flag: long.flag, value: word.slice(equals + 1) }, tookNext: false });
  if (next === undefined) return mistake("missing-value");
  return ok({ option: { flag: long.flag, value: next }, tookNext: true });
}

/** getopt's own words, as the C library prints them behind the program's or command's name. */
export function mistakeWords(mistake: OptionMistake): string {
  const dashes = mistake.long ? `'${mistake.option}'` : `-- '${mistake.option}'`;
  switch (mistake.code) {
    case "invalid":
      return mistake.long ? `unrecognized option '${mistake.given}'` : `invalid option ${dashes}`;
    case "missing-value":
      return mistake.long ? `option ${dashes} requires an argument` : `option requires an argument ${dashes}`;
    case "unwanted-value":
      return `option ${dashes} doesn't allow an argument`;
    case "ambiguous":
      return `option '${mistake.given}' is ambiguous`;
  }
}

/** qemu-img's words for the same mistakes. */
export function imgMistakeWords(mistake: OptionMistake): string {
  if (mistake.code === "missing-value") return `missing argument for option '${mistake.long ? mistake.given : `-${mistake.option}`}'`;
  return `unrecognized option '${mistake.given}'`;
}
