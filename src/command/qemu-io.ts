/**
 * The program qemu-io: opens an image and runs commands on it, those of -c or those of standard input. Options, output and exit
 * status as QEMU's: 1 if the image did not open or any command failed.
 */
import { getopt, mistakeWords } from "./getopt.ts";
import type { LongOption } from "./getopt.ts";
import { runIoCommand } from "./io-commands.ts";
import { USUAL_MODES, withMode } from "./io-modes.ts";
import { SHARED_BY_FORCE } from "./image-source.ts";
import { closeDisk, openInto, qemuIoError } from "./io-open.ts";
import type { OpenRequest } from "./io-open.ts";
import { newSession } from "./io-session.ts";
import type { IoSession } from "./io-session.ts";
import { out, readLine } from "./program.ts";
import type { Program } from "./program.ts";
import { mistakenObjects } from "./secret-object.ts";
import { splitIoCommand } from "./tokenizer.ts";
import { QEMU_VERSION, VERSION } from "./version.ts";

const SHORTS = "hVc:d:f:rsCnmki:t:T:U";
const LONGS: readonly LongOption[] = (
  [
    ["help", "h"],
    ["version", "V"],
    ["cmd", "c:"],
    ["format", "f:"],
    ["read-only", "r"],
    ["snapshot", "s"],
    ["copy-on-read", "C"],
    ["nocache", "n"],
    ["misalign", "m"],
    ["native-aio", "k"],
    ["aio", "i:"],
    ["discard", "d:"],
    ["cache", "t:"],
    ["trace", "T:"],
    ["force-share", "U"],
    ["object", "object:"],
    ["image-opts", "image-opts"],
  ] as const
).map(([name, flag]) => ({ name, takesValue: flag.endsWith(":"), flag: flag.replace(":", "") }));

export const QEMU_IO_USAGE = `Usage: qemu-io [OPTIONS]... [-c STRING]... [file]
QEMU Disk exerciser, as zonescope has it

  --image-opts         treat file as option string
  -c, --cmd STRING     execute command with its arguments
                       from the given string
  -f, --format FMT     specifies the image format: qcow2 or raw
  -r, --read-only      export read-only
  -h, --help           display this help and exit
  -V, --version        output version information and exit

  -T, --trace [enable=]<pattern>
                       prints the trace events qcow2_wp_tracking and
                       qcow2_imp_open_zones on standard error, in a shell

  -s, --snapshot       writes go to a place that is gone in the end
  -C, --copy-on-read   keep in the image what is read from its backing file
  -t, --cache=MODE     writethrough and directsync make every write durable;
                       any other mode leaves that to flush and to the end
  -d, --discard=MODE   with ignore and off, discards do nothing
  --object secret,...  taken; nothing is decrypted here
  -i, -k, -m, -n       taken and without effect
  -U                   without effect, and refused without -r

See 'qemu-io -c help' for information on available commands.
`;

const PROMPT = "qemu-io> ";

interface QemuIoOptions {
  readonly commands: readonly string[];
  /** The image of the command line; null where none was named. */
  readonly image: OpenRequest | null;
}

/** Runs qemu-io; argv is what follows its name. */
export function* qemuIo(argv: readonly string[], context: { readonly now: () => number }): Program {
  const options = yield* parseOptions(argv);
  if (typeof options === "number") return options;
  const session = newSession(context.now);
  if (options.image !== null && !(yield* openInto(session, options.image))) return 1;
  let good = options.commands.length > 0 ? yield* runAll(session, options.commands) : yield* runInput(session);
  if (!(yield* closeDisk(session))) good = false;
  return good ? 0 : 1;
}

function* runAll(session: IoSession, commands: readonly string[]): Program<boolean> {
  let good = true;
  for (const command of commands) {
    if (session.finished) break;
    if (!(yield* runIoCommand(session, splitIoCommand(command)))) good = false;
  }
  return good;
}

/** Commands from standard input, a prompt before each, as qemu-io prints it into a pipe as well. */
function* runInput(session: IoSession): Program<boolean> {
  let good = true;
  while (!session.finished) {
    yield out(PROMPT);
    const line = yield* readLine();
    if (line === null) break;
    if (!(yield* runIoCommand(session, splitIoCommand(line)))) good = false;
  }
  return good;
}

/** The command line taken apart; a number is the exit status of one that ends here. */
function* parseOptions(argv: readonly string[]): Program<QemuIoOptions | number> {
  const parsed = getopt(argv, SHORTS, LONGS);
  if (!parsed.ok) {
    yield qemuIoError(mistakeWords(parsed.error));
    yield out(QEMU_IO_USAGE);
    return 1;
  }
  const commands: string[] = [];
  const objects: string[] = [];
  let format: string | null = null;
  let readOnly = false;
  let imageOptions = false;
  let forceShare = false;
  let modes = USUAL_MODES;
  for (const option of parsed.value.options) {
    const { flag, value } = option;
    switch (flag) {
      case "h":
        yield out(QEMU_IO_USAGE);
        return 0;
      case "V":
        yield out(`qemu-io version ${QEMU_VERSION} (the command language; zonescope ${VERSION})\n`);
        return 0;
      case "c":
        commands.push(value);
        break;
      case "f":
        format = value;
        break;
      case "r":
        readOnly = true;
        break;
      case "U":
        forceShare = true;
        break;
      case "image-opts":
        imageOptions = true;
        break;
      case "T":
        yield { step: "trace", pattern: value };
        break;
      case "object": {
        objects.push(value);
        const mistake = mistakenObjects(objects);
        if (mistake === null) break;
        yield qemuIoError(mistake);
        return 1;
      }
      default: {
        const next = withMode(modes, option);
        if (typeof next !== "string") {
          modes = next;
          break;
        }
        yield qemuIoError(next);
        return 1;
      }
    }
  }
  if (parsed.value.words.length > 1) {
    yield out(QEMU_IO_USAGE);
    return 1;
  }
  if (format !== null && imageOptions) {
    yield qemuIoError("--image-opts and -f are mutually exclusive");
    return 1;
  }
  const word = parsed.value.words[0] ?? null;
  if (word !== null && forceShare && !readOnly) {
    yield qemuIoError(`can't open device ${word}: ${SHARED_BY_FORCE}`);
    return 1;
  }
  if (word === null) return { commands, image: null };
  return { commands, image: imageOptions ? { word: null, format: null, options: word, readOnly, modes } : { word, format, options: null, readOnly, modes } };
}
