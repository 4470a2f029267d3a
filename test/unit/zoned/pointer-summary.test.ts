import { expect, it } from "vitest";
import { KIB, MIB, createOptions, engineFixture } from "../../../src/testing/engine-fixture.ts";

it("counts zones by the condition after a power cycle, and the bytes that they hold", async () => {
  const fixture = engineFixture();
  const zoned = { zoneSize: MIB, zoneCapacity: 768 * KIB, conventionalZones: 1 };
  await fixture.ok("create", { file: "z.qcow2", options: createOptions({ sizeBytes: 7 * MIB + 256 * KIB, zoned }) });
  const { handle, facts } = await fixture.ok("open", { file: "z.qcow2", readOnly: false, format: null });
  expect(facts.zoned?.pointers).toEqual({ empty: 7, closed: 0, full: 0, conventional: 1, bytesBelow: 0 });
  const pointers = async () => (await fixture.ok("facts", { handle })).zoned?.pointers;
  const write = (zone: number, length: number) => fixture.ok("write", { handle, offset: zone * MIB, length, pattern: 1, data: null });
  await write(0, 512);
  await write(1, 4 * KIB);
  expect(await pointers()).toEqual({ empty: 6, closed: 1, full: 0, conventional: 1, bytesBelow: 4 * KIB });
  // Full by writing, by finishing, and a short last zone that is finished; open and empty zones count as what they become.
  await write(2, 768 * KIB);
  await fixture.ok("manage", { handle, operation: "finish", offset: 3 * MIB, length: MIB });
  await fixture.ok("manage", { handle, operation: "finish", offset: 7 * MIB, length: 256 * KIB });
  await fixture.ok("manage", { handle, operation: "open", offset: 4 * MIB, length: MIB });
  const full = { empty: 3, closed: 1, full: 3, conventional: 1, bytesBelow: 4 * KIB + 2 * 768 * KIB + 256 * KIB };
  expect(await pointers()).toEqual(full);
  await fixture.ok("powerCycle", { handle });
  expect(await pointers()).toEqual(full);
  await fixture.ok("manage", { handle, operation: "reset", offset: 0, length: 7 * MIB + 256 * KIB });
  expect(await pointers()).toEqual({ empty: 7, closed: 0, full: 0, conventional: 1, bytesBelow: 0 });
});
