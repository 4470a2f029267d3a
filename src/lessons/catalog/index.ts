/** The lessons of this program, in the order in which they build on each other. */
import type { Lesson } from "../lesson.ts";
import { ACTIVE_LIMIT } from "./active-limit.ts";
import { APPEND } from "./append.ts";
import { CAPACITY } from "./capacity.ts";
import { CLEANING } from "./cleaning.ts";
import { CONDITIONS_LESSON } from "./conditions.ts";
import { CONVENTIONAL } from "./conventional.ts";
import { F2FS_ON_ZONES } from "./f2fs-on-zones.ts";
import { FINISH_RESET } from "./finish-reset.ts";
import { LINUX_SEES_ZONES } from "./linux-sees-zones.ts";
import { METADATA } from "./metadata.ts";
import { OPEN_LIMIT } from "./open-limit.ts";
import { OPEN_WAYS } from "./open-ways.ts";
import { POWER } from "./power.ts";
import { WRITE_POINTER } from "./write-pointer.ts";
import { ZONES } from "./zones.ts";

export const CATALOG: readonly Lesson[] = [
  ZONES,
  WRITE_POINTER,
  APPEND,
  CONDITIONS_LESSON,
  FINISH_RESET,
  OPEN_WAYS,
  OPEN_LIMIT,
  ACTIVE_LIMIT,
  CAPACITY,
  POWER,
  CONVENTIONAL,
  CLEANING,
  METADATA,
  LINUX_SEES_ZONES,
  F2FS_ON_ZONES,
];
