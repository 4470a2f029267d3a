/** qemu-img info, for people and as JSON, with what the zoned extension says. */
import type { DeviceFacts, ImageSource, Outcome, ReplyOf, SnapshotFacts } from "../protocol/index.ts";
import { imgSize, imgSizeExact } from "./format.ts";
import { factJsonPieces, factLines, formatSpecific } from "./image-facts.ts";
import type { FactTree, FactValue } from "./image-facts.ts";
import { explained, hasMoreToSay, openFailureWords } from "./explain.ts";
import { sourceOfName } from "./image-source.ts";
import { READING_OPTIONS, closeRead, imageToRead, longOptions, namesGiven, optionValue, sourceGiven } from "./img-open.ts";
import type { ReadImage } from "./img-open.ts";
import { imgError } from "./img-words.ts";
import type { NodeName } from "./node-names.ts";
import { call, printed } from "./program.ts";
import type { Program } from "./program.ts";
import type { ImgCommand } from "./qemu-img.ts";
import { snapshotLines, snapshotTrees } from "./snapshot-list.ts";

const SECTOR = 512;

export const imageInfo: ImgCommand = {
  name: "info",
  args: "[-f fmt] [--output=human|json] [-b] [-U] [--image-opts] filename",
  oneline: "tells what an image is, its zones included",
  shorts: "hf:bU",
  longs: [...READING_OPTIONS, ...longOptions({ "backing-chain": "b" })],
  *run(given): Program {
    const asked = yield* imageToRead(given);
    if (asked === null) return 1;
    const source = yield* sourceGiven(given, asked.word);
    if (source === null) return 1;
    const whole = optionValue(given, "b") !== null;
    const looked = yield* lookAt(source, asked.word, whole);
    if (looked === null) return 1;
    const top = yield* lookInside(source, looked[0]!, namesGiven(given, asked.word, looked[0]!.facts.image.format));
    if (top === null) return 1;
    looked[0] = top;
    if (asked.output === "human") {
      for (const [index, image] of looked.entries()) yield* printed(humanInfo(image), index === looked.length - 1 ? "" : "\n");
    } else {
      const trees = looked.map(jsonInfo);
      yield* printed(factJsonPieces(whole ? trees : trees[0]!), "\n");
    }
    return 0;
  },
};

interface Looked {
  readonly file: string;
  readonly facts: DeviceFacts;
  readonly snapshots: readonly SnapshotFacts[];
  /** Where the image is a file's bytes, or nothing, by its driver alone and no format's: that driver. */
  readonly driver?: string;
  /** What the image stands on where that is not the file that is named. */
  readonly standsOn?: NodeName;
  /** The node in whose disk it lies; absent where that is the file. */
  readonly inside?: Looked;
}

interface Next {
  readonly source: ImageSource;
  /** What named it, for a failure. */
  readonly word: string;
  /** The image in whose header the name stands; null for the one that was asked for. */
  readonly beside: string | null;
}

/** What is told of an image and, with `whole`, of each that it stands on, from the top; null after a failure was printed. */
function* lookAt(top: ImageSource, word: string, whole: boolean): Program<Looked[] | null> {
  const looked: Looked[] = [];
  let next: Next | null = { source: top, word, beside: null };
  while (next !== null) {
    const { source, beside }: Next = next;
    const opened: Outcome<"open"> = yield* call("open", { ...source, readOnly: true, inspect: true, ...(beside === null ? {} : { beside }) });
    if (!opened.ok) {
      yield imgError(`Could not open '${next.word}': ${openFailureWords(beside === null ? source.file : next.word, opened.error)}`);
      if (hasMoreToSay(opened.error)) yield explained(opened.error);
      return null;
    }
    const { facts, handle }: ReplyOf<"open"> = opened.value;
    const image: ReadImage = { handle, file: facts.image.file, facts };
    const { file } = image;
    looked.push({ file, facts, snapshots: yield* snapshotsOf(image) });
    yield* closeRead(image);
    const { backingFile, backingFormat, fullBackingFile }: DeviceFacts["image"] = facts.image;
    if (!whole || backingFile === null) return looked;
    const name = fullBackingFile ?? backingFile;
    if (looked.some((above) => above.file === name)) {
      yield imgError(`Backing file '${name}' creates an infinite loop.`);
      return null;
    }
    const named = sourceOfName("backing", backingFormat);
    if (!named.ok) {
      yield imgError(`Could not open '${name}': ${named.error}`);
      return null;
    }
    next = { source: { ...named.value.source, file: backingFile }, word: name, beside: file };
  }
  return looked;
}

/** An image with its nodes, each with its name: that in whose disk it lies is looked at as well; null after a failure was printed. @param names from the image on, null where they are the file's */
function* lookInside(source: ImageSource, image: Looked, names: readonly NodeName[] | null): Program<Looked | null> {
  const [own, below] = names ?? [];
  if (own === undefined) return image;
  if (below === undefined) return { ...image, file: own.name, driver: own.driver };
  const named = { ...image, file: own.name };
  if (source.inside === undefined) return { ...named, standsOn: below };
  const looked = yield* lookAt(source.inside, source.inside.file, false);
  const inside = looked === null ? null : yield* lookInside(source.inside, looked[0]!, names!.slice(1));
  return inside === null ? null : { ...named, inside };
}

/** The image's internal snapshots; none where their table cannot be read, which is explained. */
function* snapshotsOf({ handle, facts }: ReadImage): Program<readonly SnapshotFacts[]> {
  if (facts.image.snapshotCount === 0) return [];
  const listed = yield* call("listSnapshots", { handle });
  if (listed.ok) return listed.value;
  yield explained(listed.error);
  return [];
}

/** The lines of `qemu-img info`, some at a time. @param path of the node on which the image stands */
function* humanInfo(looked: Looked, path = "/file"): Generator<string, void, void> {
  const { file, facts, snapshots, driver, inside } = looked;
  const { image } = facts;
  const diskSize = typeof image.allocatedSize === "number" ? imgSize(image.allocatedSize) : "unavailable";
  const specific = formatSpecific(facts);
  yield `image: ${file}\nfile format: ${driver ?? image.format}\nvirtual size: ${imgSizeExact(image.virtualSize)}\ndisk size: ${diskSize}\n`;
  if (image.encryption !== null) yield "encrypted: yes\n";
  if (image.format === "qcow2") yield `cluster_size: ${image.clusterSize}\n`;
  if (image.dirty) yield "cleanly shut down: no\n";
  if (image.backingFile !== null) yield backingLines(image.backingFile, image);
  yield* snapshotLines(snapshots);
  if (specific !== null) {
    yield "Format specific information:\n";
    yield* factLines(specific, 1);
  }
  if (driver !== undefined) return;
  yield `Child node '${path}':\n`;
  const { name, driver: protocol } = below(looked);
  const own = [`filename: ${name}\nprotocol type: ${protocol}\nfile length: ${imgSizeExact(fileLength(facts))}\ndisk size: ${diskSize}\n`];
  for (const lines of inside === undefined ? own : humanInfo(inside, `${path}/file`)) yield lines.replace(/^(?=.)/gm, "    ");
}

/** What an image stands on, by its name. */
const below = ({ facts, standsOn }: Looked): NodeName => standsOn ?? { name: facts.image.file, driver: "file" };

function backingLines(name: string, { fullBackingFile, backingFormat }: DeviceFacts["image"]): string {
  const actual = fullBackingFile === null || fullBackingFile === name ? "" : ` (actual path: ${fullBackingFile})`;
  return `backing file: ${name}${actual}\n${backingFormat === null ? "" : `backing file format: ${backingFormat}\n`}`;
}

/** QEMU knows files in whole sectors. */
const fileLength = (facts: DeviceFacts): number => Math.ceil(facts.image.fileSize / SECTOR) * SECTOR;

/** The object of `qemu-img info --output=json`. */
function jsonInfo(looked: Looked): FactTree {
  const { file, facts, snapshots, driver, inside } = looked;
  const { image } = facts;
  const actual: FactTree = typeof image.allocatedSize === "number" ? { "actual-size": image.allocatedSize } : {};
  const specific = formatSpecific(facts);
  const { name, driver: protocol } = below(looked);
  const standsOn: FactTree = { children: [], "virtual-size": fileLength(facts), filename: name, format: protocol, ...actual, ...protocolSpecific(protocol) };
  const children: FactTree[] = driver === undefined ? [{ name: "file", info: inside === undefined ? standsOn : jsonInfo(inside) }] : [];
  const tree: Record<string, FactValue> = { children };
  if (image.backingFormat !== null && image.backingFile !== null) tree["backing-filename-format"] = image.backingFormat;
  if (snapshots.length > 0) tree["snapshots"] = snapshotTrees(snapshots);
  Object.assign(tree, { "virtual-size": image.virtualSize, filename: file });
  if (image.format === "qcow2") tree["cluster-size"] = image.clusterSize;
  tree["format"] = driver ?? image.format;
  Object.assign(tree, actual);
  if (driver !== undefined) return { ...tree, ...protocolSpecific(driver) };
  if (specific !== null) tree["format-specific"] = { type: "qcow2", data: specific };
  if (image.backingFile !== null) {
    if (image.fullBackingFile !== null) tree["full-backing-filename"] = image.fullBackingFile;
    tree["backing-filename"] = image.backingFile;
  }
  if (image.encryption !== null) tree["encrypted"] = true;
  tree["dirty-flag"] = image.dirty;
  return tree;
}

/** Of a node of nothing there is nothing to be told. */
const protocolSpecific = (driver: string): FactTree => (driver === "file" ? { "format-specific": { type: "file", data: {} }, "dirty-flag": false } : {});
