/** qemu-io's truncate: another size for the open disk, which qemu-img's resize gives a file. */
import type { Preallocation } from "../protocol/index.ts";
import { explain, explained, openFailureWords } from "./explain.ts";
import { qemuIoError } from "./io-open.ts";
import { SECTOR } from "./io-lengths.ts";
import { diskOf, factsOf } from "./io-session.ts";
import type { IoCommand } from "./io-session.ts";
import { call, out } from "./program.ts";
import { ioNumberWords, parseIoNumber } from "./sizes.ts";

const MODES: readonly Preallocation[] = ["off", "metadata", "falloc", "full"];

export const truncate: IoCommand = {
  name: "truncate",
  alias: "t",
  min: 1,
  max: 3,
  shorts: "m:",
  args: "[-m prealloc_mode] off",
  oneline: "truncates the current file at the given offset",
  more: {
    says: "gives the disk another size, in bytes",
    example: "truncate -m full 12M",
    does: "makes it 12 MiB long and writes what is new",
    options: { m: "what becomes of the new part: off, metadata, falloc or full; off where nothing is said" },
  },
  needs: "disk",
  writes: true,
  *run(session, args) {
    const mode = args.value("m") ?? "off";
    const preallocation = MODES.find((known) => known === mode);
    if (preallocation === undefined) {
      yield qemuIoError(`Invalid preallocation mode '${mode}'`);
      return "failed";
    }
    const word = args.words[0];
    if (word === undefined) return "usage";
    const size = parseIoNumber(word);
    if (!size.ok) {
      yield out(`${ioNumberWords(word, size.error)}\n`);
      return "failed";
    }
    const disk = diskOf(session);
    const facts = yield* factsOf(session);
    const current = facts?.image.virtualSize ?? 0;
    const qcow2 = facts?.image.format !== "raw";
    const mistake =
      qcow2 && size.value % SECTOR !== 0 ? `The new size must be a multiple of ${SECTOR}` : size.value < current && preallocation !== "off" ? "Preallocation can't be used for shrinking an image" : null;
    if (mistake !== null) {
      yield qemuIoError(mistake);
      return "failed";
    }
    const resized = yield* call("resize", { handle: disk.handle, sizeBytes: size.value, preallocation });
    if (resized.ok) {
      disk.facts = resized.value;
      return "ok";
    }
    const { error } = resized;
    yield qemuIoError(error.kind === "unsupported" ? explain(error).why.replace(/\.$/, "") : openFailureWords(disk.file, error));
    yield explained(error);
    return "failed";
  },
};
