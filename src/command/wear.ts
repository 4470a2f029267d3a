/**
 * The program wear: zones of the attached image fail, as those of worn media do. The standards have no command for it, since a device
 * does it by itself, and the zoned format no place for it, so that it lasts until the image is opened anew.
 */
import { Condition, conditionName } from "../base/conditions.ts";
import { explained } from "./explain.ts";
import { parseSize } from "./sizes.ts";
import { call, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";

/** What wear needs of where it runs. */
export interface WearContext {
  /** The image that bare commands act on; absent in a shell. */
  readonly attached?: () => { readonly handle: number; readonly file: string } | null;
}

const KINDS = { "read-only": Condition.READ_ONLY, offline: Condition.OFFLINE } as const;
export const WEAR_WORDS: readonly string[] = Object.keys(KINDS);

export const WEAR_USAGE = `Usage: wear read-only OFFSET…  the zones that hold the offsets can be read and not written any more
       wear offline OFFSET…    nor can they be read

As worn media does. No image stores it: it lasts until the attached image is detached or its power is cycled.

`;

/** Runs wear; argv is what follows its name. Stops at the first zone that is refused. */
export function* wear(argv: readonly string[], context: WearContext): Program {
  const [kind, ...offsets] = argv;
  if (kind === "--help" || kind === "-h") {
    yield out(WEAR_USAGE);
    return 0;
  }
  if (kind === undefined || !Object.hasOwn(KINDS, kind) || offsets.length === 0) {
    yield errorOut(WEAR_USAGE);
    return 1;
  }
  const attached = context.attached?.() ?? null;
  if (attached === null) {
    yield errorOut("wear: no image is attached whose zones could wear out\n");
    return 1;
  }
  const condition = KINDS[kind as keyof typeof KINDS];
  for (const word of offsets) {
    const offset = parseSize(word);
    if (!offset.ok) {
      yield errorOut(`wear: '${word}' is no offset\n`);
      return 1;
    }
    const worn = yield* call("wear", { handle: attached.handle, offset: offset.value, condition });
    if (!worn.ok) {
      yield errorOut(`wear: the zone at ${word} stays as it is\n`);
      yield explained(worn.error);
      return 1;
    }
    yield out(`the zone at ${word} is ${conditionName(condition)} until the image is opened anew\n`);
  }
  return 0;
}
