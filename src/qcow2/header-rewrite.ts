/**
 * Changing feature bits and one header extension of an existing image: what its first bytes shall be, and whether one write of
 * the first 512 bytes does it. Decides bytes, writes none.
 *
 * All extensions keep their order and their bytes, but for the one that changes and for the feature name table, which only
 * names things: it follows the bits, and gives way where that makes the change one write. Bytes behind the end mark of the
 * extensions mean nothing, so what a shorter list leaves behind there is no damage.
 *
 * Source: qcow2 specification, "Header extensions"; zoned format, "Create options".
 */
import { assert } from "../base/assert.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { FEATURE_NAME_BYTES, encodeFeatureNames } from "./features.ts";
import type { FeatureName } from "./features.ts";
import { FEATURE_NAMES_MAGIC } from "./header.ts";
import type { Header, HeaderExtension } from "./header.ts";
import { encodeHead, fixedPart, listEnd } from "./header-layout.ts";
import type { ExtensionBytes } from "./header-layout.ts";

const INCOMPATIBLE_KIND = 0;

export interface HeaderChange {
  readonly incompatible: bigint;
  readonly autoclear: bigint;
  /** The new data of the first extension of that magic, which the header must have. */
  readonly extension: { readonly magic: number; readonly data: Uint8Array };
  /** An incompatible bit's name, which the feature name table, if there is one, has or has not afterwards. */
  readonly name: FeatureName & { readonly kind: "incompatible" };
  readonly named: boolean;
}

export interface HeaderRewrite {
  /** The new first bytes, to the end mark of the extensions. */
  readonly start: Uint8Array;
  /** The changed extension lies in the first 512 bytes before and after, and nothing behind them changes. */
  readonly inOneSector: boolean;
  readonly featureNames: "absent" | "kept" | "shortened" | "dropped";
}

/**
 * What to write, the feature name table whole if that can be.
 * @param cluster the image's first cluster
 * @returns null when the new header does not fit the cluster
 */
export function planHeaderRewrite(cluster: Uint8Array, header: Header, change: HeaderChange): HeaderRewrite | null {
  assert(header.version === 3, "feature bits are version 3's");
  const changed = header.extensions.find(({ magic }) => magic === change.extension.magic);
  assert(changed !== undefined, "the extension that changes is there");
  const wasInFirstSector = changed.hostOffset + changed.data.length <= SECTOR_SIZE;
  let fallback: HeaderRewrite | null = null;
  for (const featureNames of namesFates(header)) {
    const { start, extensionEnd } = encode(cluster, header, change, changed, featureNames);
    if (start.length > cluster.length) continue;
    const inOneSector = wasInFirstSector && extensionEnd <= SECTOR_SIZE && sameBehindFirstSector(start, cluster);
    const plan: HeaderRewrite = { start, inOneSector, featureNames };
    if (inOneSector) return plan;
    fallback ??= plan;
  }
  return fallback;
}

function namesFates(header: Header): HeaderRewrite["featureNames"][] {
  return header.extensions.some(({ magic }) => magic === FEATURE_NAMES_MAGIC) ? ["kept", "shortened", "dropped"] : ["absent"];
}

const sameBehindFirstSector = (start: Uint8Array, cluster: Uint8Array): boolean =>
  start.subarray(SECTOR_SIZE).every((byte, index) => byte === cluster[SECTOR_SIZE + index]);

function encode(
  cluster: Uint8Array,
  header: Header,
  change: HeaderChange,
  changed: HeaderExtension,
  featureNames: HeaderRewrite["featureNames"],
): { start: Uint8Array; extensionEnd: number } {
  const extensions: ExtensionBytes[] = [];
  let upToChanged: readonly ExtensionBytes[] = [];
  const table = header.extensions.find(({ magic }) => magic === FEATURE_NAMES_MAGIC);
  for (const extension of header.extensions) {
    const { magic, data } = extension;
    if (extension === changed) {
      extensions.push({ magic, data: change.extension.data });
      upToChanged = [...extensions];
    } else if (extension !== table) extensions.push({ magic, data });
    else if (featureNames !== "dropped") extensions.push({ magic, data: changeNames(data, change, featureNames === "shortened") });
  }
  const fixed = fixedPart(cluster, header, { incompatible: change.incompatible, autoclear: change.autoclear });
  return { start: encodeHead(fixed, extensions, null), extensionEnd: dataEnd(fixed.length, upToChanged) };
}

/** Behind the data of the last extension of a list, without its padding. */
function dataEnd(start: number, extensions: readonly ExtensionBytes[]): number {
  return listEnd(start, extensions.slice(0, -1)) + (extensions.at(-1)?.data.length ?? 0);
}

/** The table with or without the bit's name; shortened to names of incompatible bits, which are the ones that an opener is told. */
function changeNames(table: Uint8Array, change: HeaderChange, shortened: boolean): Uint8Array {
  const rows: Uint8Array[] = [];
  for (let at = 0; at + FEATURE_NAME_BYTES <= table.length; at += FEATURE_NAME_BYTES) rows.push(table.subarray(at, at + FEATURE_NAME_BYTES));
  const isNamed = (row: Uint8Array): boolean => row[0] === INCOMPATIBLE_KIND && row[1] === change.name.bit;
  const kept = rows.filter((row) => (change.named || !isNamed(row)) && (!shortened || row[0] === INCOMPATIBLE_KIND));
  if (change.named && !kept.some(isNamed)) {
    const behind = kept.findLastIndex((row) => row[0] === INCOMPATIBLE_KIND) + 1;
    kept.splice(behind, 0, encodeFeatureNames([change.name]));
  }
  const result = new Uint8Array(kept.length * FEATURE_NAME_BYTES);
  kept.forEach((row, index) => result.set(row, index * FEATURE_NAME_BYTES));
  return result;
}
