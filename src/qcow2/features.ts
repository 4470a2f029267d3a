/**
 * Feature bits of a version 3 header and their names: incompatible (an unknown one set means "do not open"), compatible
 * (ignore), autoclear (clear when writing without understanding). Source: qcow2 specification, "Header" and "Feature name table".
 */

export const INCOMPATIBLE_DIRTY = 0;
export const INCOMPATIBLE_CORRUPT = 1;
export const INCOMPATIBLE_EXTERNAL_DATA = 2;
export const INCOMPATIBLE_COMPRESSION_TYPE = 3;
export const INCOMPATIBLE_EXTENDED_L2 = 4;
export const COMPATIBLE_LAZY_REFCOUNTS = 0;
export const AUTOCLEAR_BITMAPS = 0;
export const AUTOCLEAR_RAW_EXTERNAL = 1;

export type FeatureKind = "incompatible" | "compatible" | "autoclear";
const KINDS: readonly FeatureKind[] = ["incompatible", "compatible", "autoclear"];

export interface FeatureName {
  readonly kind: FeatureKind;
  readonly bit: number;
  readonly name: string;
}

/** What QEMU itself writes into the feature name table. */
export const KNOWN_FEATURES: readonly FeatureName[] = [
  { kind: "incompatible", bit: INCOMPATIBLE_DIRTY, name: "dirty bit" },
  { kind: "incompatible", bit: INCOMPATIBLE_CORRUPT, name: "corrupt bit" },
  { kind: "incompatible", bit: INCOMPATIBLE_EXTERNAL_DATA, name: "external data file" },
  { kind: "incompatible", bit: INCOMPATIBLE_COMPRESSION_TYPE, name: "compression type" },
  { kind: "incompatible", bit: INCOMPATIBLE_EXTENDED_L2, name: "extended L2 entries" },
  { kind: "compatible", bit: COMPATIBLE_LAZY_REFCOUNTS, name: "lazy refcounts" },
  { kind: "autoclear", bit: AUTOCLEAR_BITMAPS, name: "bitmaps" },
  { kind: "autoclear", bit: AUTOCLEAR_RAW_EXTERNAL, name: "raw external data" },
];

export const hasBit = (bits: bigint, bit: number): boolean => ((bits >> BigInt(bit)) & 1n) === 1n;

/** The bits that are set, lowest first. */
export function bitsOf(bits: bigint): number[] {
  const set: number[] = [];
  for (let bit = 0; bit < 64; bit++) if (hasBit(bits, bit)) set.push(bit);
  return set;
}

export const FEATURE_NAME_BYTES = 48;
const NAME_BYTES = 46;

/**
 * The feature name table: 48 bytes an entry: 0 kind, 1 bit, 2-47 name, padded with zeros.
 * A last entry may be cut short behind its name. Entries of an unknown kind or of no name are left out; a name is whatever the file says and is never trusted.
 */
export function decodeFeatureNames(data: Uint8Array): FeatureName[] {
  const names: FeatureName[] = [];
  for (let at = 0; at + 2 < data.length; at += FEATURE_NAME_BYTES) {
    const kind = KINDS[data[at]!];
    const raw = data.subarray(at + 2, at + FEATURE_NAME_BYTES);
    const end = raw.indexOf(0);
    if (kind !== undefined && end !== 0) names.push({ kind, bit: data[at + 1]!, name: new TextDecoder().decode(end < 0 ? raw : raw.subarray(0, end)) });
  }
  return names;
}

export function encodeFeatureNames(names: readonly FeatureName[]): Uint8Array {
  const data = new Uint8Array(names.length * FEATURE_NAME_BYTES);
  names.forEach(({ kind, bit, name }, index) => {
    const at = index * FEATURE_NAME_BYTES;
    data[at] = KINDS.indexOf(kind);
    data[at + 1] = bit;
    data.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES), at + 2);
  });
  return data;
}

/** Feature bits by name, the image's own table first; those without a name as one mask: "zoned format, Unknown incompatible feature: 8000000000000000". */
export function describeFeatures(kind: FeatureKind, bits: readonly number[], table: readonly FeatureName[]): string {
  const known = [...table, ...KNOWN_FEATURES];
  const names: string[] = [];
  let rest = 0n;
  for (const bit of bits) {
    const feature = known.find((candidate) => candidate.kind === kind && candidate.bit === bit);
    if (feature === undefined) rest |= 1n << BigInt(bit);
    else names.push(feature.name);
  }
  if (rest !== 0n) names.push(`Unknown ${kind} feature: ${rest.toString(16)}`);
  return names.join(", ");
}
