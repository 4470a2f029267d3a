/** What the options mean that several commands of qemu-io have: said once, so that help and pages never say two things of one letter. */

const NO_EFFECT = "taken and without effect";

const MEANINGS = {
  C: "report in a machine parsable format",
  f: "durable when the command returns",
  i: "do nothing: an invalid request, which here only says so",
  p: NO_EFFECT,
  q: "print nothing",
  r: NO_EFFECT,
  u: "with -z, give the space back",
  z: "write zeros without storing them where that is possible",
} as const;

/** The meanings of these letters, in this order. */
export function meanings(...letters: readonly (keyof typeof MEANINGS)[]): Readonly<Record<string, string>> {
  return Object.fromEntries(letters.map((letter) => [letter, MEANINGS[letter]]));
}

/** -P of the commands that read, and of those that write. */
export const VERIFIED_BYTE = { P: "verify that every byte is this one" } as const;
export const WRITTEN_BYTE = { P: "the byte to write" } as const;
