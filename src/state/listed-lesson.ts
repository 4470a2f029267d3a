/** A lesson as the page lists it, and by which key it is known. */
import type { Lesson } from "../lessons/index.ts";

/** Those of a file or a link have another key than ours of the same id. */
export interface ListedLesson {
  readonly key: string;
  readonly lesson: Lesson;
  readonly own: boolean;
}

/** Why something came to nothing: a title and lines, with text in them that somebody else may have written. */
export interface LessonTrouble {
  readonly title: string;
  readonly lines: readonly string[];
}

const OWN = "own:";

/** A lesson is the same in another edition when its id and its title are: then it takes the place of the one before. */
export const ownKey = ({ id, title }: Lesson): string => `${OWN}${id}:${title}`;
export const isOwnKey = (key: string): boolean => key.startsWith(OWN);
