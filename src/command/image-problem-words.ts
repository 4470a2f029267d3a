/**
 * A broken image in the words of QEMU's programs, by the structure and the field. Only what QEMU has a sentence of its own for stands
 * here; the rest is told with our own words (explain.ts), and those say more: where, what was found, what is allowed.
 */
import type { ImageProblem } from "../protocol/index.ts";
import type { Errno } from "./strerror.ts";

type Words = (problem: ImageProblem) => string;
const always =
  (text: string): Words =>
  () =>
    text;

const LEAST_HEADER = 104;

/** A type that is none, or one that the incompatible feature bit contradicts. */
function compressionWords({ found, allowed }: ImageProblem): string {
  if (found === "1" && allowed.startsWith("0 (zlib),")) return "qcow2: Compression type incompatible feature bit must be set";
  if (found === "0" && allowed.startsWith("1 (zstd),")) return "qcow2: Compression type incompatible feature bit must not be set";
  return `qcow2: unknown compression type: ${found}`;
}

const HEADER_WORDS: Readonly<Record<string, Words>> = {
  magic: always("Image is not in qcow2 format"),
  version: ({ found }) => `Unsupported qcow2 version ${found}`,
  cluster_bits: ({ found, allowed }) => (allowed.startsWith("at least") ? `Unsupported subcluster size: ${2 ** (Number(found) - 5)}` : `Unsupported cluster size: 2^${found}`),
  header_length: ({ found }) => (Number(found) < LEAST_HEADER ? "qcow2 header too short" : "qcow2 header exceeds cluster size"),
  backing_file_offset: always("Invalid backing file offset"),
  backing_file_size: always("Backing file name too long"),
  size: always("Image is too big"),
  l1_size: ({ allowed }) => (allowed.startsWith("at least") ? "L1 table is too small" : "Active L1 table too large"),
  l1_table_offset: always("Active L1 table offset invalid"),
  refcount_table_offset: always("Reference count table offset invalid"),
  refcount_table_clusters: ({ found }) => (found === "0" ? "Image does not contain a reference count table" : "Reference count table too large"),
  nb_snapshots: always("Snapshot table too large"),
  snapshots_offset: always("Snapshot table offset invalid"),
  refcount_order: always("Reference count entry width too large; may not exceed 64 bits"),
  compression_type: compressionWords,
  "encryption header's extension": always("CRYPTO header extension only expected with LUKS encryption method"),
  // Of 32 bits with a sign, there.
  crypt_method: ({ found }) => `Unsupported encryption method ${Number(found) | 0}`,
};

/** QEMU's sentence for a broken image, behind the program's and the file's name; null where it has none. */
export function qemuImageWords(problem: ImageProblem): string | null {
  if (problem.structure !== "header") return snapshotTableWords(problem)?.said ?? bitmapsWords(problem);
  if (problem.field === "length of the backing format") return `ERROR: ext_backing_format: len=${problem.found} too large (>=16)`;
  if (problem.field.startsWith("length of header extension")) return "Header extension too large";
  return HEADER_WORDS[problem.field]?.(problem) ?? null;
}

/** QEMU's words for bitmaps that keep an image from being opened; null for any other problem. */
function bitmapsWords({ structure, field, found }: ImageProblem): string | null {
  if (structure === "bitmaps extension") return EXTENSION_WORDS[field]?.(found) ?? null;
  if (structure.startsWith("bitmap directory entry ")) {
    if (field === "extra data size") return "Bitmap extra data is not supported";
    const name = /\('(.*)'\)$/s.exec(structure)?.[1];
    return name === undefined ? "Broken bitmap directory" : `Bitmap '${name}' doesn't satisfy the constraints`;
  }
  const name = /^bitmap '(.*)'$/s.exec(structure)?.[1];
  if (name === undefined) return null;
  return field === "table" ? `Could not read bitmap_table table from image for bitmap '${name}': Invalid argument` : `Could not read bitmap '${name}' from image: Invalid argument`;
}

const EXTENSION_WORDS: Readonly<Record<string, (found: string) => string>> = {
  "length": () => "bitmaps_ext: Invalid extension length",
  "reserved field": () => "bitmaps_ext: Reserved field is not zero",
  "number of bitmaps": (found) => (found === "0" ? "found bitmaps extension with zero bitmaps" : Number(found) > MOST_BITMAPS ? `bitmaps_ext: Image has ${found} bitmaps, exceeding the QEMU supported maximum of ${MOST_BITMAPS}` : "Broken bitmap directory"),
  "directory size": (found) => (found === "0" ? "Requested bitmap directory size is zero" : `bitmaps_ext: bitmap directory size (${found}) exceeds the maximum supported size (${1024 * MOST_BITMAPS})`),
  "directory offset": () => "bitmaps_ext: invalid bitmap directory offset",
  "too few bitmaps": () => "Less bitmaps found than specified in header extension",
  "too many bitmaps": () => "More bitmaps found than specified in header extension",
};

const MOST_BITMAPS = 65535;

/** What a reader says of a snapshot table beyond the limits, what a check says behind "ERROR ", and the errno of both. */
interface SnapshotTableWords {
  readonly said: string;
  readonly checked: string;
  readonly errno: Errno;
}

/** As a problem of an L1 table of a snapshot's names it (qcow2/snapshot-guard.ts). */
export const SNAPSHOT_L1 = "L1 table of a snapshot";

/** QEMU's words for a snapshot table that cannot be read, or for a snapshot's L1 table, with its advice on a line of its own; null for any other problem. */
export function snapshotTableWords({ structure, field, found }: ImageProblem): SnapshotTableWords | null {
  const unread = (said: string, advice: string): SnapshotTableWords => {
    const lines = `${said}\nYou can force-remove ${advice} with qemu-img check -r all`;
    return { said: lines, checked: `failed to read the snapshot table: ${lines}`, errno: "EFBIG" };
  };
  if (structure === SNAPSHOT_L1) {
    const said = field === "l1_size" ? "Snapshot L1 table too large" : "Snapshot L1 table offset invalid";
    return { said, checked: said, errno: field === "l1_size" ? "EFBIG" : "EINVAL" };
  }
  const entry = /^snapshot table entry (\d+)$/.exec(structure)?.[1];
  if (entry !== undefined && field === "extra_data_size") return unread(`Too much extra metadata in snapshot table entry ${entry}`, "this extra metadata");
  if (structure !== "snapshot table") return null;
  switch (field) {
    case "entries behind its first 64 MiB":
      return unread("Snapshot table is too big", `all ${found} overhanging snapshots`);
    case "nb_snapshots": {
      const advice = `You can force-remove all ${Number(found) - MOST_SNAPSHOTS} overhanging snapshots with qemu-img check -r all`;
      return { said: "Snapshot table too large", checked: `snapshot table too large\n${advice}`, errno: "EFBIG" };
    }
    case "snapshots_offset":
      return { said: "Snapshot table offset invalid", checked: "snapshot table offset invalid", errno: "EINVAL" };
    default:
      return null;
  }
}

const MOST_SNAPSHOTS = 65536;

/** As a problem of an image with more tables than its file can hold names them (qcow2/table-work.ts). */
const ALL_TABLES = "image's tables";

/** As a problem of a disk that names its clusters over and over names them (qcow2/cluster-names.ts). */
const ALL_CLUSTERS = "image's clusters";

/** That an image's tables cannot all be gone through, or its disk not be read; null for any other problem. */
export function tooMuchWords({ structure, found, allowed }: ImageProblem): string | null {
  if (structure === ALL_CLUSTERS) return `The image names its clusters over and over: its tables put ${found}, and a disk has ${allowed}`;
  return structure === ALL_TABLES ? `The image's tables are too large to be gone through: they take ${found}, and it would be ${allowed}` : null;
}
