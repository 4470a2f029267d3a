/** The programs of the command language by name: what a line of the console or of a shell may start with. */
import type { Program } from "./program.ts";
import { qemuImg } from "./qemu-img.ts";
import { qemuIo } from "./qemu-io.ts";

export interface ProgramContext {
  /** Milliseconds on a clock that only goes forward. */
  readonly now: () => number;
}

export interface NamedProgram {
  readonly name: string;
  readonly oneline: string;
  /** Words that may come first behind the name, for completion. */
  readonly words: readonly string[];
  readonly run: (argv: readonly string[], context: ProgramContext) => Program;
}

export const PROGRAMS: readonly NamedProgram[] = [
  { name: "qemu-img", oneline: "makes images and tells what they are", words: ["create", "info"], run: (argv) => qemuImg(argv) },
  { name: "qemu-io", oneline: "runs commands on an image", words: ["-c", "-f", "-r"], run: qemuIo },
];

export const findProgram = (name: string): NamedProgram | null => PROGRAMS.find((program) => program.name === name) ?? null;
