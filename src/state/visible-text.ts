/** Text of a file is untrusted: it is shown, and nothing of it acts. Apart from the inspector's words, which are loaded with its tabs. */
export { visibleText } from "../command/visible-text.ts";
