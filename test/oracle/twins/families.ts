/** The families of scripts, by name: each draws one from a seed. */
import { drawChanging, drawReading } from "./draw-img.ts";
import { drawFolder } from "./draw-images.ts";
import { drawSession } from "./draw-io.ts";
import { drawLie } from "./lies.ts";
import { drawMending, drawOptions } from "./draw-options.ts";
import type { Command, Family } from "./twin.ts";

/** Anything that is done to sound images. */
const sequences: Family = (random) => {
  const folder = drawFolder(random);
  const trial: Command[] = [];
  for (let count = 2 + random.below(6); count > 0; count--) {
    const image = random.chance(0.7) ? folder.images[0]! : random.pick(folder.images);
    trial.push(random.pick([drawReading, drawChanging, () => drawSession(random, image)])(random, folder, image));
  }
  return { prepare: folder.prepare, trial, images: [...folder.images.map(({ file }) => file), "out.qcow2", "new.qcow2"], header: ["a.qcow2"], raws: [...folder.raws, "dd.out", "out2.qcow2"].filter((file) => !file.startsWith("out")), holes: true, eachStep: true };
};

/** One field that lies, and what only reads. */
const lies: Family = (random) => {
  const folder = drawFolder(random);
  const image = folder.images[0]!;
  const trial: Command[] = [];
  for (let count = 5; count > 0; count--) {
    const drawn = random.chance(0.75) ? drawReading(random, folder, image) : drawSession(random, image);
    trial.push(drawn.program === "qemu-io" && !drawn.argv.includes("-r") ? { ...drawn, argv: ["-r", ...drawn.argv] } : drawn);
  }
  return { prepare: [...folder.prepare, { file: image.file, damage: drawLie(random) }], trial, images: [], holes: true };
};

/** The options that are seldom used, over sound images. */
const options: Family = (random) => {
  const folder = drawFolder(random);
  const trial: Command[] = [];
  for (let count = 3 + random.below(5); count > 0; count--) trial.push(drawOptions(random, folder, random.chance(0.6) ? folder.images[0]! : random.pick(folder.images)));
  return { prepare: folder.prepare, trial, images: [...folder.images.map(({ file }) => file), "out.qcow2", "new.qcow2"], header: ["a.qcow2"], raws: [...folder.raws, "dd.out", "n.data"], holes: true, eachStep: true };
};

/** One field that lies, and what writes: repairs, snapshots, other sizes, guests. */
const mends: Family = (random) => {
  const folder = drawFolder(random);
  const image = folder.images[0]!;
  const trial: Command[] = [];
  for (let count = 3; count > 0; count--) trial.push(drawMending(random, image));
  return { prepare: [...folder.prepare, { file: image.file, damage: drawLie(random) }], trial, images: [image.file], raws: folder.raws, holes: true, eachStep: true };
};

export const FAMILIES = { sequences, lies, options, mends } as const satisfies Readonly<Record<string, Family>>;
export type FamilyName = keyof typeof FAMILIES;
