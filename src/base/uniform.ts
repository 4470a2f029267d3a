/** Bytes that are one byte over and over, which can be kept as that one. */

/** The byte that all of them are; null when there are two. Of no bytes it is 0. */
export function uniform(data: Uint8Array): number | null {
  const first = data[0] ?? 0;
  for (let at = 1; at < data.length; at++) if (data[at] !== first) return null;
  return first;
}
