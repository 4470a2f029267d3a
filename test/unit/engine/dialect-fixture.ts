/** The engine's fixture together with its file space, so that a test can look at and damage what lies in it. */
import type { FileSpace } from "../../../src/bytes/file-space.ts";
import { MemoryFiles } from "../../../src/bytes/memory-files.ts";
import { engineFixture as fixtureOver } from "../../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../../src/testing/engine-fixture.ts";

export { KIB, MIB, createOptions } from "../../../src/testing/engine-fixture.ts";
export const GIB = 2 ** 30;

export function engineFixture(files: FileSpace = new MemoryFiles()): EngineFixture & { readonly files: FileSpace } {
  return { ...fixtureOver(files), files };
}
