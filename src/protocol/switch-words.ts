/** The words that QEMU takes for an option that is on or off. */
const ON = ["on", "yes", "true", "y"];
const OFF = ["off", "no", "false", "n"];

/** What a word means for a switch; null where it is none of QEMU's words. */
export const parseSwitch = (word: string): boolean | null => (ON.includes(word) ? true : OFF.includes(word) ? false : null);
