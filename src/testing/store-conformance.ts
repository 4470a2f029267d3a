/**
 * What every ByteStore promises (bytes/byte-store.ts), as checks that any home can be put through: under vitest, and in a
 * browser's worker. A check throws when the promise is broken. Knows no home.
 */
import { Random } from "../base/random.ts";
import { readExactly, readPadded } from "../bytes/byte-store.ts";
import type { ByteStore } from "../bytes/byte-store.ts";
import { faults, same, sameBytes, sample } from "./expect.ts";

export interface StoreHome {
  /** A fresh, empty, writable store; what an earlier check made is gone or not in the way. */
  make(): Promise<ByteStore>;
  /** Opens again what make() made last and was closed since; null where a home forgets. */
  readonly reopen: ((readOnly: boolean) => Promise<ByteStore>) | null;
}

export interface Check<Home> {
  readonly name: string;
  run(home: Home): Promise<void>;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

function bytesAt(store: ByteStore, offset: number, length: number): Uint8Array {
  // Filled first, so that a store which only counts bytes and does not put them is caught.
  const into = new Uint8Array(length).fill(0xee);
  return into.subarray(0, store.read(offset, into));
}

/** A check over one fresh store, which is closed at the end whatever happens. */
function check(name: string, act: (store: ByteStore) => void): Check<StoreHome> {
  return {
    name,
    async run(home) {
      const store = await home.make();
      try {
        act(store);
      } finally {
        store.close();
      }
    },
  };
}

export const storeChecks: readonly Check<StoreHome>[] = [
  check("a fresh store is empty and writable", (store) => {
    same(store.size(), 0, "size");
    same(store.readOnly, false, "readOnly");
    same(bytesAt(store, 0, 16).length, 0, "count read");
  }),
  check("what is written at a position is read there", (store) => {
    store.write(0, sample(1000, 1));
    store.write(100, sample(50, 2));
    const expected = sample(1000, 1);
    expected.set(sample(50, 2), 100);
    sameBytes(bytesAt(store, 0, 1000), expected, "all of it");
    sameBytes(bytesAt(store, 120, 10), expected.subarray(120, 130), "a part of it");
    same(store.size(), 1000, "size");
  }),
  check("a subarray is written from its own first byte, and read into its own range alone", (store) => {
    store.write(0, sample(100, 3).subarray(40, 60));
    const around = new Uint8Array(40).fill(0xaa);
    same(store.read(0, around.subarray(10, 30)), 20, "count");
    sameBytes(around.subarray(10, 30), sample(100, 3).subarray(40, 60), "the bytes");
    same(around[9] === 0xaa && around[30] === 0xaa, true, "bytes around are untouched");
  }),
  check("the caller's buffer is the caller's again once write returns", (store) => {
    const buffer = sample(64, 4);
    store.write(0, buffer);
    buffer.fill(0);
    sameBytes(bytesAt(store, 0, 64), sample(64, 4), "the bytes");
  }),
  check("a read is short at the end alone, and leaves the rest of the buffer", (store) => {
    store.write(0, sample(100, 5));
    const into = new Uint8Array(50).fill(0xaa);
    same(store.read(80, into), 20, "count across the end");
    sameBytes(into.subarray(0, 20), sample(100, 5).subarray(80), "the bytes");
    same(into[20], 0xaa, "the byte behind");
    same(store.read(100, into), 0, "count at the end");
    same(store.read(5 * MIB, into), 0, "count far behind the end");
  }),
  check("a gap reads as zeros", (store) => {
    store.write(0, sample(10, 6));
    store.write(200_000, sample(10, 7));
    sameBytes(bytesAt(store, 10, 199_990), new Uint8Array(199_990), "the gap");
    sameBytes(bytesAt(store, 200_000, 10), sample(10, 7), "behind it");
    same(store.size(), 200_010, "size");
  }),
  check("overlapping writes: the later wins, before and after a flush", (store) => {
    const expected = new Uint8Array(10_000);
    const put = (offset: number, length: number, seed: number): void => {
      store.write(offset, sample(length, seed));
      expected.set(sample(length, seed), offset);
    };
    put(0, 10_000, 1);
    put(4096, 4096, 2);
    put(4000, 200, 3);
    put(8100, 1900, 4);
    store.flush();
    put(4090, 20, 5);
    put(0, 5000, 6);
    put(4999, 2, 7);
    sameBytes(bytesAt(store, 0, 10_000), expected, "all of it");
  }),
  check("truncate shrinks, and growing again reads zeros", (store) => {
    store.write(0, sample(100_000, 8));
    store.truncate(70_001);
    same(store.size(), 70_001, "size after shrinking");
    same(bytesAt(store, 70_000, 10).length, 1, "count at the new end");
    store.truncate(100_000);
    same(store.size(), 100_000, "size after growing");
    sameBytes(bytesAt(store, 0, 70_001), sample(100_000, 8).subarray(0, 70_001), "what was kept");
    sameBytes(bytesAt(store, 70_001, 29_999), new Uint8Array(29_999), "what was cut");
    store.truncate(0);
    same(store.size(), 0, "size of nothing");
  }),
  check("a write behind a shrunken end leaves zeros between", (store) => {
    store.write(0, sample(1000, 9));
    store.truncate(100);
    store.write(500, sample(10, 9));
    sameBytes(bytesAt(store, 100, 400), new Uint8Array(400), "the gap");
  }),
  check("truncate grows an empty store", (store) => {
    store.truncate(3 * MIB);
    same(store.size(), 3 * MIB, "size");
    sameBytes(bytesAt(store, 3 * MIB - 100, 200), new Uint8Array(100), "its last bytes");
  }),
  check("offsets beyond 4 GiB are kept apart from those below", (store) => {
    const far = 5 * GIB + 123;
    store.write(far % (4 * GIB), sample(50, 10));
    store.write(far, sample(50, 11));
    same(store.size(), far + 50, "size");
    sameBytes(bytesAt(store, far, 50), sample(50, 11), "far");
    sameBytes(bytesAt(store, far % (4 * GIB), 50), sample(50, 10), "near");
    sameBytes(bytesAt(store, 3 * GIB, 50), new Uint8Array(50), "the hole");
    store.truncate(4 * GIB + 1);
    same(store.size(), 4 * GIB + 1, "size after truncate");
  }),
  check("nothing is a length: empty reads and writes do nothing", (store) => {
    same(store.read(0, new Uint8Array(0)), 0, "count of an empty store");
    store.write(1000, new Uint8Array(0));
    same(store.size(), 0, "an empty write does not extend");
    store.write(0, sample(10, 12));
    same(store.read(5, new Uint8Array(0)), 0, "count");
    same(store.size(), 10, "size");
  }),
  check("a large transfer is whole", (store) => {
    store.write(777, sample(5 * MIB + 11, 13));
    sameBytes(bytesAt(store, 777, 5 * MIB + 11), sample(5 * MIB + 11, 13), "all of it");
  }),
  check("readPadded pads, readExactly faults at the end", (store) => {
    store.write(0, sample(10, 14));
    const into = new Uint8Array(20).fill(0xaa);
    readPadded(store, 5, into);
    sameBytes(into.subarray(5), new Uint8Array(15), "the padding");
    sameBytes(readExactly(store, 2, 8), sample(10, 14).subarray(2), "exactly");
    faults("short-read", () => readExactly(store, 3, 8), "one byte too many");
  }),
  check("a range that cannot be one is a bug, not a Fault", (store) => {
    for (const offset of [-1, 0.5, Number.NaN, 2 ** 53]) {
      let name = "nothing";
      try {
        store.read(offset, new Uint8Array(1));
      } catch (thrown) {
        name = thrown instanceof Error ? thrown.name : "something else";
      }
      same(name, "AssertionFailure", `thrown for offset ${offset}`);
    }
  }),
  check("a closed store answers every call but close with a Fault", (store) => {
    store.write(0, sample(10, 15));
    store.close();
    faults("closed", () => store.size(), "size");
    faults("closed", () => store.read(0, new Uint8Array(1)), "read");
    faults("closed", () => store.write(0, new Uint8Array(1)), "write");
    faults("closed", () => store.truncate(0), "truncate");
    faults("closed", () => store.flush(), "flush");
    store.close();
  }),
  check("random operations agree with an array of bytes (seeds 1 to 6)", (store) => {
    for (let seed = 1; seed <= 6; seed++) {
      store.truncate(0);
      randomly(store, seed);
    }
  }),
  {
    name: "what was written is there after close and reopen",
    async run(home) {
      const store = await home.make();
      store.write(0, sample(100_000, 16));
      store.write(2 * MIB, sample(10, 17));
      store.flush();
      store.write(50, sample(10, 18));
      store.close();
      if (home.reopen === null) return;
      for (const readOnly of [true, false]) {
        const again = await home.reopen(readOnly);
        try {
          same(again.readOnly, readOnly, "readOnly");
          same(again.size(), 2 * MIB + 10, "size");
          sameBytes(bytesAt(again, 50, 10), sample(10, 18), "written after the flush");
          sameBytes(bytesAt(again, 60, 99_940), sample(100_000, 16).subarray(60), "written before it");
          sameBytes(bytesAt(again, 2 * MIB, 10), sample(10, 17), "behind the gap");
        } finally {
          again.close();
        }
      }
    },
  },
  {
    name: "a store opened for reading faults on every change and changes nothing",
    async run(home) {
      const store = await home.make();
      store.write(0, sample(100, 19));
      store.close();
      if (home.reopen === null) return;
      const again = await home.reopen(true);
      try {
        refusesChanges(again, sample(100, 19));
      } finally {
        again.close();
      }
    },
  },
];

/** A model of at most 3 MiB against the store: writes of all sizes, runs of small appends, truncations, reads, flushes. */
function randomly(store: ByteStore, seed: number): void {
  const random = new Random(seed);
  const room = 3 * MIB;
  const model = new Uint8Array(room);
  let length = 0;
  const tails = Array.from({ length: 20 }, () => random.below(room));
  const write = (offset: number, wanted: number): number => {
    const count = Math.min(wanted, room - offset);
    const from = sample(count, random.below(1000));
    store.write(offset, from);
    model.set(from, offset);
    if (count > 0) length = Math.max(length, offset + count);
    return count;
  };
  for (let step = 0; step < 600; step++) {
    const what = `seed ${seed}, step ${step}`;
    const choice = random.below(100);
    if (choice < 40) {
      const tail = random.below(tails.length);
      tails[tail] = (tails[tail]! + write(tails[tail]!, 512 * (1 + random.below(16)))) % room;
    } else if (choice < 60) write(random.below(room), random.below(random.pick([16, 4096, 70_000, 600_000])));
    else if (choice < 90) {
      const offset = random.below(room);
      const asked = random.below(random.pick([16, 4096, 300_000]));
      sameBytes(bytesAt(store, offset, asked), model.subarray(offset, Math.max(offset, Math.min(length, offset + asked))), what);
    } else if (choice < 93) {
      const size = random.below(room);
      store.truncate(size);
      if (size < length) model.fill(0, size);
      length = size;
    } else if (choice < 96) store.flush();
    else same(store.size(), length, `${what}, size`);
  }
  store.flush();
  sameBytes(bytesAt(store, 0, room), model.subarray(0, length), `seed ${seed}, at the end`);
}

function refusesChanges(store: ByteStore, contents: Uint8Array): void {
  faults("read-only", () => store.write(0, new Uint8Array(1)), "write");
  faults("read-only", () => store.truncate(1), "truncate");
  store.flush();
  sameBytes(bytesAt(store, 0, contents.length + 1), contents, "the contents");
}

export interface ReadOnlyHome {
  /** A store opened for reading over exactly these bytes. */
  make(contents: Uint8Array<ArrayBuffer>): Promise<ByteStore>;
}

function readOnlyCheck(name: string, length: number, act: (store: ByteStore, contents: Uint8Array) => void): Check<ReadOnlyHome> {
  return {
    name,
    async run(home) {
      const contents = sample(length, 21);
      const store = await home.make(contents.slice());
      try {
        act(store, contents);
      } finally {
        store.close();
      }
    },
  };
}

/** The promises of a home that can only read. */
export const readOnlyStoreChecks: readonly Check<ReadOnlyHome>[] = [
  readOnlyCheck("its size is that of its contents", 12_345, (store) => {
    same(store.size(), 12_345, "size");
    same(store.readOnly, true, "readOnly");
  }),
  readOnlyCheck("an empty one reads nothing", 0, (store) => {
    same(store.size(), 0, "size");
    same(bytesAt(store, 0, 10).length, 0, "count");
  }),
  readOnlyCheck("every range is read, short at the end alone", 300_000, (store, contents) => {
    for (const [offset, length] of [[0, 10], [65_530, 12], [1, 299_999], [299_990, 20], [300_000, 5], [400_000, 5], [131_072, 65_536], [10, 0], [64, 64]] as const) {
      sameBytes(bytesAt(store, offset, length), contents.subarray(offset, offset + length), `${offset} + ${length}`);
    }
  }),
  readOnlyCheck("random reads agree with the contents (seed 1)", 500_000, (store, contents) => {
    const random = new Random(1);
    for (let step = 0; step < 300; step++) {
      const offset = random.below(510_000);
      const length = random.below(random.pick([16, 4096, 200_000]));
      sameBytes(bytesAt(store, offset, length), contents.subarray(offset, offset + length), `step ${step}`);
    }
  }),
  readOnlyCheck("every change is a Fault", 100, (store, contents) => refusesChanges(store, contents)),
  readOnlyCheck("a closed one answers every call but close with a Fault", 100, (store) => {
    store.close();
    faults("closed", () => store.size(), "size");
    faults("closed", () => store.read(0, new Uint8Array(1)), "read");
    store.close();
  }),
];
