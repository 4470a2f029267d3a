/** The lessons of this program, in the order in which they build on each other. */
import type { Lesson } from "../lesson.ts";
import { APPEND } from "./append.ts";
import { WRITE_POINTER } from "./write-pointer.ts";
import { ZONES } from "./zones.ts";

export const CATALOG: readonly Lesson[] = [ZONES, WRITE_POINTER, APPEND];
