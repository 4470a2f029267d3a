/** The links of the attached image, for the dialog "Share". Makes addresses; sends nothing anywhere. */
import { explainLink } from "../command/explain-link.ts";
import { lessonFile } from "../lessons/index.ts";
import type { Lesson } from "../lessons/index.ts";
import { PLAIN_LINK, isCommand, readLink, writeLink } from "../share/index.ts";
import type { Core } from "./core.ts";
import type { FailureText } from "./failure-text.ts";
import { historyScript, nowScript } from "./share-script.ts";
import type { SharedScript, ShareWay } from "./share-script.ts";

export interface ShareChoice {
  readonly way: ShareWay;
  /** "z" is short, "run" can be read. */
  readonly form: "z" | "run";
  readonly autoplay: boolean;
}

export interface MadeLink {
  readonly url: string;
  /** A frame with it, as markup to paste. */
  readonly frame: string;
}

export interface ShareActions {
  /** null where there is no such script: no image, or a log that does not reach back to the image's making. */
  script(way: ShareWay): SharedScript | null;
  /** The link, or why it cannot be made. @param base the page's address without a link */
  link(script: SharedScript, choice: ShareChoice, base: string): MadeLink | FailureText;
  /** A link that brings a lesson along. */
  lessonLink(lesson: Lesson, base: string): Pick<MadeLink, "url"> | FailureText;
}

export function createShareActions(core: Core): ShareActions {
  return {
    script: (way) => (way === "history" ? historyScript(core) : nowScript(core)),
    link: (script, { form, autoplay }, base) => {
      const plain = { ...PLAIN_LINK, lines: script.lines, autoplay, step: script.step };
      const written = writeLink(plain, form);
      if (!written.ok) return explainLink(written.error);
      // What could not be read back would be refused by whoever gets it.
      const read = readLink(written.value);
      if (!read.ok) return explainLink(read.error);
      const framed = writeLink({ ...plain, embed: true }, form);
      return { url: base + written.value, frame: framed.ok ? frameOf(base + framed.value) : "" };
    },
    lessonLink: (lesson, base) => {
      const written = writeLink({ ...PLAIN_LINK, lessonText: lessonFile(lesson) }, "z");
      return written.ok ? { url: base + written.value } : explainLink(written.error);
    },
  };
}

/** In an attribute an ampersand begins a reference; everything else that a link has may stand there. */
const frameOf = (url: string): string => `<iframe src="${url.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}" title="zonescope" width="100%" height="520" loading="lazy" style="border: 0"></iframe>`;

export const commandCount = (script: SharedScript): number => script.lines.filter(isCommand).length;
