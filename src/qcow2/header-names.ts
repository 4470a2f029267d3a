/**
 * The names of other files and formats in the header's extensions: the backing file's format (magic 0xe2792aca) and the external
 * data file (magic 0x44415441), each a text without an end mark; QEMU's programs take them for texts that a zero ends. Source: qcow2 specification, "Header extensions".
 */
import { BACKING_FORMAT_MAGIC, DATA_FILE_MAGIC, textUpToZero } from "./header.ts";
import type { Header } from "./header.ts";

/** The format that the header gives for its backing file, null where it gives none. */
export const backingFormatOf = (header: Header): string | null => textOf(header, BACKING_FORMAT_MAGIC);

/** The external data file's name, null where the header has none. */
export const dataFileOf = (header: Header): string | null => textOf(header, DATA_FILE_MAGIC);

function textOf(header: Header, magic: number): string | null {
  // Of several the last one counts, as in QEMU.
  const extension = header.extensions.findLast((candidate) => candidate.magic === magic);
  return extension === undefined ? null : textUpToZero(extension.data);
}
