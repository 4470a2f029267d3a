/** Host clusters that were seen, a bit each in pieces that are made when something in them is. */

const PIECE = 2 ** 16;
/** More pieces than this are no file's that anybody has; clusters in further ones are not remembered. */
const MOST_PIECES = 8192;

export class ClusterSet {
  private readonly pieces = new Map<number, Uint32Array>();

  /** @returns whether the cluster was new. One for which there is no room always is */
  add(cluster: number): boolean {
    const key = Math.floor(cluster / PIECE);
    let piece = this.pieces.get(key);
    if (piece === undefined) {
      if (this.pieces.size === MOST_PIECES) return true;
      piece = new Uint32Array(PIECE / 32);
      this.pieces.set(key, piece);
    }
    const index = cluster % PIECE;
    const bit = (1 << (index & 31)) >>> 0;
    const isNew = (piece[index >>> 5]! & bit) === 0;
    piece[index >>> 5]! |= bit;
    return isNew;
  }
}
