/** The help of the program lesson, which is there before the program is loaded. */
export const LESSON_USAGE = `Usage: lesson check FILE...            looks through files of lessons, and makes their disks in memory
       lesson link [--base URL] FILE   makes a link that brings the lesson along

  --base URL   the page's address in front; without it, what stands behind it alone

Ends with 0 when nothing is wrong with any of the files, and with 1 otherwise.

`;

export const LESSON_WORDS = ["check", "link"];
