/** Parts of arrays. A view costs as much as the rest of a small call, and a browser makes something of each that it is given. */

/** The bytes [from, to): the very array where that is all of it, else a view of it. */
export const pieceOf = (data: Uint8Array, from: number, to: number): Uint8Array => (from === 0 && to === data.length ? data : data.subarray(from, to));
