/** One field of an image that lies: in the header, a table, a snapshot's or a bitmap's entry. */
import { Random } from "../../../src/base/random.ts";

type Damage = (bytes: Buffer) => Buffer;
/** A place within the file and its width in bytes. */
type Field = readonly [at: number, width: 1 | 2 | 4 | 8];

const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;
const HEADER: readonly Field[] = [[4, 4], [8, 8], [16, 4], [20, 4], [24, 8], [32, 4], [36, 4], [40, 8], [48, 8], [56, 4], [60, 4], [64, 8], [72, 8], [79, 1], [80, 8], [87, 1], [88, 8], [95, 1], [96, 4], [100, 4], [104, 1], [105, 1]];
const SNAPSHOT: readonly Field[] = [[0, 8], [8, 4], [12, 2], [14, 2], [16, 4], [20, 4], [24, 8], [32, 4], [36, 4], [40, 8], [48, 8], [56, 8]];
const BITMAP: readonly Field[] = [[0, 8], [8, 4], [12, 4], [16, 1], [17, 1], [18, 2], [20, 4]];

/** A place of the kind that is wanted, null where the image has none. */
function drawField(random: Random, bytes: Buffer): Field | null {
  const word = (at: number): number => (at + 8 <= bytes.length ? Number(bytes.readBigUInt64BE(at) & OFFSET_MASK) : 0);
  const version = bytes.readUInt32BE(4);
  const clusterSize = 2 ** bytes.readUInt32BE(20);
  const of = (base: number, fields: readonly Field[]): Field => {
    const [at, width] = random.pick(fields);
    return [base + at, width];
  };
  const l1 = word(40);
  const l2 = word(l1 + 8 * random.below(Math.max(1, bytes.readUInt32BE(36))));
  switch (random.below(10)) {
    case 0:
    case 1:
      return of(0, HEADER.filter(([at]) => version === 3 || at < 72));
    case 2:
      return [l1 + 8 * random.below(Math.max(1, bytes.readUInt32BE(36))), 8];
    case 3:
    case 4:
      return l2 === 0 ? null : [l2 + 8 * random.below(Math.min(clusterSize / 8, 40)), 8];
    case 5: {
      const table = word(48);
      return random.chance(0.3) ? [table + 8 * random.below(2), 8] : [word(table) + random.below(Math.min(clusterSize, 64)), 1];
    }
    case 6:
      return bytes.readUInt32BE(60) === 0 ? null : of(word(64), SNAPSHOT);
    case 7: {
      if (bytes.readUInt32BE(60) === 0) return null;
      const table = word(word(64));
      return [table, 8];
    }
    default:
      return version === 2 ? null : bitmapField(random, bytes);
  }
}

function bitmapField(random: Random, bytes: Buffer): Field | null {
  for (let at = bytes.readUInt32BE(100); at + 8 <= bytes.length; ) {
    const magic = bytes.readUInt32BE(at);
    if (magic === 0) return [at + random.pick([0, 4]), 4];
    if (magic === 0x23852875) {
      const directory = Number(bytes.readBigUInt64BE(at + 24));
      if (random.chance(0.4)) return random.pick<Field>([[at + 4, 4], [at + 8, 4], [at + 12, 4], [at + 16, 8], [at + 24, 8]]);
      if (random.chance(0.3)) return [Number(bytes.readBigUInt64BE(directory)), 8];
      const [place, width] = random.pick(BITMAP);
      return [directory + place, width];
    }
    if (random.chance(0.1)) return [at + random.pick([0, 4]), 4];
    at += 8 + Math.ceil(bytes.readUInt32BE(at + 4) / 8) * 8;
  }
  return null;
}

/** A value that is wrong in one of the ways that are worth a look. */
function lie(random: Random, value: bigint, bits: number, length: number): bigint {
  const limit = 1n << BigInt(bits);
  const changed = (): bigint => {
    switch (random.below(9)) {
      case 0:
      case 1:
      case 2:
        return value ^ (1n << BigInt(random.below(bits)));
      case 3:
        return value + BigInt(random.pick([1, 2, 8, 512, 4096, 65536]));
      case 4:
        return value - BigInt(random.pick([1, 8, 512, 65536]));
      case 5:
        return 0n;
      case 6:
        return limit - 1n;
      case 7:
        return BigInt(Math.floor(length / 512) * 512);
      default:
        return BigInt(random.next());
    }
  };
  return ((changed() % limit) + limit) % limit;
}

/** A lie for any image; what there is none of in it, is drawn anew. */
export function drawLie(random: Random): Damage {
  const seed = random.next();
  return (bytes) => {
    const own = new Random(seed);
    for (let trial = 0; trial < 20; trial++) {
      const field = drawField(own, bytes);
      if (field === null) continue;
      const [at, width] = field;
      if (at < 0 || at + width > bytes.length) continue;
      const before = width === 8 ? bytes.readBigUInt64BE(at) : BigInt(bytes.readUIntBE(at, width));
      const after = lie(own, before, width * 8, bytes.length);
      if (width === 8) bytes.writeBigUInt64BE(after, at);
      else bytes.writeUIntBE(Number(after), at, width);
      break;
    }
    return bytes;
  };
}
