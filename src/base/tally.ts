/**
 * How often each small number stands in a column of bytes. Neighbours are alike as a rule (a disk is empty, or full), so that four
 * are counted at once where they are: a million zones are looked at while nobody has compiled the loop yet.
 */

/** A column's whole words, as wordsOf makes them. */
export type ColumnWords = Uint32Array;

/** The column four bytes at a time; what does not fill a word at its end is not in it. */
export function wordsOf(column: Uint8Array): ColumnWords {
  const aligned = column.byteOffset % 4 === 0 ? column : column.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
}

/**
 * Adds to counts[at + value] how often each value below 16 stands in [from, end) of the column; of a larger value its low four bits count.
 * @param words of the same column, from wordsOf, no older than its bytes
 */
export function tally(column: Uint8Array, words: ColumnWords, from: number, end: number, counts: Uint32Array, at = 0): void {
  let index = from;
  while (index < end && index % 4 !== 0) counts[at + (column[index++]! & 15)]!++;
  const endWord = end >> 2;
  for (let word = index >> 2; word < endWord; word++) {
    const four = words[word]!;
    const value = four & 15;
    if (four === value * 0x0101_0101) counts[at + value]! += 4;
    else {
      counts[at + value]!++;
      counts[at + ((four >>> 8) & 15)]!++;
      counts[at + ((four >>> 16) & 15)]!++;
      counts[at + ((four >>> 24) & 15)]!++;
    }
  }
  for (index = Math.max(index, endWord << 2); index < end; index++) counts[at + (column[index]! & 15)]!++;
}
