/** The image of a lesson: what it is called, and the lines of the console that make and prepare it. */
import { SECTOR_SIZE } from "../base/units.ts";
import { zoneOptionWords } from "../protocol/index.ts";
import { bytesOf } from "./lesson.ts";
import type { Lesson } from "./lesson.ts";

const ENDING = ".qcow2";

/** The image's name; with a number, the one that is taken when there is an image of that name that no lesson made. */
export const lessonImage = (id: string, number = 1): string => `lesson-${id}${number === 1 ? "" : `-${number}`}${ENDING}`;

/** The options of qemu-img create, `name=value` each. */
export const createOptions = ({ disk }: Pick<Lesson, "disk">): readonly string[] => [
  `size=${disk.size}`,
  ...zoneOptionWords({
    zoneSize: disk.zoneSize,
    zoneCapacity: disk.zoneCapacity ?? disk.zoneSize,
    conventionalZones: disk.conventionalZones ?? 0,
    maxAppendSectors: (bytesOf(disk.maxAppend) ?? 0) / SECTOR_SIZE,
    maxOpenZones: disk.maxOpen ?? 0,
    maxActiveZones: disk.maxActive ?? 0,
  }),
];

/** The qemu-img line that makes it. */
export const createLine = (lesson: Lesson, image: string): string => `qemu-img create -f qcow2 ${image} ${createOptions(lesson).map((option) => `-o ${option}`).join(" ")}`;

/** What is done to the new disk before the first step. */
export const prepareLines = ({ disk }: Lesson): readonly string[] => disk.prepare ?? [];
