/**
 * The lines by which a lesson prepares its disk. They are a language of their own, smaller than the console's: a few qemu-io commands
 * on the disk that was just made, whose arguments are numbers. No word of it can be the name of a file, so that a stranger's lesson
 * reaches nothing but the disk that it brought.
 */

const NUMBER = /^(0x[0-9a-f]{1,13}|\d{1,15}[kmgt]?)$/i;

interface Form {
  readonly names: readonly string[];
  /** Flags without a value, and those with a number. */
  readonly flags?: readonly string[];
  readonly valued?: readonly string[];
  readonly least: number;
  readonly most: number;
}

const FORMS: readonly Form[] = [
  { names: ["write"], flags: ["-q", "-z", "-u", "-zu"], valued: ["-P"], least: 2, most: 2 },
  { names: ["zone_append", "zap"], flags: ["-p"], least: 2, most: 16 },
  { names: ["zone_open", "zo"], least: 2, most: 2 },
  { names: ["zone_close", "zc"], least: 2, most: 2 },
  { names: ["zone_finish", "zf"], least: 2, most: 2 },
  { names: ["zone_reset", "zrs"], least: 2, most: 2 },
  { names: ["discard"], flags: ["-q"], least: 2, most: 2 },
  { names: ["flush"], least: 0, most: 0 },
];

/** The commands that may stand there, for a person to read. */
export const PREPARE_COMMANDS: readonly string[] = FORMS.flatMap(({ names }) => names);

/** Why a line may not stand there, or null when it may. */
export function refusePrepare(line: string): string | null {
  const [name = "", ...words] = line.split(" ");
  const form = FORMS.find(({ names }) => names.includes(name));
  if (form === undefined) return `one of the commands ${PREPARE_COMMANDS.join(", ")}`;
  let numbers = 0;
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if (form.flags?.includes(word) === true) continue;
    if (form.valued?.includes(word) === true) {
      if (!NUMBER.test(words[++index] ?? "")) return `a number behind ${word}`;
      continue;
    }
    if (!NUMBER.test(word)) return `numbers, separated by single spaces${form.flags === undefined ? "" : `, and the options ${[...form.flags, ...(form.valued ?? [])].join(", ")}`}`;
    numbers++;
  }
  if (numbers >= form.least && numbers <= form.most) return null;
  return form.least === form.most ? `${form.least} numbers behind ${name}` : `${form.least} to ${form.most} numbers behind ${name}`;
}
