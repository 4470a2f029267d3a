/** What a long run over broken images says while it goes on: how far it is, and what is wrong as soon as it is known. */
const EVERY_ROUNDS = 700;
let told = 0;

/**
 * Prints a line where `npm run fuzz` asked for it (FUZZ_PRINT): each finding once, and the count of images each 700 rounds.
 * @param part what meets the images, "commands" or "inspector"
 * @param name of the image of the corpus
 * @param round counted from 0, the one that just ended
 * @param wrong all findings of this image so far
 */
export function tellProgress(part: string, name: string, round: number, wrong: readonly string[]): void {
  if (process.env["FUZZ_PRINT"] === undefined) return;
  if (round === 0) told = 0;
  for (; told < wrong.length; told++) console.log(`${part}, ${name}: ${wrong[told]!}`);
  if ((round + 1) % EVERY_ROUNDS === 0) console.log(`${part}, ${name}: ${round + 1} mutants, ${wrong.length} wrong`);
}
