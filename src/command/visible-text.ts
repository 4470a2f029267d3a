/**
 * Text that a file has chosen, for showing: characters that are not seen, or that turn the line around them, stand there by their
 * number. Everybody who shows a name out of an image goes through here; nothing is followed and nothing is left out.
 */

/**
 * Controls of ASCII and of Latin-1, marks and overrides of direction, what joins or takes no room, ends of lines and paragraphs, tags.
 * Source: Unicode Standard Annex 9, "Directional Formatting Characters"; category Cf.
 */
 
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** "a‹U+202E›b" for a text with an override between a and b. */
export const visibleText = (text: string): string => text.replace(UNSEEN, (character) => `‹U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}›`);
