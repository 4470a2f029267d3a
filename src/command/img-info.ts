/** qemu-img info, for people and as JSON, with what the zoned extension says. */
import type { DeviceFacts, SnapshotFacts } from "../protocol/index.ts";
import { imgSize, imgSizeExact } from "./format.ts";
import { factJson, factLines, formatSpecific } from "./image-facts.ts";
import type { FactTree, FactValue } from "./image-facts.ts";
import { explained } from "./explain.ts";
import { READING_OPTIONS, closeRead, imageToRead, openToRead, optionValue } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { call, out } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { snapshotLines, snapshotTrees } from "./snapshot-list.ts";

const SECTOR = 512;

export const imageInfo: ImgCommand = {
  name: "info",
  args: "[-f fmt] [--output=human|json] [--image-opts] filename",
  oneline: "tells what an image is, its zones included",
  shorts: "hf:U",
  longs: [...READING_OPTIONS, { name: "backing-chain", takesValue: false, flag: "backing-chain" }],
  *run(given): Program {
    const asked = yield* imageToRead(given);
    if (asked === null) return 1;
    const image = yield* openToRead(given, asked.word);
    if (image === null) return 1;
    const { file, facts } = image;
    const snapshots = yield* snapshotsOf(image);
    if (asked.output === "human") yield out(humanInfo(file, facts, snapshots));
    else {
      const tree = jsonInfo(file, facts, snapshots);
      yield out(`${factJson(optionValue(given, "backing-chain") !== null ? [tree] : tree)}\n`);
    }
    yield* closeRead(image);
    return 0;
  },
};

/** The image's internal snapshots; none where their table cannot be read, which is explained. */
export function* snapshotsOf({ handle, facts }: ReadImage): Program<readonly SnapshotFacts[]> {
  if (facts.image.snapshotCount === 0) return [];
  const listed = yield* call("listSnapshots", { handle });
  if (listed.ok) return listed.value;
  yield explained(listed.error);
  return [];
}

/** The lines of `qemu-img info`. */
export function humanInfo(file: string, facts: DeviceFacts, snapshots: readonly SnapshotFacts[] = []): string {
  const { image } = facts;
  const diskSize = typeof image.allocatedSize === "number" ? imgSize(image.allocatedSize) : "unavailable";
  const specific = formatSpecific(facts);
  let text = `image: ${file}\nfile format: ${image.format}\nvirtual size: ${imgSizeExact(image.virtualSize)}\ndisk size: ${diskSize}\n`;
  if (image.format === "qcow2") text += `cluster_size: ${image.clusterSize}\n`;
  text += snapshotLines(snapshots);
  if (specific !== null) text += `Format specific information:\n${factLines(specific, 1)}`;
  text += `Child node '/file':\n    filename: ${file}\n    protocol type: file\n    file length: ${imgSizeExact(fileLength(facts))}\n    disk size: ${diskSize}\n`;
  return text;
}

/** QEMU knows files in whole sectors. */
const fileLength = (facts: DeviceFacts): number => Math.ceil(facts.image.fileSize / SECTOR) * SECTOR;

/** The object of `qemu-img info --output=json`. */
export function jsonInfo(file: string, facts: DeviceFacts, snapshots: readonly SnapshotFacts[] = []): FactTree {
  const { image } = facts;
  const actual: FactTree = typeof image.allocatedSize === "number" ? { "actual-size": image.allocatedSize } : {};
  const specific = formatSpecific(facts);
  const child: FactTree = {
    name: "file",
    info: {
      children: [],
      "virtual-size": fileLength(facts),
      filename: file,
      format: "file",
      ...actual,
      "format-specific": { type: "file", data: {} },
      "dirty-flag": false,
    },
  };
  const tree: Record<string, FactValue> = { children: [child] };
  if (snapshots.length > 0) tree["snapshots"] = snapshotTrees(snapshots);
  Object.assign(tree, { "virtual-size": image.virtualSize, filename: file });
  if (image.format === "qcow2") tree["cluster-size"] = image.clusterSize;
  tree["format"] = image.format;
  Object.assign(tree, actual);
  if (specific !== null) tree["format-specific"] = { type: "qcow2", data: specific };
  tree["dirty-flag"] = false;
  return tree;
}
