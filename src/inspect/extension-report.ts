/**
 * Header extensions, each with what it says; those that nobody knows with their bytes. Goes through them by itself, so that one that
 * cannot be does not hide those before it. Source: qcow2 specification, "Header extensions"; zoned format, "Three layouts".
 */
import { imageProblem } from "../base/fault.ts";
import type { ImageProblem } from "../base/fault.ts";
import { viewOf } from "../base/view.ts";
import type { ExtensionFacts, FieldFacts } from "../protocol/inspect.ts";
import { FEATURE_NAME_BYTES, hasBit } from "../qcow2/features.ts";
import { BACKING_FORMAT_MAGIC, BITMAPS_MAGIC, DATA_FILE_MAGIC, ENCRYPTION_MAGIC, FEATURE_NAMES_MAGIC, MAX_FORMAT_NAME } from "../qcow2/header.ts";
import type { Header } from "../qcow2/header.ts";
import { ZONED_EXTENSION_MAGIC, ZONED_FEATURE_BIT, decodeZonedExtension, dialectFields, dialectOf } from "../zoned/dialect.ts";
import { fieldFacts } from "./fields.ts";

const KINDS: ReadonlyMap<number, ExtensionFacts["kind"]> = new Map<number, ExtensionFacts["kind"]>([
  [0, "end"],
  [BACKING_FORMAT_MAGIC, "backing-format"],
  [FEATURE_NAMES_MAGIC, "feature-names"],
  [BITMAPS_MAGIC, "bitmaps"],
  [ENCRYPTION_MAGIC, "encryption-header"],
  [DATA_FILE_MAGIC, "data-file-name"],
  [ZONED_EXTENSION_MAGIC, "zoned"],
]);
const HEAD_BYTES = 8;
/** More extensions, or names in a table of features, than any program writes. */
const MOST_EXTENSIONS = 256;
const MOST_NAMES = 256;

interface Extension {
  readonly data: Uint8Array;
  /** Host offset of the data. */
  readonly at: number;
}
interface Surroundings {
  readonly header: Header | null;
  readonly featureBit: boolean;
  readonly fileLength: number;
}

/**
 * @param cluster the first cluster, or what there is of it
 * @param header null where a reader would not take it; extensions are then looked for where its length says
 */
export function extensionFacts(cluster: Uint8Array, header: Header | null, fileLength: number): ExtensionFacts[] {
  const view = viewOf(cluster);
  const version = cluster.length >= 104 ? view.getUint32(4) : 2;
  const start = version < 3 ? 72 : view.getUint32(100);
  if (start < 72) return [];
  const backingAt = cluster.length >= 16 ? Number(view.getBigUint64(8)) : 0;
  const end = backingAt >= start && backingAt <= cluster.length ? backingAt : cluster.length;
  const featureBit = version >= 3 && hasBit(view.getBigUint64(72), ZONED_FEATURE_BIT);
  const facts: ExtensionFacts[] = [];
  let at = start;
  while (at + HEAD_BYTES <= end) {
    const [magic, lengthBytes] = [view.getUint32(at), view.getUint32(at + 4)];
    const kind = KINDS.get(magic) ?? "unknown";
    const room = end - at - HEAD_BYTES;
    if (lengthBytes > room || (kind !== "end" && facts.length === MOST_EXTENSIONS)) {
      const problem =
        lengthBytes > room
          ? imageProblem("header", "length of header extension", at + 4, lengthBytes, `at most the ${room} bytes left for extensions`)
          : imageProblem("header", "header extensions", at, `more than ${MOST_EXTENSIONS}`, `${MOST_EXTENSIONS}; those behind are not shown`);
      return [...facts, { magic, kind, hostOffset: at, lengthBytes, fields: [], problem }];
    }
    if (kind === "end") return [...facts, { magic, kind, hostOffset: at, lengthBytes, fields: [], problem: null }];
    const extension = { data: cluster.subarray(at + HEAD_BYTES, at + HEAD_BYTES + lengthBytes), at: at + HEAD_BYTES };
    facts.push({ magic, kind, hostOffset: at, lengthBytes, ...contentOf(kind, extension, { header, featureBit, fileLength }) });
    at += HEAD_BYTES + Math.ceil(lengthBytes / 8) * 8;
  }
  if (at >= end) return facts;
  const problem = imageProblem("header", "header extensions", at, `${end - at} bytes left`, "an end mark, or nothing left for extensions");
  return [...facts, { magic: 0, kind: "end", hostOffset: at, lengthBytes: 0, fields: [], problem }];
}

type Content = Pick<ExtensionFacts, "fields" | "problem">;

function contentOf(kind: ExtensionFacts["kind"], extension: Extension, surroundings: Surroundings): Content {
  const { data, at } = extension;
  switch (kind) {
    case "backing-format": {
      const problem = data.length > MAX_FORMAT_NAME ? imageProblem("header", "length of the backing format", at - 4, data.length, `at most ${MAX_FORMAT_NAME}`) : null;
      return { fields: [fieldFacts("backing file format name", data, at, { text: true })], problem };
    }
    case "data-file-name":
      return { fields: [fieldFacts("external data file name", data, at, { text: true })], problem: null };
    case "feature-names":
      return { fields: featureNames(extension), problem: null };
    case "bitmaps":
      return numbers(extension, "bitmaps extension", [["nb_bitmaps", 0, 4], ["reserved", 4, 4], ["bitmap_directory_size", 8, 8], ["bitmap_directory_offset", 16, 8]]);
    case "encryption-header":
      return numbers(extension, "encryption header", [["offset", 0, 8], ["length", 8, 8]]);
    case "zoned":
      return zonedContent(extension, surroundings);
    case "end":
    case "unknown":
      return { fields: data.length === 0 ? [] : [fieldFacts("data", data, at, { validity: "unknown" })], problem: null };
  }
}

function numbers({ data, at }: Extension, structure: string, places: readonly (readonly [string, number, number])[]): Content {
  const needed = Math.max(...places.map(([, byte, width]) => byte + width));
  const fields = places.filter(([, byte, width]) => byte + width <= data.length).map(([name, byte, width]) => fieldFacts(name, data.subarray(byte, byte + width), at + byte, name === "reserved" && data.subarray(byte, byte + width).some((value) => value !== 0) ? { validity: "invalid" } : {}));
  return { fields, problem: data.length === needed ? null : imageProblem(structure, "length", at - 4, data.length, `${needed} bytes`) };
}

function featureNames({ data, at }: Extension): FieldFacts[] {
  const fields: FieldFacts[] = [];
  for (let byte = 0; byte + 2 < data.length && fields.length < 3 * MOST_NAMES; byte += FEATURE_NAME_BYTES) {
    const raw = data.subarray(byte + 2, byte + FEATURE_NAME_BYTES);
    const end = raw.indexOf(0);
    fields.push(
      fieldFacts("type", data.subarray(byte, byte + 1), at + byte, { validity: data[byte]! <= 2 ? "valid" : "unknown" }),
      fieldFacts("bit", data.subarray(byte + 1, byte + 2), at + byte + 1, { validity: data[byte + 1]! < 64 ? "valid" : "odd" }),
      fieldFacts("name", end < 0 ? raw : raw.subarray(0, end), at + byte + 2, { text: true }),
    );
  }
  return fields;
}

function zonedContent({ data, at }: Extension, { header, featureBit, fileLength }: Surroundings): Content {
  const dialect = dialectOf(data.length, featureBit);
  // What surrounds the extension bounds it; without a header that is believed only its layout can be told.
  const context = header && { hostOffset: at, featureBit, deviceSize: header.virtualSize, clusterSize: header.clusterSize, fileLength };
  const decoded = context === null ? null : decodeZonedExtension(data, context);
  const problem: ImageProblem | null = decoded !== null && !decoded.ok ? decoded.error : null;
  if (dialect === null) return { fields: [fieldFacts("data", data, at, { validity: "unknown" })], problem };
  const fields = dialectFields(dialect).map(([name, byte, width]) => {
    const own = problem?.hostOffset === at + byte ? problem : null;
    return fieldFacts(name, data.subarray(byte, byte + width), at + byte, { problem: own, validity: own !== null ? "invalid" : decoded === null ? "unknown" : "valid" });
  });
  return { fields, problem };
}
