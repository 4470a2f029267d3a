/** Why a link is refused, as data; command/explain-link.ts makes the sentence. */

export interface LinkProblem {
  readonly kind: "link";
  /**
   * broken: the packed form is cut off or changed. bad-escape: percent-encoding that is none. not-text: line `found` has characters
   * that no command has. both-forms: run and z at once. version: packed by a version that is not known here; `most` is the newest known.
   */
  readonly code: "too-long" | "too-many-lines" | "not-text" | "bad-escape" | "broken" | "version" | "both-forms" | "twice" | "bad-value";
  /** The name in front of the = that it is about; empty for the address as a whole. */
  readonly part: string;
  /** The value as it stands there, cut off after some characters. */
  readonly value?: string;
  /** Bytes, lines or characters that there are, and that there may be. */
  readonly found?: number;
  readonly most?: number;
}
