/** An engine over memory or a folder for tests, with short-hands that fail the test when a call fails unexpectedly. */
import { MemoryFiles } from "../bytes/memory-files.ts";
import type { FileSpace } from "../bytes/file-space.ts";
import { Engine } from "../engine/engine.ts";
import type { CallName, CreateOptions, Failure, Notice, ReplyOf, RequestOf, ZonedCreateOptions } from "../protocol/index.ts";

export const KIB = 1024;
export const MIB = 1024 * 1024;

export interface EngineFixture {
  readonly engine: Engine;
  readonly notices: Notice[];
  /** Performs a call that must succeed. */
  ok<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<ReplyOf<Name>>;
  /** Performs a call that must fail, and returns the failure. */
  fail<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<Failure>;
}

export function engineFixture(files: FileSpace = new MemoryFiles()): EngineFixture {
  const notices: Notice[] = [];
  const engine = new Engine({ files, notify: (notice) => notices.push(notice), now: () => 0 });
  return {
    engine,
    notices,
    async ok(name, request) {
      const outcome = await engine.perform(name, request);
      if (!outcome.ok) throw new Error(`${name} failed: ${JSON.stringify(outcome.error)}`);
      return outcome.value;
    },
    async fail(name, request) {
      const outcome = await engine.perform(name, request);
      if (outcome.ok) throw new Error(`${name} succeeded and should not have`);
      return outcome.error;
    },
  };
}

const ZONED: ZonedCreateOptions = {
  dialect: "v4",
  zoneSize: MIB,
  zoneCapacity: MIB,
  conventionalZones: 0,
  maxOpenZones: 0,
  maxActiveZones: 0,
  maxAppendBytes: 64 * KIB,
};

/** Create options with defaults: 12 zones of 1 MiB; `zoned: null` for a plain image. */
export function createOptions(changes: Partial<Omit<CreateOptions, "zoned">> & { zoned?: Partial<ZonedCreateOptions> | null } = {}): CreateOptions {
  const { zoned, ...rest } = changes;
  return { sizeBytes: 12 * MIB, clusterSize: 64 * KIB, refcountBits: 16, ...rest, zoned: zoned === null ? null : { ...ZONED, ...zoned } };
}
