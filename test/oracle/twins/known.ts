/**
 * Differences that are known, each told by a precise condition: a stock program is at fault, or speaks otherwise than QEMU does, or we have a
 * limit that is left. A script ends at one: what follows differs for it alone.
 */
import type { Ran } from "../cli-harness.ts";
import type { Command } from "./twin.ts";

interface Known {
  readonly what: string;
  readonly is: (command: Command, stock: Ran, ours: Ran) => boolean;
}

/** The word behind an option, null where it is not there. */
const valueOf = (argv: readonly string[], option: string): string | null => (argv.includes(option) ? (argv[argv.indexOf(option) + 1] ?? null) : null);

/** What a stock program that was ended from outside was about, of the images that are drawn here. */
export const ENDLESS = "stock follows a chain of backing files that leads back to itself without end";

const OLDER = "a stock program older than version 10 has no such option or command";

/** Words of a stock program of version 7 for what came behind it. */
const LACKS = [/^qemu-img: unrecognized option '--?[a-z-]+'$/m, /^(?:read|write): invalid option -- 'r'$/m, /^command "aio_discard" not found$/m, /does not support the option 'discard-no-unref'$/m];

/** What a command is known as that stock does not know, or one of its lines, and we do: statuses may be alike, and what is left behind differs. */
export function lackOf(stock: Ran, ours: Ran): string | null {
  const [theirs, mine] = [`${stock.err}${stock.out}`, `${ours.err}${ours.out}`];
  return LACKS.some((words) => words.test(theirs) && !words.test(mine)) ? OLDER : null;
}

/** A write of zeros with -u, in a session that gives no discard to the image. */
function keepsWhatItZeroes({ program, argv }: Command): boolean {
  const discards = ["unmap", "on"].includes(valueOf(argv, "-d") ?? "") || argv.at(-1)!.includes("discard");
  return program === "qemu-io" && !discards && argv.some((line) => /^(?:aio_)?write .*-\w*u/.test(line) && /-\w*z/.test(line));
}

const writesState = ({ program, argv }: Command): boolean => program === "qemu-io" && argv.some((line) => /^write .*-\w*b/.test(line));
const grows = ({ program, argv }: Command): boolean => argv[0] === "resize" || argv[0] === "commit" || argv.some((line) => line.startsWith("size=")) || (program === "qemu-io" && argv.some((line) => line.startsWith("truncate")));

/** What clusters left otherwise behind the last of some commands are known as with any stock program, null for none that is. */
export function leftOtherwise(commands: readonly Command[]): string | null {
  const last = commands.at(-1)!;
  return grows(last) && commands.some(writesState) ? "a machine's state becomes part of the disk that stock grows over it; ours is zeros there" : null;
}

const faultsOf = (verdict: string): string => ["corruptions", "leaks"].map((kind) => new RegExp(`"${kind}":(\\d+)`).exec(verdict)?.[1] ?? "0").join(" ");

/**
 * What a stock check's other verdict of a lying image is known as, null for none that is.
 * @param met the verdict of our copy in front of the command, @param left behind it, @param image our copy
 */
export function lieMovedAway({ program }: Command, met: string, left: string, image: Uint8Array): string | null {
  const hasBitmaps = (image[95]! & 1) !== 0;
  return program === "qemu-io" && hasBitmaps && faultsOf(met) === faultsOf(left) ? "stock writes an image's bitmaps anew at each session, elsewhere than a lie leads; by us its faults are as many as they were" : null;
}

/** What clusters left otherwise behind a command of a stock program older than version 10 are known as, null for none that is. */
export const olderLeaves = (command: Command): string | null => (keepsWhatItZeroes(command) ? "a stock program older than version 10 unmaps what is zeroed with -u, whether it discards or not" : null);

const KNOWN: readonly Known[] = [
  {
    // It opens the image a second time without its lock and writes its own name into it: whoever opens the chain then follows it without end.
    what: "stock's rebase -U gives an image itself as its backing file",
    is: ({ argv }, stock, ours) => argv[0] === "rebase" && argv.includes("-U") && valueOf(argv, "-b") === argv.at(-1) && stock.status === 0 && ours.status === 1 && ours.err.includes("Failed to get shared \"write\" lock"),
  },
  {
    // Of a disk that has a length stock takes the header's words for L1 entries that lead behind the file's end, and reads zeros for all that was there.
    what: "an L1 table that is said to lie at 0, where the header is, or beyond 8 PiB, is none to us",
    is: (_, stock, ours) => /: Active L1 table offset invalid$/m.test(ours.err) && !stock.err.includes("Active L1 table offset invalid"),
  },
  {
    what: ENDLESS,
    is: (_, stock, ours) => stock.status === -1 && ours.err.includes("creates an infinite loop."),
  },
  {
    what: "we read larger pieces: a cluster that cannot be read is told at the piece's start, and before a difference that is in front of it",
    is: ({ argv }, stock, ours) => ["compare", "convert"].includes(argv[0]!) && /rror while reading (offset|at byte) \d+/.test(ours.err) && (/rror while reading (offset|at byte) \d+/.test(stock.err) || stock.out.includes("Content mismatch at offset")),
  },
  {
    what: "an L2 table that is said to lie beyond 8 PiB is no table to us, and zeros to stock",
    is: (_, stock, ours) => /L2 table offset 0x[\da-f]{14,16} unaligned/.test(ours.err) && !/L2 table offset/.test(stock.err),
  },
  {
    what: "of a refcount block that is said to lie beyond 8 PiB stock tells in a line of its own",
    is: (_, stock, ours) => /Refblock offset 0x[\da-f]{14,16} unaligned/.test(stock.err) && !/Refblock offset/.test(ours.err),
  },
  {
    what: "an image that is named by options without a backing file in the deprecated way: we do not warn",
    is: (_, stock, ours) => stock.err.includes('Use of "backing": "" is deprecated') && !ours.err.includes("deprecated"),
  },
  {
    what: "of a cluster that is given up and that nothing counts stock tells in a line of its own",
    is: (_, stock, ours) => stock.status === ours.status && stock.out === ours.out && stock.err !== ours.err && stock.err.replace(/^qcow2_free_clusters failed: (?:Invalid argument|Resource temporarily unavailable)\n/gm, "") === ours.err,
  },
  {
    what: "an image in which one structure lies upon another is written by stock until it meets that, and by us not at all",
    is: (_, __, ours) => ours.status === 1 && /: found a cluster that holds the [\w ]+, allowed is a cluster of its own\.?$/m.test(ours.err),
  },
  {
    what: "an entry that cannot be keeps us from an older version before anything is changed, and stock in the middle",
    is: ({ argv }, stock, ours) => argv[0] === "amend" && stock.status === 1 && ours.status === 1 && stock.err.includes("Failed to turn zero into data clusters") && ours.err.includes("; allowed is "),
  },
  {
    what: "an image of version 0 is raw to stock's guess, and broken to us",
    is: (_, stock, ours) => stock.err.includes("probing guessed raw") && ours.err.includes("Unsupported qcow2 version 0"),
  },
  {
    what: "stock opens a raw image twice to apply a snapshot, and warns each time that its format was guessed",
    is: ({ argv }, stock, ours) => argv[0] === "snapshot" && argv[1] === "-a" && stock.status === ours.status && stock.err.includes("probing guessed raw") && stock.err.endsWith(ours.err) && stock.err.slice(0, -ours.err.length) === ours.err.slice(0, ours.err.indexOf("qemu-img: ")),
  },
  {
    what: "a snapshot of what nothing counts, or of an entry that contradicts itself, is made by stock, and refused by us",
    is: ({ argv }, stock, ours) => argv[0] === "snapshot" && argv[1] === "-c" && stock.status === 0 && ours.err.endsWith(": Input/output error\n"),
  },
  {
    what: "stock marks bitmaps as in use when it opens an image, and a lie of its counts stops it there; by us before the first change",
    is: (_, stock, ours) => stock.err.includes("Can't update bitmap directory") && !ours.err.includes("Can't update bitmap directory"),
  },
  {
    what: "leaks beside an entry that leads behind the file's end are given up by stock, with what else may be in them, and left by us",
    is: ({ argv }, stock, ours) => argv[0] === "check" && argv.includes("leaks") && stock.err.includes("Repairing cluster") && ours.err.includes("exceeding the end of the file") && !ours.err.includes("Repairing cluster"),
  },
  {
    what: "an image whose tables lie upon each other is opened by us for reading alone",
    is: (_, stock, ours) => stock.err.includes("Preventing invalid write on metadata") && ours.status === 1 && ours.err.endsWith(": Permission denied\n"),
  },
  {
    what: OLDER,
    is: (_, stock, ours) => lackOf(stock, ours) !== null,
  },
  {
    // A patch of Debian's: QEMU tells of suffixes here too.
    what: "Debian's words for a number that is none",
    is: ({ argv }, stock, ours) => ["create", "dd"].includes(argv[0]!) && /^qemu-img: Invalid [a-z ]+ specified: '[^']*'\.$/m.test(stock.err) && /^qemu-img: Invalid [a-z ]+ specified\. You may use /.test(ours.err) && stock.status === ours.status,
  },
];

/** What a difference is known as, null for none that is. */
export const knownDifference = (command: Command, stock: Ran, ours: Ran): string | null => KNOWN.find(({ is }) => is(command, stock, ours))?.what ?? null;
