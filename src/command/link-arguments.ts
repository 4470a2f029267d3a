/** The arguments of the program link. */
import { err, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { GUEST_SESSIONS, isGuestSession } from "../protocol/index.ts";
import type { GuestSessionName } from "../protocol/index.ts";

export interface LinkArguments {
  readonly help: boolean;
  /** The link whose lines are wanted; null to make one. */
  readonly show: string | null;
  /** Where the lines are; "-" is standard input. Empty with `show` and `help`, and for a link that plays none. */
  readonly file: string;
  readonly base: string;
  readonly readable: boolean;
  readonly step: number | null;
  readonly autoplay: boolean;
  readonly embed: boolean;
  readonly lesson: string | null;
  readonly guest: GuestSessionName | null;
}

const WITH_VALUE = ["--base", "--step", "--lesson", "--guest", "--show"];

/** The error is a sentence. */
export function parseArguments(argv: readonly string[]): Result<LinkArguments, string> {
  const given = { help: false, show: null as string | null, file: "", base: "", readable: false, step: null as number | null, autoplay: true, embed: false, lesson: null as string | null, guest: null as GuestSessionName | null };
  const words: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index]!;
    if (!word.startsWith("--")) {
      words.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    const takes = WITH_VALUE.includes(name);
    if (!takes && equals >= 0) return err(`option '${name}' takes no value`);
    const value = takes ? (equals < 0 ? argv[++index] : word.slice(equals + 1)) : "";
    if (value === undefined) return err(`option '${name}' needs a value`);
    switch (name) {
      case "--help":
        given.help = true;
        break;
      case "--show":
        given.show = value;
        break;
      case "--base":
        if (value.includes("#")) return err("the address in front ends before its #");
        given.base = value;
        break;
      case "--readable":
        given.readable = true;
        break;
      case "--no-autoplay":
        given.autoplay = false;
        break;
      case "--embed":
        given.embed = true;
        break;
      case "--lesson":
        given.lesson = value;
        break;
      case "--guest":
        if (!isGuestSession(value)) return err(`there is no session '${value}' of Linux; there are ${GUEST_SESSIONS.join(", ")}`);
        given.guest = value;
        break;
      case "--step":
        if (!/^\d{1,5}$/.test(value)) return err(`'${value}' is no number of commands`);
        given.step = Number(value);
        break;
      default:
        return err(`unknown option '${name}'`);
    }
  }
  if (given.help) return ok(given);
  const most = given.show === null ? 1 : 0;
  if (words.length > most) return err(`unexpected argument '${words[most]!}'`);
  if (words.length < most) {
    if (given.guest === null && given.lesson === null) return err("name a file of console lines, or - for standard input");
    if (given.step !== null || !given.autoplay || given.embed || given.readable) return err("--step, --no-autoplay, --embed and --readable are about commands: name a file of them");
  }
  if (given.guest !== null && given.embed) return err("a frame has no terminal: --embed and --guest exclude each other");
  return ok({ ...given, file: words[0] ?? "" });
}
