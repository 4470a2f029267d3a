/**
 * The program dialect: tells which layout of the zoned format an image has and why, and rewrites it in another one.
 *
 * Source: zoned format, "Three layouts" and "Create options".
 */
import type { Dialect, DialectChange, DialectFacts, Failure } from "../protocol/index.ts";
import { explain, explained, fileWords, hasMoreToSay, openFailureWords } from "./explain.ts";
import { counted, exactBytes, hex, integer } from "./format.ts";
import { getopt, mistakeWords } from "./getopt.ts";
import { call, errorOut, out } from "./program.ts";
import type { Program, Step } from "./program.ts";

const DIALECTS: readonly Dialect[] = ["v4", "v7", "v9"];
const FIRST_BYTES = 512;
const EXTENSION_MAGIC = "0x007a6264";

/** What each dialect is, in the words of the series. */
const DIALECT_WORDS: Readonly<Record<Dialect, string>> = {
  v4: "the layout posted up to version 4; stock programs open the image and do not see its zones",
  v7: "the layout posted in versions 5 to 7; stock programs refuse the image",
  v9: "the layout posted in versions 8 to 10; stock programs refuse the image",
};

export const DIALECT_USAGE: string =
  "Usage: dialect IMAGE [v4|v7|v9]\n" +
  "Tells which layout of the zoned format an image has and why, or rewrites it in another one.\n\n" +
  "Pointers, tables and data stay where they are. Where header and extension lie in the first 512 bytes before\n" +
  "and after, the change is one write of these; elsewhere a copy with the new header, IMAGE.new-dialect, takes the\n" +
  "image's place once it is whole.\n";

const dialectError = (text: string): Step => errorOut(`dialect: ${text}\n`);

/** Runs dialect; argv is what follows its name. */
export function* dialect(argv: readonly string[]): Program {
  const parsed = getopt(argv, "h", [{ name: "help", takesValue: false, flag: "h" }]);
  if (!parsed.ok) {
    yield dialectError(mistakeWords(parsed.error));
    return 1;
  }
  if (parsed.value.options.length > 0) {
    yield out(DIALECT_USAGE);
    return 0;
  }
  const [file, to, more] = parsed.value.words;
  if (file === undefined || more !== undefined) {
    yield errorOut(DIALECT_USAGE);
    return 1;
  }
  if (to === undefined) return yield* tell(file);
  const target = DIALECTS.find((name) => name === to);
  if (target !== undefined) return yield* change(file, target);
  yield dialectError(`'${to}' is no dialect; there are ${DIALECTS.join(", ")}`);
  return 1;
}

function* tell(file: string): Program {
  const outcome = yield* call("dialect", { file });
  if (!outcome.ok) return yield* fail(file, outcome.error, null);
  yield out(dialectLines(file, outcome.value));
  return outcome.value.zoned === null ? 1 : 0;
}

function* change(file: string, to: Dialect): Program {
  const outcome = yield* call("setDialect", { file, dialect: to });
  if (!outcome.ok) return yield* fail(file, outcome.error, to);
  yield out(`${file}: ${changeWords(outcome.value)}\n`);
  return 0;
}

function* fail(file: string, failure: Failure, to: Dialect | null): Program {
  yield dialectError(`${file}: ${failureWords(file, failure, to)}`);
  if (failure.kind !== "option" && hasMoreToSay(failure)) yield explained(failure);
  return 1;
}

function failureWords(file: string, failure: Failure, to: Dialect | null): string {
  if (failure.kind === "option") return `cannot be ${to ?? "rewritten"}: ${explain(failure).why.replace(/\.$/, "")}`;
  if (failure.kind === "unsupported") return explain(failure).why.replace(/\.$/, "");
  if (failure.kind !== "file" || failure.code === "in-use") return openFailureWords(file, failure);
  if (failure.wholeCopy !== undefined) return `${fileWords(failure)}; the image may be damaged, and ${failure.wholeCopy} is whole: keep it and put it in the image's place`;
  if (failure.code === "exists") return `${failure.file} is in the way, ${failure.detail ?? "a file of that name"}; look at it, then remove it`;
  return fileWords(failure);
}

function changeWords({ from, to, method, featureNames }: DialectChange): string {
  if (method === "none") return `is ${to} already; nothing was written`;
  const names = featureNames === "shortened" ? "; the feature name table keeps incompatible features only" : featureNames === "dropped" ? "; the feature name table gave way" : "";
  const how = method === "sector" ? "one write of the first 512 bytes" : "a copy with the new header, put in its place";
  return `${from} is now ${to}, by ${how}${names}`;
}

/** What an image is and why, as lines. */
function dialectLines(file: string, facts: DialectFacts): string {
  const { extension, featureBit, featureName, zoned, problem } = facts;
  const bit = `incompatible feature bit 5${featureName === null ? "" : ` (${JSON.stringify(featureName)} in the image's own table)`} is ${featureBit ? "set" : "clear"}`;
  let text = `image: ${file}\n`;
  if (extension === null) return `${text}dialect: none\nwhy: there is no header extension ${EXTENSION_MAGIC}, so there are no zones; ${bit}\n`;
  const length = `header extension ${EXTENSION_MAGIC} is ${extension.lengthBytes} bytes long`;
  if (zoned === null) {
    const because = problem === null ? `its first byte is 0, which says that the image has no zones` : explain(problem).why.replace(/\.$/, "");
    return `${text}dialect: none\nwhy: ${length}, and ${bit}; ${because}\n`;
  }
  const { traits, geometry } = zoned;
  const end = extension.hostOffset + extension.lengthBytes;
  const unit = traits.appendUnitBytes === 1 ? "in bytes" : `in sectors of ${traits.appendUnitBytes} bytes`;
  const [first, second] = traits.offsetBeforeSize ? ["zonedmeta_offset", "zonedmeta_size"] : ["zonedmeta_size", "zonedmeta_offset"];
  text += `dialect: ${traits.dialect} (${DIALECT_WORDS[traits.dialect]})\n`;
  text += `why: ${length}, and ${bit}\n`;
  text += `fields: zone_size and zone_capacity of ${traits.zoneSizeBits} bits, append limit ${unit}, ${first} before ${second}\n`;
  text += `extension: bytes ${hex(extension.hostOffset)} to ${hex(end - 1)} of the file, ${end <= FIRST_BYTES ? "within" : "not within"} the first ${FIRST_BYTES}\n`;
  text += `zones: ${counted(geometry.zoneCount, "zone")} of ${exactBytes(geometry.zoneSize)}\n`;
  text += `pointers: ${integer(zoned.metadataSize)} bytes at ${hex(zoned.metadataOffset)} of the file\n`;
  return text;
}
