/**
 * The bytes of a header that is there already and changes: its fixed part with other fields, and the list of extensions behind it.
 * Decides bytes, writes none: header-edit.ts puts them on a disk step by step, header-rewrite.ts plans a change of dialect.
 *
 * The list ends with a mark of zeros; what lies behind that mark means nothing, but for a backing file's name, to which the fixed part
 * points. Source: qcow2 specification, "Header" and "Header extensions".
 */
import { roundUp } from "../base/units.ts";
import { HEADER_LENGTH, HEADER_LENGTH_V2 } from "./header.ts";
import type { Header } from "./header.ts";

const VERSION_AT = 4;
const BACKING_OFFSET_AT = 8;
const BACKING_SIZE_AT = 16;
const REFCOUNT_TABLE_AT = 48;
const INCOMPATIBLE_AT = 72;
const COMPATIBLE_AT = 80;
const AUTOCLEAR_AT = 88;
const REFCOUNT_ORDER_AT = 96;
const HEADER_LENGTH_AT = 100;
const COMPRESSION_TYPE_AT = 104;
const EXTENSION_HEAD = 8;

/** Fields of the fixed part, each absent where it stays. Version 2 has only the first two, and the others go with it. */
export interface HeaderFields {
  readonly version?: 2 | 3;
  readonly refcountTable?: { readonly offset: number; readonly clusters: number };
  readonly incompatible?: bigint;
  readonly compatible?: bigint;
  readonly autoclear?: bigint;
  readonly refcountOrder?: number;
  readonly compressionType?: number;
}

export interface ExtensionBytes {
  readonly magic: number;
  readonly data: Uint8Array;
}

/** Where the header says that its backing file's name lies; 0 bytes for none. */
export interface NamePlace {
  readonly at: number;
  readonly lengthBytes: number;
}

const paddedLength = ({ data }: ExtensionBytes): number => EXTENSION_HEAD + roundUp(data.length, 8);

/** Where a list of extensions ends that begins at `start`, its end mark included. */
export const listEnd = (start: number, extensions: readonly ExtensionBytes[]): number => extensions.reduce((at, extension) => at + paddedLength(extension), start) + EXTENSION_HEAD;

export function namePlaceOf(cluster: Uint8Array): NamePlace {
  const view = new DataView(cluster.buffer, cluster.byteOffset, cluster.byteLength);
  const at = Number(view.getBigUint64(BACKING_OFFSET_AT));
  return at === 0 ? { at: 0, lengthBytes: 0 } : { at, lengthBytes: view.getUint32(BACKING_SIZE_AT) };
}

/**
 * The fixed part with other fields. Fields of a later format, behind those that are known here, are kept, but for a change of version.
 * @param cluster the first cluster as it is
 */
export function fixedPart(cluster: Uint8Array, header: Header, fields: HeaderFields): Uint8Array {
  const version = fields.version ?? header.version;
  const lengthBytes = version === header.version ? header.headerLength : version === 3 ? HEADER_LENGTH : HEADER_LENGTH_V2;
  const fixed = new Uint8Array(lengthBytes);
  fixed.set(cluster.subarray(0, Math.min(lengthBytes, header.headerLength)));
  const view = new DataView(fixed.buffer);
  view.setUint32(VERSION_AT, version);
  if (fields.refcountTable !== undefined) {
    view.setBigUint64(REFCOUNT_TABLE_AT, BigInt(fields.refcountTable.offset));
    view.setUint32(REFCOUNT_TABLE_AT + 8, fields.refcountTable.clusters);
  }
  if (version < 3) return fixed;
  view.setBigUint64(INCOMPATIBLE_AT, fields.incompatible ?? header.incompatible);
  view.setBigUint64(COMPATIBLE_AT, fields.compatible ?? header.compatible);
  view.setBigUint64(AUTOCLEAR_AT, fields.autoclear ?? header.autoclear);
  view.setUint32(REFCOUNT_ORDER_AT, fields.refcountOrder ?? header.refcountOrder);
  view.setUint32(HEADER_LENGTH_AT, lengthBytes);
  if (lengthBytes > COMPRESSION_TYPE_AT) view.setUint8(COMPRESSION_TYPE_AT, fields.compressionType ?? header.compressionType);
  return fixed;
}

/** The fixed part and the extensions behind it, to their end mark. @param name null leaves what the fixed part says of it */
export function encodeHead(fixed: Uint8Array, extensions: readonly ExtensionBytes[], name: NamePlace | null): Uint8Array {
  const head = new Uint8Array(listEnd(fixed.length, extensions));
  head.set(fixed);
  const view = new DataView(head.buffer);
  if (name !== null) {
    view.setBigUint64(BACKING_OFFSET_AT, BigInt(name.lengthBytes === 0 ? 0 : name.at));
    view.setUint32(BACKING_SIZE_AT, name.lengthBytes);
  }
  let at = fixed.length;
  for (const extension of extensions) {
    view.setUint32(at, extension.magic);
    view.setUint32(at + 4, extension.data.length);
    head.set(extension.data, at + EXTENSION_HEAD);
    at += paddedLength(extension);
  }
  return head;
}
