/** Words of the inspector for the page; they are made in command, and loaded with its tabs: what the page shows first imports none of them. */
export { dialectSentence, extensionTitle, fieldWords, needsSentence, validityWords } from "../command/explain-header.ts";
export { containerWords, contentsSentence, layoutKindWords } from "../command/explain-identity.ts";
export { findingWords, zonesWords } from "../command/finding-words.ts";
export type { FindingWords } from "../command/finding-words.ts";
export { quoteWord } from "../command/create-line.ts";
