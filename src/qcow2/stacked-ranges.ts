/** Ranges that overlap, cut into pieces that do not, each with how many of the ranges have it: what many share is then gone through once. */

export interface CountedRange {
  readonly first: number;
  readonly end: number;
  readonly times: number;
}

/** @returns the pieces that some range has, in order and apart from each other */
export function stackedRanges(ranges: readonly CountedRange[]): CountedRange[] {
  const edges = ranges.flatMap(({ first, end, times }) => [{ at: first, change: times }, { at: end, change: -times }]).sort((a, b) => a.at - b.at);
  const pieces: CountedRange[] = [];
  let times = 0;
  let from = 0;
  for (const { at, change } of edges) {
    if (times > 0 && at > from) pieces.push({ first: from, end: at, times });
    from = at;
    times += change;
  }
  return pieces;
}
