/**
 * What qemu-img amend changes in the header alone: lazy refcounts, and what it says of an external data file. The image must be
 * flushed, and is opened anew afterwards. Each is one change of the header (header-edit.ts), which a crash leaves done or not.
 *
 * Source: qcow2 specification, "Header" and "Header extensions".
 */
import { AUTOCLEAR_RAW_EXTERNAL, COMPATIBLE_LAZY_REFCOUNTS } from "./features.ts";
import type { ImageState } from "./image-state.ts";
import { changeHeader } from "./header-edit.ts";
import { BACKING_FORMAT_MAGIC, DATA_FILE_MAGIC } from "./header.ts";

const withBit = (bits: bigint, bit: number, set: boolean): bigint => (set ? bits | (1n << BigInt(bit)) : bits & ~(1n << BigInt(bit)));

/** The refcounts are true: where the bit goes, so must the dirty bit have gone. */
export function setLazyRefcounts({ store }: ImageState, lazy: boolean): boolean {
  return changeHeader(store, ({ compatible }) => ({ fields: { compatible: withBit(compatible, COMPATIBLE_LAZY_REFCOUNTS, lazy) } }));
}

/** @param file its name, empty for none; null where it stays. @param raw whether the file reads as the disk does, by itself */
export function setDataFile({ store }: ImageState, file: string | null, raw: boolean): boolean {
  return changeHeader(store, ({ autoclear, extensions }) => {
    const fields = { autoclear: withBit(autoclear, AUTOCLEAR_RAW_EXTERNAL, raw) };
    if (file === null) return { fields };
    const named = file === "" ? [] : [{ magic: DATA_FILE_MAGIC, data: new TextEncoder().encode(file) }];
    const others = extensions.filter(({ magic }) => magic !== DATA_FILE_MAGIC);
    // Behind the backing file's format, as QEMU writes it.
    const isFormat = ({ magic }: { magic: number }): boolean => magic === BACKING_FORMAT_MAGIC;
    return { fields, extensions: [...others.filter(isFormat), ...named, ...others.filter((extension) => !isFormat(extension))] };
  });
}
