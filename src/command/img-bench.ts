/** qemu-img bench: sends requests of one size to an image, one behind the other, and tells how long they took. */
import type { Failure } from "../protocol/index.ts";
import { explained } from "./explain.ts";
import { fixed, integer } from "./format.ts";
import type { GivenOptions } from "./getopt.ts";
import { imgSizeGiven } from "./img-numbers.ts";
import { FORCE_SHARE, IMAGE_OPTIONS, longOptions, openToRead, optionValue } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { mistakenMode } from "./io-open.ts";
import { call, out } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { parseInteger } from "./sizes.ts";
import { strerror } from "./strerror.ts";

const MAX_INT = 2 ** 31 - 1;
/** As QEMU's, where nothing is said. */
const STANDARD = { count: 75000, depth: 64, requestBytes: 4096 };

export const benchImage: ImgCommand = {
  name: "bench",
  args:
    "[-f fmt] [--image-opts] [-t cache] [-c count] [-d depth] [-o offset] [-s buffer_size] [-S step_size] [-i aio] [-n] [-q] [-U] " +
    "[-w [--pattern=byte] [--flush-interval=requests [--no-drain]]] filename",
  oneline: "sends requests to an image and tells how long they took",
  shorts: "hc:d:f:ni:o:qs:S:t:wU",
  longs: [
    ...IMAGE_OPTIONS,
    FORCE_SHARE,
    ...longOptions(
      { quiet: "q", native: "n", write: "w", "no-drain": "no-drain" },
      { format: "f", cache: "t", count: "c", depth: "d", offset: "o", "buffer-size": "s", "step-size": "S", aio: "i", pattern: "pattern", "flush-interval": "flush-interval" },
    ),
  ],
  *run(given, { now }): Program {
    const asked = yield* askedOf(given);
    if (asked === null) return 1;
    const image = yield* openToRead(given, asked.word, asked.write);
    if (image === null) return 1;
    if (asked.native && !asked.direct) {
      yield* call("close", { handle: image.handle });
      return yield* cannotOpen(asked.word, "aio=native was specified, but it requires cache.direct=on, which was not specified.");
    }
    yield out(announced(asked));
    const start = now();
    const failure = yield* sendAll(image, asked);
    if (failure !== null) {
      yield imgError(`Failed request: ${strerror(failure)}`);
      yield explained(failure);
    } else yield out(`Run completed in ${fixed((now() - start) / 1000, 3)} seconds.\n`);
    const closed = yield* call("close", { handle: image.handle });
    if (!closed.ok) yield explained(closed.error);
    return failure === null && closed.ok ? 0 : 1;
  },
};

function* cannotOpen(word: string, why: string): Program<1> {
  yield imgError(`Could not open '${word}': ${why}`);
  return 1;
}

interface Asked {
  readonly word: string;
  readonly write: boolean;
  /** The host's own queue of requests, which takes none but those past its cache; here neither makes a difference. */
  readonly native: boolean;
  readonly direct: boolean;
  /** Every write is durable before the next. */
  readonly writethrough: boolean;
  readonly count: number;
  /** Requests that QEMU has under way at once; here it is one, and this is said and no more. */
  readonly depth: number;
  readonly offset: number;
  readonly requestBytes: number;
  readonly stepBytes: number;
  readonly pattern: number;
  /** Requests between two flushes, 0 for none. */
  readonly flushInterval: number;
}

/** The options that are a count, with the most that each may be and QEMU's words for what is none. */
const COUNTS: ReadonlyMap<string, { readonly max: number; readonly mistake: string }> = new Map([
  ["c", { max: MAX_INT, mistake: "Invalid request count specified" }],
  ["d", { max: MAX_INT, mistake: "Invalid queue depth specified" }],
  ["pattern", { max: 255, mistake: "Invalid pattern byte specified" }],
  ["flush-interval", { max: MAX_INT, mistake: "Invalid flush interval specified" }],
]);

/** The options that are a size, with QEMU's names for them and the most that each may be. */
const SIZES: ReadonlyMap<string, { readonly name: string; readonly max?: number }> = new Map([
  ["o", { name: "offset" }],
  ["s", { name: "buffer size", max: MAX_INT }],
  ["S", { name: "step_size", max: MAX_INT }],
]);

/** What the options come to, looked at in their order; null after a mistake was printed. */
function* askedOf(given: GivenOptions): Program<Asked | null> {
  const numbers = new Map<string, number>();
  for (const { flag, value } of given.options) {
    const number = yield* numberOf(flag, value);
    if (number === null) return null;
    if (number !== undefined) numbers.set(flag, number);
  }
  const word = given.words[0];
  if (word === undefined || given.words.length !== 1) {
    yield imgUsageError("Expecting one image file name");
    return null;
  }
  const write = optionValue(given, "w") !== null;
  const depth = numbers.get("d") ?? STANDARD.depth;
  const flushInterval = numbers.get("flush-interval") ?? 0;
  const mistake =
    !write && flushInterval > 0
      ? "--flush-interval is only available in write tests"
      : flushInterval > 0 && flushInterval < depth
        ? "Flush interval can't be smaller than depth"
        : null;
  if (mistake !== null) {
    yield imgError(mistake);
    return null;
  }
  const cache = optionValue(given, "t");
  const requestBytes = numbers.get("s") ?? STANDARD.requestBytes;
  return {
    word,
    write,
    native: optionValue(given, "n") !== null || given.options.some(({ flag, value }) => flag === "i" && value === "native"),
    direct: cache === "none" || cache === "off" || cache === "directsync",
    writethrough: cache === "writethrough" || cache === "directsync",
    count: numbers.get("c") ?? STANDARD.count,
    depth,
    offset: numbers.get("o") ?? 0,
    requestBytes,
    stepBytes: numbers.get("S") || requestBytes,
    pattern: numbers.get("pattern") ?? 0,
    flushInterval,
  };
}

/** The number that an option brings, undefined where it is none of those; null after its mistake was printed. */
function* numberOf(flag: string, value: string): Program<number | null | undefined> {
  const size = SIZES.get(flag);
  if (size !== undefined) return yield* imgSizeGiven(size.name, value, 0, size.max);
  const count = COUNTS.get(flag);
  if (count !== undefined) {
    const number = value === "" ? null : parseInteger(value);
    if (number !== null && number >= 0 && number <= count.max) return number;
    yield imgError(count.mistake);
    return null;
  }
  if (flag === "t" && mistakenMode("t", value) !== null) {
    yield imgError("Invalid cache mode");
    return null;
  }
  if (flag === "i" && mistakenMode("i", value) !== null) {
    yield imgError(`Invalid aio option: ${value}`);
    return null;
  }
  return undefined;
}

function announced({ count, write, requestBytes, depth, offset, stepBytes, flushInterval }: Asked): string {
  const place = `(starting at offset ${integer(offset)}, step size ${stepBytes})`;
  const flushes = flushInterval === 0 ? "" : `Sending flush every ${flushInterval} requests\n`;
  return `Sending ${count} ${write ? "write" : "read"} requests, ${requestBytes} bytes each, ${depth} in parallel ${place}\n${flushes}`;
}

/** Sends the requests; each next one is a step further, and goes on at the start where the disk ends. @returns the failure of one, null for none */
function* sendAll({ handle, facts }: ReadImage, asked: Asked): Program<Failure | null> {
  const { requestBytes: length, stepBytes, flushInterval } = asked;
  const room = facts.image.virtualSize - length;
  let { offset } = asked;
  for (let sent = 1; sent <= asked.count; sent++) {
    const done = asked.write
      ? yield* call("write", { handle, offset, length, pattern: asked.pattern, data: null })
      : yield* call("read", { handle, offset, length, pattern: null, wantData: false });
    if (!done.ok) return done.error;
    if (asked.write && (asked.writethrough || (flushInterval > 0 && sent % flushInterval === 0))) {
      const flushed = yield* call("flush", { handle });
      if (!flushed.ok) return flushed.error;
    }
    offset = room <= 0 ? 0 : (offset + stepBytes) % room;
  }
  return null;
}
