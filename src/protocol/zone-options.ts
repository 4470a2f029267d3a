/**
 * How a zoned disk is described to `qemu-img create`, in the series' fourth spelling: for all who write such a line. What the words of a
 * line mean is decided where they are read (command/create-options.ts). Source: zoned format, "Create options".
 */

/** Each value as the line shall have it: sizes in words that qemu-img reads, counts in decimal, the append limit in sectors; 0 for no limit. */
export interface ZoneOptionValues {
  readonly zoneSize: string;
  readonly zoneCapacity: string;
  readonly conventionalZones: string | number;
  readonly maxAppendSectors: string | number;
  readonly maxOpenZones: string | number;
  readonly maxActiveZones: string | number;
}

/** The options, `name=value` each, always all of them and in one order. */
export const zoneOptionWords = (values: ZoneOptionValues): readonly string[] => [
  "zone_model=1",
  `zone_size=${values.zoneSize}`,
  `zone_capacity=${values.zoneCapacity}`,
  `nr_conv_zones=${values.conventionalZones}`,
  `max_append_sectors=${values.maxAppendSectors}`,
  `max_open_zones=${values.maxOpenZones}`,
  `max_active_zones=${values.maxActiveZones}`,
];
