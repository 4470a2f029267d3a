/** Fields of structures as facts: name, place, value and bytes. Decides nothing about what a value means. */
import type { ImageProblem } from "../base/fault.ts";
import { viewOf } from "../base/view.ts";
import type { FieldFacts, FeatureBit, Validity } from "../protocol/inspect.ts";

/** Bytes of a field that are told as hex; a longer one is cut. */
const MOST_HEX_BYTES = 64;
/** Bytes of a text that are told. */
const MOST_TEXT_BYTES = 4096;

export interface FieldExtras {
  readonly text?: boolean;
  readonly bits?: readonly FeatureBit[];
  readonly validity?: Validity;
  readonly problem?: ImageProblem | null;
}

const hexOf = (bytes: Uint8Array): string => {
  let hex = "";
  for (const byte of bytes.subarray(0, MOST_HEX_BYTES)) hex += byte.toString(16).padStart(2, "0");
  return hex;
};

/** A big-endian number of 1, 2, 4 or 8 bytes as decimal digits, null for other widths. */
function digitsOf(bytes: Uint8Array): string | null {
  const view = viewOf(bytes);
  switch (bytes.length) {
    case 1:
      return String(view.getUint8(0));
    case 2:
      return String(view.getUint16(0));
    case 4:
      return String(view.getUint32(0));
    case 8:
      return String(view.getBigUint64(0));
    default:
      return null;
  }
}

/**
 * @param bytes those of the field, as many as the file has
 * @param hostOffset where they lie in the file
 */
export function fieldFacts(field: string, bytes: Uint8Array, hostOffset: number, extras: FieldExtras = {}): FieldFacts {
  const isText = extras.text === true;
  const problem = extras.problem ?? null;
  return {
    field,
    hostOffset,
    lengthBytes: bytes.length,
    value: isText ? null : digitsOf(bytes),
    hex: hexOf(bytes),
    text: isText ? new TextDecoder().decode(bytes.subarray(0, MOST_TEXT_BYTES)) : null,
    bits: extras.bits ?? [],
    validity: extras.validity ?? (problem === null ? "valid" : "invalid"),
    problem,
  };
}
