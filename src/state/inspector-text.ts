/** Words of the inspector for the page; they are made in command. Text of a file is untrusted: it is shown, and nothing of it acts. */
export { dialectSentence, extensionTitle, fieldWords, needsSentence, validityWords } from "../command/explain-header.ts";
export { containerWords, contentsSentence, layoutKindWords } from "../command/explain-identity.ts";
export { findingWords, zonesWords } from "../command/finding-words.ts";
export type { FindingWords } from "../command/finding-words.ts";
export { inspectionJson } from "../command/inspect.ts";
export { visibleText } from "../command/visible-text.ts";
export { quoteWord } from "../command/create-line.ts";
