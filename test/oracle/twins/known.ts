/**
 * Differences in which a stock program is at fault, or speaks otherwise than QEMU does, each told by a precise condition. A script ends at one:
 * what follows differs for it alone.
 */
import type { Ran } from "../cli-harness.ts";
import type { Command } from "./twin.ts";

interface Known {
  readonly what: string;
  readonly is: (command: Command, stock: Ran, ours: Ran) => boolean;
}

/** The word behind an option, null where it is not there. */
const valueOf = (argv: readonly string[], option: string): string | null => (argv.includes(option) ? (argv[argv.indexOf(option) + 1] ?? null) : null);

const KNOWN: readonly Known[] = [
  {
    // It opens the image a second time without its lock and writes its own name into it: whoever opens the chain then follows it without end.
    what: "stock's rebase -U gives an image itself as its backing file",
    is: ({ argv }, stock, ours) => argv[0] === "rebase" && argv.includes("-U") && valueOf(argv, "-b") === argv.at(-1) && stock.status === 0 && ours.status === 1 && ours.err.includes("Failed to get shared \"write\" lock"),
  },
  {
    what: "stock follows a chain of backing files that leads back to itself without end",
    is: (_, stock, ours) => stock.status === -1 && ours.err.includes("creates an infinite loop."),
  },
  {
    what: "a stock program older than version 10 has no such option",
    is: (_, stock) => /^qemu-img: unrecognized option '--?[a-z-]+'$/m.test(stock.err),
  },
  {
    // A patch of Debian's: QEMU tells of suffixes here too.
    what: "Debian's words for a number that is none",
    is: ({ argv }, stock, ours) => argv[0] === "dd" && /^qemu-img: Invalid [a-z ]+ specified: '[^']*'\.$/m.test(stock.err) && /^qemu-img: Invalid [a-z ]+ specified\. You may use /.test(ours.err) && stock.status === ours.status,
  },
];

/** What a difference is known as, null for none that is. */
export const knownDifference = (command: Command, stock: Ran, ours: Ran): string | null => KNOWN.find(({ is }) => is(command, stock, ours))?.what ?? null;
