/**
 * The fields of a header and of its extensions in words: what each is for and what its value says. Names of features are the
 * specification's; text out of the file is shown by visibleText. Source: qcow2 specification; zoned format, "Three layouts".
 */
import type { ExtensionFacts, FieldFacts, HeaderReport, Validity } from "../protocol/index.ts";
import { exact, exactBytes, hex, integer } from "./format.ts";
import { visibleText } from "./visible-text.ts";

const at = (value: number): string => (value === 0 ? "none" : `at byte ${hex(value)} of the file`);
const size = (value: number): string => exactBytes(value);
const plain = (value: number): string => integer(value);

interface Words {
  readonly meaning: string;
  /** What the value says, where its digits do not. */
  readonly says?: (value: number) => string;
}

const HEADER: Readonly<Record<string, Words>> = {
  magic: { meaning: "Marks the file as an image of QEMU's copy-on-write format.", says: (value) => hex(value) },
  version: { meaning: "Version of the format; 3 has feature bits.", says: (value) => (value === 2 ? "2 (compat 0.10)" : value === 3 ? "3 (compat 1.1)" : plain(value)) },
  backing_file_offset: { meaning: "Where the backing file's name stands.", says: at },
  backing_file_size: { meaning: "Length of the backing file's name.", says: size },
  cluster_bits: { meaning: "Size of a cluster, the unit in which everything is placed, as a power of two.", says: (value) => (value < 53 ? `2^${value}: ${exactBytes(2 ** value)}` : plain(value)) },
  size: { meaning: "Size of the guest's disk.", says: size },
  crypt_method: { meaning: "How the data is encrypted.", says: (value) => ["0 (not at all)", "1 (AES, which is no longer thought safe)", "2 (LUKS)"][value] ?? plain(value) },
  l1_size: { meaning: "Entries of the active L1 table, each of which leads to an L2 table.", says: plain },
  l1_table_offset: { meaning: "Where the active L1 table lies.", says: at },
  refcount_table_offset: { meaning: "Where the refcount table lies, which leads to the refcount blocks.", says: at },
  refcount_table_clusters: { meaning: "Clusters that the refcount table takes.", says: plain },
  nb_snapshots: { meaning: "Internal snapshots in the image.", says: plain },
  snapshots_offset: { meaning: "Where the snapshot table lies.", says: at },
  incompatible_features: { meaning: "Features that a program must know to open the image at all." },
  compatible_features: { meaning: "Features that a program may ignore." },
  autoclear_features: { meaning: "Features that a program must clear when it writes without knowing them." },
  refcount_order: { meaning: "Width of a refcount in bits, as a power of two.", says: (value) => (value <= 6 ? `2^${value}: ${2 ** value} bits` : plain(value)) },
  header_length: { meaning: "Length of the header; the extensions follow it.", says: size },
  compression_type: { meaning: "How compressed clusters are compressed.", says: (value) => ["0 (zlib)", "1 (zstd)"][value] ?? plain(value) },
  padding: { meaning: "Zeros up to a multiple of 8 bytes." },
  "fields beyond those known": { meaning: "A later version of the format has more fields; what they mean is not known here." },
  "backing file name": { meaning: "The file whose bytes are shown where this image has none of its own." },
};

const ZONED: Readonly<Record<string, Words>> = {
  zoned: { meaning: "The kind of zoned device.", says: (value) => (value === 0 ? "0 (none)" : value === 1 ? "1 (host-managed)" : plain(value)) },
  zone_size: { meaning: "From one zone's start to the next.", says: size },
  zone_capacity: { meaning: "How much of a sequential zone can be written.", says: size },
  nr_conv_zones: { meaning: "Conventional zones, the first ones, which take writes anywhere.", says: plain },
  conventional_zones: { meaning: "Conventional zones, the first ones, which take writes anywhere.", says: plain },
  nr_zones: { meaning: "Zones of the disk.", says: plain },
  max_active_zones: { meaning: "Zones that may be open or closed at once.", says: (value) => (value === 0 ? "0 (no limit)" : plain(value)) },
  max_open_zones: { meaning: "Zones that may be open at once.", says: (value) => (value === 0 ? "0 (no limit)" : plain(value)) },
  max_append_sectors: { meaning: "The largest append, in sectors of 512 bytes.", says: (value) => (value === 0 ? "0 (no append)" : `${plain(value)}: ${exactBytes(value * 512)}`) },
  max_append_bytes: { meaning: "The largest append.", says: (value) => (value === 0 ? "0 (no append)" : size(value)) },
  zonedmeta_offset: { meaning: "Where the write pointers lie.", says: at },
  zonedmeta_size: { meaning: "Length of the write pointers, 8 bytes a zone.", says: size },
};

const OTHERS: Readonly<Record<string, Words>> = {
  "backing file format name": { meaning: "The backing file's format; without it a program has to guess." },
  "external data file name": { meaning: "The file that has the disk's data." },
  type: { meaning: "Which of the three feature fields a name is for.", says: (value) => ["incompatible", "compatible", "autoclear"][value] ?? plain(value) },
  bit: { meaning: "The bit that the name is for.", says: plain },
  name: { meaning: "What the image calls the feature; nobody vouches for it." },
  nb_bitmaps: { meaning: "Persistent bitmaps in the image.", says: plain },
  reserved: { meaning: "Zero." },
  bitmap_directory_size: { meaning: "Length of the bitmap directory.", says: size },
  bitmap_directory_offset: { meaning: "Where the bitmap directory lies.", says: at },
  offset: { meaning: "Where the encryption header lies.", says: at },
  length: { meaning: "Length of the encryption header.", says: size },
  data: { meaning: "Bytes whose meaning is not known here." },
};

export interface FieldWords {
  readonly meaning: string;
  /** The value in words: "16 MiB (16777216 bytes)", "dirty bit, bit 9 (unknown)". */
  readonly says: string;
}

/** A field of the header, or of an extension of that kind. */
export function fieldWords(field: FieldFacts, extension: ExtensionFacts["kind"] | null = null): FieldWords {
  const table = extension === null ? HEADER : extension === "zoned" ? { ...OTHERS, ...ZONED } : OTHERS;
  const words = Object.hasOwn(table, field.field) ? table[field.field]! : { meaning: "" };
  return { meaning: words.meaning, says: saysOf(field, words) };
}

function saysOf({ field, value, text, bits, hex: raw, lengthBytes }: FieldFacts, { says }: Words): string {
  if (text !== null) return `"${visibleText(text)}"`;
  if (field.endsWith("_features")) return bits.length === 0 ? "none" : bits.map(bitWords).join(", ");
  if (value === null) return lengthBytes * 2 > raw.length ? `${raw}…` : raw;
  const number = Number(value);
  // Beyond 2^53 only the digits are exact.
  return says === undefined || !Number.isSafeInteger(number) ? value : says(number);
}

function bitWords({ bit, name, ownName }: FieldFacts["bits"][number]): string {
  const own = ownName === null || ownName === name ? "" : ` (the image calls it "${visibleText(ownName)}")`;
  return name === null ? `bit ${bit}, unknown here${own}` : `${name}${own}`;
}

const EXTENSIONS: Readonly<Record<ExtensionFacts["kind"], Words>> = {
  "backing-format": { meaning: "Backing file format" },
  "feature-names": { meaning: "Feature name table" },
  bitmaps: { meaning: "Persistent bitmaps" },
  "encryption-header": { meaning: "Full disk encryption header" },
  "data-file-name": { meaning: "External data file name" },
  zoned: { meaning: "Zoned device" },
  end: { meaning: "End of the extensions" },
  unknown: { meaning: "Unknown extension" },
};

/** "Zoned device (0x007a6264)" */
export const extensionTitle = ({ kind, magic }: ExtensionFacts): string => `${EXTENSIONS[kind].meaning} (0x${magic.toString(16).padStart(8, "0")})`;

const VALIDITY: Readonly<Record<Validity, string>> = {
  valid: "as it should be",
  odd: "allowed, and worth a look",
  invalid: "cannot be",
  unknown: "not known here",
};
export const validityWords = (validity: Validity): string => VALIDITY[validity];

/** Which dialect and what told it, in one sentence; null for an image without zones. */
export function dialectSentence({ zoned }: HeaderReport): string | null {
  if (zoned === null) return null;
  const bit = `incompatible feature bit 5 is ${zoned.featureBit ? "set" : "clear"}`;
  return `The zones are of dialect ${zoned.dialect}: the extension is ${exact(zoned.lengthBytes)} bytes long, and ${bit}.`;
}

/** What is missing and where to put it; null where nothing is. */
export function needsSentence({ needs }: HeaderReport): string | null {
  const missing = needs.filter(({ found }) => found === null);
  if (missing.length === 0) return null;
  const named = missing.map(({ role, name }) => `the ${role === "backing" ? "backing" : "data"} file "${visibleText(name)}"`).join(" and ");
  return `The image stands on ${named}, which ${missing.length === 1 ? "is" : "are"} not there: open ${missing.length === 1 ? "it" : "them"} together with the image to see the whole disk.`;
}
