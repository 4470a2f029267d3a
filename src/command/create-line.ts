/**
 * The line of qemu-img that makes an image with given options: the inverse of create-options.ts, for whoever wants to see, keep or
 * send how an image was made. An option that has its standard value is left out, but for those of zones, which stand there whole.
 */
import { SECTOR_SIZE } from "../base/units.ts";
import { zoneOptionWords } from "../protocol/index.ts";
import type { CreateOptions, ZonedCreateOptions } from "../protocol/index.ts";

/** A word of a command line, quoted where it has to be. */
export const quoteWord = (word: string): string => (/^[\w./:@%+,=~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** @param size how a number of bytes is written, exactly, in words that qemu-img reads */
export function createImageLine(file: string, options: CreateOptions, size: (bytes: number) => string): string {
  const { backing = null, dataFile = null, preallocation = "off" } = options;
  const list: string[] = [`size=${size(options.sizeBytes)}`];
  const given = (wanted: boolean, option: string): void => void (wanted && list.push(option));
  given(options.clusterSize !== 65536, `cluster_size=${options.clusterSize}`);
  given(options.refcountBits !== 16, `refcount_bits=${options.refcountBits}`);
  given(options.version === 2, "compat=0.10");
  given(options.lazyRefcounts === true, "lazy_refcounts=on");
  given(options.extendedL2 === true, "extended_l2=on");
  given(options.compressionType === "zstd", "compression_type=zstd");
  given(preallocation !== "off", `preallocation=${preallocation}`);
  if (backing !== null) {
    list.push(`backing_file=${option(backing.file)}`);
    given(backing.format !== null, `backing_fmt=${backing.format}`);
  }
  if (dataFile !== null) {
    list.push(`data_file=${option(dataFile.file)}`);
    given(dataFile.raw, "data_file_raw=on");
  }
  if (options.zoned !== null) list.push(...zoneOptions(options.zoned, size));
  return ["qemu-img", "create", "-f", "qcow2", quoteWord(file), "-o", quoteWord(list.join(","))].join(" ");
}

/** In a list of options a comma is written twice. */
const option = (text: string): string => text.replaceAll(",", ",,");

/** v7 has no spelling of its own: such an image is made as v4 and rewritten. */
function zoneOptions(zoned: ZonedCreateOptions, size: (bytes: number) => string): readonly string[] {
  const { zoneSize, zoneCapacity, conventionalZones, maxOpenZones, maxActiveZones, maxAppendBytes } = zoned;
  if (zoned.dialect === "v9") {
    return [
      "zone.mode=host-managed",
      `zone.size=${size(zoneSize)}`,
      `zone.capacity=${size(zoneCapacity)}`,
      `zone.conventional_zones=${conventionalZones}`,
      `zone.max_append_bytes=${size(maxAppendBytes)}`,
      `zone.max_active_zones=${maxActiveZones}`,
      `zone.max_open_zones=${maxOpenZones}`,
    ];
  }
  const maxAppendSectors = Math.floor(maxAppendBytes / SECTOR_SIZE);
  return zoneOptionWords({ zoneSize: size(zoneSize), zoneCapacity: size(zoneCapacity), conventionalZones, maxAppendSectors, maxOpenZones, maxActiveZones });
}
