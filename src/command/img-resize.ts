/** qemu-img resize: absolute and relative sizes, and when a disk may become smaller. */
import type { Preallocation } from "../protocol/index.ts";
import { explained, explain, openFailureWords } from "./explain.ts";
import { IMAGE_OPTIONS, closeRead, openImage, optionValue, sourceGiven, longOptions } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { imgError, imgUsageError } from "./img-words.ts";
import { call, errorOut, out } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { parseSize } from "./sizes.ts";

const INT64_END = 2 ** 63;
const MODES: readonly Preallocation[] = ["off", "metadata", "falloc", "full"];

export const resizeImage: ImgCommand = {
  name: "resize",
  args: "[-f fmt] [--preallocation=mode] [-q] [--shrink] [--image-opts] filename [+|-]size",
  oneline: "gives a disk another size",
  shorts: "f:hq",
  longs: [
    ...IMAGE_OPTIONS,
    ...longOptions({ quiet: "q", shrink: "shrink" }, { format: "f", preallocation: "preallocation" }),
  ],
  // A size such as -1G is no option.
  lastIsWord: true,
  *run(given): Program {
    const mode = optionValue(given, "preallocation") ?? "off";
    const preallocation = MODES.find((known) => known === mode);
    if (preallocation === undefined) {
      yield imgError(`Invalid preallocation mode '${mode}'`);
      return 1;
    }
    const [word, size, extra] = given.words;
    if (word === undefined || size === undefined || extra !== undefined) {
      yield imgUsageError("Expecting image file name and size");
      return 1;
    }
    const sign = size.startsWith("+") ? 1 : size.startsWith("-") ? -1 : 0;
    const parsed = parseSize(sign === 0 ? size : size.slice(1));
    if (!parsed.ok) {
      if (parsed.error === "out-of-range") yield imgError(`Value '${sign === 0 ? size : size.slice(1)}' is out of range for parameter 'size'`);
      else yield imgError(
        "Parameter 'size' expects a non-negative number below 2^64\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.",
      );
      return 1;
    }
    const source = yield* sourceGiven(given, word, true);
    const image = source === null ? null : yield* openImage(source, word, true);
    if (image === null) return 1;
    const current = image.facts.image.virtualSize;
    const total = sign === 0 ? parsed.value : current + sign * parsed.value;
    const status = yield* resize(image, total, { preallocation, shrink: optionValue(given, "shrink") !== null, quiet: optionValue(given, "q") !== null });
    yield* closeRead(image);
    return status;
  },
};

interface Wish {
  readonly preallocation: Preallocation;
  readonly shrink: boolean;
  readonly quiet: boolean;
}

function* resize({ handle, file, facts }: ReadImage, total: number, { preallocation, shrink, quiet }: Wish): Program {
  const current = facts.image.virtualSize;
  if (total <= 0 || total >= INT64_END) {
    yield imgError("New image size must be positive");
    return 1;
  }
  if (total <= current && preallocation !== "off") {
    yield imgError("Preallocation can only be used for growing images");
    return 1;
  }
  if (total < current && !shrink) {
    yield imgError("Use the --shrink option to perform a shrink operation.");
    yield errorOut(
      "qemu-img: warning: Shrinking an image will delete all data beyond the shrunken image's end. Before performing such an operation, make sure there is no important data there.\n",
    );
    return 1;
  }
  if (preallocation === "metadata" && facts.image.format === "raw") {
    yield imgError("Unsupported preallocation mode: metadata");
    return 1;
  }
  const outcome = yield* call("resize", { handle, sizeBytes: total, preallocation });
  if (outcome.ok) {
    if (!quiet) yield out("Image resized.\n");
    return 0;
  }
  const { error } = outcome;
  yield imgError(error.kind === "unsupported" ? explain(error).why.replace(/\.$/, "") : openFailureWords(file, error));
  if (error.kind === "store" || error.kind === "bug") yield explained(error);
  return 1;
}
