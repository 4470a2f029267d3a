/** A scripted engine for command tests: answers by call name, and remembers what it was asked. */
import type { CallName, DeviceFacts, Outcome, Perform, RequestOf } from "../../../src/protocol/index.ts";

type Answers = { [Name in CallName]?: (request: RequestOf<Name>) => Outcome<Name> };

export interface FakeEngine {
  readonly perform: Perform;
  /** "name {request}" by call. */
  readonly calls: string[];
}

const done = { ok: true, value: { done: true } } as const;

export function fakeEngine(answers: Answers = {}): FakeEngine {
  const calls: string[] = [];
  const standard: Answers = {
    create: () => done,
    open: ({ file }) => ({ ok: true, value: { handle: 1, facts: plainFacts(file) } }),
    close: () => done,
    facts: () => ({ ok: true, value: plainFacts("disk.qcow2") }),
    flush: () => done,
    write: () => done,
    writeZeroes: () => done,
    discard: () => done,
    manage: () => done,
    append: ({ offset }) => ({ ok: true, value: { offset } }),
    read: ({ length, wantData }) => ({ ok: true, value: { data: wantData ? new Uint8Array(length).fill(0x41) : null, mismatchOffset: null } }),
    map: ({ offset, length }) => ({
      ok: true,
      value: { extents: [{ start: offset, length, allocated: false, zero: true, data: false, compressed: false, depth: 0, hostOffset: null }], next: null },
    }),
  };
  const all: Answers = { ...standard, ...answers };
  const perform: Perform = async (name, request) => {
    calls.push(`${name} ${JSON.stringify(request)}`);
    const answer = all[name] as ((request: unknown) => Outcome<typeof name>) | undefined;
    if (answer === undefined) throw new Error(`no answer to ${name}`);
    return answer(request);
  };
  return { perform, calls };
}

export function plainFacts(file: string, readOnly = false): DeviceFacts {
  const bytes = <Value>(value: number): Value => value as Value;
  return {
    image: {
      file,
      format: "qcow2",
      readOnly,
      readOnlyReason: null,
      virtualSize: bytes(67108864),
      fileSize: bytes(196616),
      allocatedSize: bytes(200704),
      clusterSize: bytes(65536),
      version: 3,
      refcountBits: 16,
      compressionType: "zlib",
      lazyRefcounts: false,
      corrupt: false,
      dirty: false,
      encryption: null,
      backingFile: null,
      backingFormat: null,
      fullBackingFile: null,
      externalData: false,
      dataFile: null,
      dataFileRaw: false,
      openedDataFile: null,
      extendedL2: false,
      dataFiles: [],
    snapshotCount: 0,
      vmStateOffset: bytes(536870912),
    },
    zoned: null,
  };
}

export function zonedFacts(file: string): DeviceFacts {
  const bytes = <Value>(value: number): Value => value as Value;
  return {
    ...plainFacts(file),
    zoned: {
      dialect: "v4",
      policy: "qcow2",
      geometry: {
        deviceSize: bytes(67108864),
        zoneSize: bytes(16777216),
        zoneCapacity: bytes(16777216),
        zoneCount: 4,
        conventionalZones: 0,
        maxOpenZones: 2,
        maxActiveZones: 3,
        maxAppendBytes: bytes(65536),
      },
      findings: [{ code: "pointer-not-sector-aligned", zone: 1, hostOffset: 196616, stored: 16777217 }],
      pointers: { empty: 2, closed: 1, full: 1, conventional: 0, bytesBelow: 16778240 },
    },
  };
}
