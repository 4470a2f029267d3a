/**
 * The header as a report: every field with its bytes and how far it is to be believed, every extension, whether or not a reader would
 * take the image. Field names are those of the qcow2 specification, "Header".
 */
import { imageProblem } from "../base/fault.ts";
import type { ImageProblem } from "../base/fault.ts";
import { viewOf } from "../base/view.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import type { FeatureBit, FieldFacts, HeaderReport, NeededFile, Validity } from "../protocol/inspect.ts";
import { AUTOCLEAR_BITMAPS, AUTOCLEAR_RAW_EXTERNAL, INCOMPATIBLE_CORRUPT, INCOMPATIBLE_DIRTY, INCOMPATIBLE_EXTERNAL_DATA, KNOWN_FEATURES, bitsOf, decodeFeatureNames, hasBit } from "../qcow2/features.ts";
import type { FeatureKind, FeatureName } from "../qcow2/features.ts";
import { BITMAPS_MAGIC, DATA_FILE_MAGIC, FEATURE_NAMES_MAGIC, decodeClusterSize, decodeHeader } from "../qcow2/header.ts";
import type { Header } from "../qcow2/header.ts";
import { dataFileOf } from "../qcow2/header-names.ts";
import { ZONED_EXTENSION_MAGIC, ZONED_FEATURE_BIT, decodeZonedExtension, findZonedExtension } from "../zoned/dialect.ts";
import type { ZonedHeader } from "../zoned/dialect.ts";
import { extensionFacts } from "./extension-report.ts";
import { fieldFacts } from "./fields.ts";
import { headerProblems } from "./header-problems.ts";

type Place = readonly [field: string, at: number, lengthBytes: number];
const FIELDS_V2: readonly Place[] = [
  ["magic", 0, 4],
  ["version", 4, 4],
  ["backing_file_offset", 8, 8],
  ["backing_file_size", 16, 4],
  ["cluster_bits", 20, 4],
  ["size", 24, 8],
  ["crypt_method", 32, 4],
  ["l1_size", 36, 4],
  ["l1_table_offset", 40, 8],
  ["refcount_table_offset", 48, 8],
  ["refcount_table_clusters", 56, 4],
  ["nb_snapshots", 60, 4],
  ["snapshots_offset", 64, 8],
];
const FIELDS_V3: readonly Place[] = [
  ["incompatible_features", 72, 8],
  ["compatible_features", 80, 8],
  ["autoclear_features", 88, 8],
  ["refcount_order", 96, 4],
  ["header_length", 100, 4],
];
/** Fields that are there if the header is long enough. */
const FIELDS_MORE: readonly Place[] = [
  ["compression_type", 104, 1],
  ["padding", 105, 7],
];
const KNOWN_LENGTH = 112;
const FEATURE_FIELDS: ReadonlyMap<string, FeatureKind> = new Map<string, FeatureKind>([
  ["incompatible_features", "incompatible"],
  ["compatible_features", "compatible"],
  ["autoclear_features", "autoclear"],
]);
/** What the series calls its incompatible bit. */
const ZONED_FEATURE: FeatureName = { kind: "incompatible", bit: ZONED_FEATURE_BIT, name: "zoned format" };
const NAMES: readonly FeatureName[] = [...KNOWN_FEATURES, ZONED_FEATURE];
const FIRST_READ = 4096;

export interface InspectedHeader {
  readonly report: HeaderReport;
  /** null where a reader would not take it. */
  readonly header: Header | null;
  readonly zoned: ZonedHeader | null;
  /** As a check takes it, which deals with tables that are missing or too long; null where that is not to be believed either. */
  readonly toCheck: { readonly header: Header; readonly zoned: ZonedHeader | null } | null;
}

/** Reads the first cluster, or what there is of it, and reports what it says. */
export function inspectHeader(store: ByteStore): InspectedHeader {
  const fileLength = store.size();
  const cluster = firstCluster(store, fileLength);
  const decoded = decodeHeader(cluster, fileLength);
  const header = decoded.ok ? decoded.value : null;
  const { problems, stopped } = headerProblems(cluster, fileLength);
  const extensions = extensionFacts(cluster, header, fileLength);
  const zonedFound = header === null ? null : zonedOf(header, fileLength);
  const zoned = zonedFound !== null && zonedFound.ok ? zonedFound.value : null;
  const ownNames = header === null ? [] : namesIn(header);
  const unknown = header === null ? null : unknownFeatures(header);
  const context: FieldContext = { cluster, problems, stopped, header, ownNames, unknown };
  const problem = problems[0] ?? unknown ?? (zonedFound !== null && !zonedFound.ok ? zonedFound.error : null);
  const toCheck = headerToCheck(cluster, fileLength);
  return {
    report: {
      fields: headerFields(context),
      extensions,
      zoned: zoned && { dialect: zoned.dialect, lengthBytes: header!.extensions.find(({ magic }) => magic === ZONED_EXTENSION_MAGIC)!.data.length, featureBit: hasBit(header!.incompatible, ZONED_FEATURE_BIT) },
      problem,
      isForCheck: header === null && toCheck !== null,
      needs: header === null ? [] : needsOf(header),
    },
    header,
    zoned,
    toCheck,
  };
}

function headerToCheck(cluster: Uint8Array, fileLength: number): InspectedHeader["toCheck"] {
  const decoded = decodeHeader(cluster, fileLength, "check");
  if (!decoded.ok || unknownFeatures(decoded.value) !== null) return null;
  const found = zonedOf(decoded.value, fileLength);
  return found !== null && !found.ok ? null : { header: decoded.value, zoned: found === null ? null : found.value };
}

function firstCluster(store: ByteStore, fileLength: number): Uint8Array {
  const read = (lengthBytes: number): Uint8Array => {
    const bytes = new Uint8Array(Math.min(lengthBytes, fileLength));
    return bytes.subarray(0, store.read(0, bytes));
  };
  const start = read(FIRST_READ);
  const size = decodeClusterSize(start);
  if (!size.ok) return start;
  return size.value > start.length ? read(size.value) : start.subarray(0, size.value);
}

function zonedOf(header: Header, fileLength: number): ReturnType<typeof decodeZonedExtension> | null {
  const found = findZonedExtension(header.extensions);
  if (!found.ok) return found;
  const extension = found.value;
  if (extension === null) return null;
  const { virtualSize, clusterSize, incompatible } = header;
  return decodeZonedExtension(extension.data, { hostOffset: extension.hostOffset, featureBit: hasBit(incompatible, ZONED_FEATURE_BIT), deviceSize: virtualSize, clusterSize, fileLength });
}

function namesIn(header: Header): FeatureName[] {
  const table = header.extensions.findLast(({ magic }) => magic === FEATURE_NAMES_MAGIC);
  return table === undefined ? [] : decodeFeatureNames(table.data);
}

/** A set incompatible bit that nobody knows, or the zoned one without what it announces: every reader has to refuse. */
function unknownFeatures(header: Header): ImageProblem | null {
  const isZoned = header.extensions.some(({ magic }) => magic === ZONED_EXTENSION_MAGIC);
  const unread = bitsOf(header.incompatible).filter((bit) => (bit === ZONED_FEATURE_BIT ? !isZoned : nameOf("incompatible", bit) === null));
  if (unread.length === 0) return null;
  return imageProblem("header", "incompatible_features", 72, `bit ${unread.join(", ")}`, "bits that are known, bit 5 only beside a zoned extension");
}

const nameOf = (kind: FeatureKind, bit: number): string | null => NAMES.find((feature) => feature.kind === kind && feature.bit === bit)?.name ?? null;

interface FieldContext {
  readonly cluster: Uint8Array;
  readonly problems: readonly ImageProblem[];
  readonly stopped: boolean;
  readonly header: Header | null;
  readonly ownNames: readonly FeatureName[];
  readonly unknown: ImageProblem | null;
}

function headerFields(context: FieldContext): FieldFacts[] {
  const { cluster, header } = context;
  const view = viewOf(cluster);
  const version = cluster.length >= 8 ? view.getUint32(4) : 0;
  const headerLength = version < 3 || cluster.length < 104 ? 72 : Math.min(view.getUint32(100), cluster.length);
  const more = FIELDS_MORE.filter(([, at, lengthBytes]) => at + lengthBytes <= headerLength);
  const places = version < 3 ? FIELDS_V2 : [...FIELDS_V2, ...FIELDS_V3, ...more];
  const fields = places.filter(([, at, lengthBytes]) => at + lengthBytes <= cluster.length).map((place) => oneField(context, place));
  if (version >= 3 && headerLength > KNOWN_LENGTH) {
    fields.push(fieldFacts("fields beyond those known", cluster.subarray(KNOWN_LENGTH, headerLength), KNOWN_LENGTH, { validity: cluster.subarray(KNOWN_LENGTH, headerLength).every((byte) => byte === 0) ? "odd" : "unknown" }));
  }
  if (header !== null && header.backingFile !== null) {
    const [at, lengthBytes] = [Number(view.getBigUint64(8)), view.getUint32(16)];
    fields.push(fieldFacts("backing file name", cluster.subarray(at, at + lengthBytes), at, { text: true, validity: lengthBytes === 0 ? "odd" : "valid" }));
  }
  return fields;
}

function oneField(context: FieldContext, [field, at, lengthBytes]: Place): FieldFacts {
  const { cluster, problems, stopped, ownNames } = context;
  const kind = FEATURE_FIELDS.get(field);
  const bytes = cluster.subarray(at, at + lengthBytes);
  const bits: FeatureBit[] =
    kind === undefined
      ? []
      : bitsOf(viewOf(bytes).getBigUint64(0)).map((bit) => ({ bit, name: nameOf(kind, bit), ownName: ownNames.find((own) => own.kind === kind && own.bit === bit)?.name ?? null }));
  const problem = problems.find((found) => found.field === field && found.hostOffset === at) ?? (field === "incompatible_features" ? context.unknown : null);
  const isTrusted = !stopped || at < (problems.at(-1)?.hostOffset ?? 0);
  const validity: Validity = problem !== null && problem !== undefined ? (problem === context.unknown ? "unknown" : "invalid") : isTrusted ? believe(context, field, bits) : "unknown";
  return fieldFacts(field, bytes, at, { bits, validity, problem: problem ?? null });
}

/** What no rule forbids and is worth a look all the same. */
function believe({ cluster, header }: FieldContext, field: string, bits: readonly FeatureBit[]): Validity {
  const has = (bit: number): boolean => bits.some((set) => set.bit === bit);
  const anonymous = bits.some(({ name }) => name === null);
  const view = viewOf(cluster);
  switch (field) {
    case "incompatible_features":
      return has(INCOMPATIBLE_DIRTY) || has(INCOMPATIBLE_CORRUPT) ? "odd" : "valid";
    case "compatible_features":
      return anonymous ? "odd" : "valid";
    case "autoclear_features": {
      const without = header !== null && has(AUTOCLEAR_BITMAPS) && !header.extensions.some(({ magic }) => magic === BITMAPS_MAGIC);
      const rawAlone = header !== null && has(AUTOCLEAR_RAW_EXTERNAL) && !hasBit(header.incompatible, INCOMPATIBLE_EXTERNAL_DATA);
      return anonymous || without || rawAlone ? "odd" : "valid";
    }
    case "backing_file_size":
      return view.getBigUint64(8) === 0n && view.getUint32(16) !== 0 ? "odd" : "valid";
    case "snapshots_offset":
      return view.getUint32(60) === 0 && view.getBigUint64(64) !== 0n ? "odd" : "valid";
    case "crypt_method":
      return view.getUint32(32) === 1 ? "odd" : "valid";
    case "header_length":
      return view.getUint32(100) > KNOWN_LENGTH ? "odd" : "valid";
    case "padding":
      return cluster.subarray(105, KNOWN_LENGTH).every((byte) => byte === 0) ? "valid" : "odd";
    default:
      return "valid";
  }
}

/** Names of other files, as the header has them; whoever knows where files are says whether they are there. */
function needsOf(header: Header): NeededFile[] {
  const needs: NeededFile[] = [];
  if (header.backingFile !== null && header.backingFile !== "") needs.push({ role: "backing", name: header.backingFile, found: null });
  const external = hasBit(header.incompatible, INCOMPATIBLE_EXTERNAL_DATA);
  if (external && header.extensions.some(({ magic }) => magic === DATA_FILE_MAGIC)) needs.push({ role: "data", name: dataFileOf(header) ?? "", found: null });
  return needs;
}
