/** The image of a lesson: what it is called, and the lines of the console that make and prepare it. */
import { SECTOR_SIZE } from "../base/units.ts";
import { bytesOf } from "./lesson.ts";
import type { Lesson } from "./lesson.ts";

const ENDING = ".qcow2";

/** The image's name; with a number, the one that is taken when there is an image of that name that no lesson made. */
export const lessonImage = (id: string, number = 1): string => `lesson-${id}${number === 1 ? "" : `-${number}`}${ENDING}`;

/** The options of qemu-img create, `name=value` each. */
export const createOptions = ({ disk }: Pick<Lesson, "disk">): readonly string[] => [
  `size=${disk.size}`,
  "zone_model=1",
  `zone_size=${disk.zoneSize}`,
  `zone_capacity=${disk.zoneCapacity ?? disk.zoneSize}`,
  `nr_conv_zones=${disk.conventionalZones ?? 0}`,
  `max_append_sectors=${(bytesOf(disk.maxAppend) ?? 0) / SECTOR_SIZE}`,
  `max_open_zones=${disk.maxOpen ?? 0}`,
  `max_active_zones=${disk.maxActive ?? 0}`,
];

/** The qemu-img line that makes it. */
export const createLine = (lesson: Lesson, image: string): string => `qemu-img create -f qcow2 ${image} ${createOptions(lesson).map((option) => `-o ${option}`).join(" ")}`;

/** What is done to the new disk before the first step. */
export const prepareLines = ({ disk }: Lesson): readonly string[] => disk.prepare ?? [];
