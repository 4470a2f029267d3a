/** The state's small pieces: ring, console log, sizes, zone columns, names, the create line. */
import { expect, test } from "vitest";
import { Condition, ZoneType } from "../../../src/base/conditions.ts";
import { bytes } from "../../../src/base/units.ts";
import { ConsoleLog } from "../../../src/state/console-log.ts";
import { quoteWord } from "../../../src/command/create-line.ts";
import { createLine, NEW_IMAGE } from "../../../src/state/create-image.ts";
import { freeName } from "../../../src/state/library.ts";
import { Ring } from "../../../src/state/ring.ts";
import { commandSize, formatBytes, parseByte, parseSize } from "../../../src/state/units.ts";
import { ZoneModel } from "../../../src/state/zone-model.ts";

test("a ring keeps the newest, in order, and knows what it forgot", () => {
  const ring = new Ring<number>(3);
  for (let item = 0; item < 5; item++) ring.push(item);
  expect([0, 1, 2, 3].map((index) => ring.at(index))).toEqual([2, 3, 4, undefined]);
  expect(ring.forgotten).toBe(2);
  ring.clear();
  expect([ring.length, ring.forgotten]).toEqual([0, 5]);
});

test("console text is split into lines as a terminal would, and is bounded", () => {
  const log = new ConsoleLog();
  log.write("one\ntw", "out");
  log.write("o\n\nfour", "out");
  log.write("apart\n", "err");
  const lines = log.current().flatMap((block) => block.lines.map((line) => `${line.stream} ${line.text}`));
  expect(lines).toEqual(["out one", "out two", "out ", "out four", "err apart"]);
  const before = log.current()[0];
  for (let line = 0; line < 60; line++) log.write("x\n", "out");
  expect(log.current().length).toBeGreaterThan(1);
  expect(log.current()[0]).not.toBe(before);
  const first = log.current()[0];
  log.write("y\n", "out");
  expect(log.current()[0]).toBe(first);
  for (let line = 0; line < 10_000; line++) log.write("x\n", "out");
  expect(log.current().reduce((sum, block) => sum + block.lines.length, 0)).toBeLessThanOrEqual(2_000);
});

test("a carriage return has the next text overwrite the line, as in a terminal", () => {
  const log = new ConsoleLog();
  const shown = (): string[] => log.current().flatMap(({ lines }) => lines.map(({ text }) => text));
  log.write("    (0.00/100%)\r", "out");
  expect(shown()).toEqual(["    (0.00/100%)"]);
  log.write("    (50.00/100%)\r", "out");
  log.write("    (100.00/100%)\r\nNo errors\n", "out");
  expect(shown()).toEqual(["    (100.00/100%)", "No errors"]);
  log.write("    (100.00/100%)\r", "out");
  log.write("\n", "out");
  log.write("next", "out");
  expect(shown()).toEqual(["    (100.00/100%)", "No errors", "    (100.00/100%)", "next"]);
});

test("sizes are exact in both directions", () => {
  expect([0, 512, 4096, 65536 + 512, 67108864, 67112960].map(formatBytes)).toEqual(["0", "512 B", "4 KiB", "66,048 B", "64 MiB", "65,540 KiB"]);
  for (const size of [0, 512, 4096, 66048, 67112960, 2 ** 40]) expect(parseSize(commandSize(size))).toBe(size);
  expect(["4k", "4 KiB", "0x1000", "1.5M", "65,540 KiB", "12 B"].map(parseSize)).toEqual([4096, 4096, 4096, 1572864, 67112960, 12]);
  expect(["", "k", "4x", "-1", "0.3"].map(parseSize)).toEqual([null, null, null, null, null]);
  expect(["205", "0xcd", "256", "-1", "", "cd"].map(parseByte)).toEqual([205, 205, null, null, null, null]);
});

test("zone columns follow changes, and the counts with them", () => {
  const model = new ZoneModel(
    {
      deviceSize: bytes(3.5 * 65536),
      zoneSize: bytes(65536),
      zoneCapacity: bytes(49152),
      zoneCount: 4,
      conventionalZones: 1,
      maxOpenZones: 0,
      maxActiveZones: 0,
      maxAppendBytes: bytes(0),
    },
    {
      type: Uint8Array.of(ZoneType.CONVENTIONAL, ZoneType.SEQUENTIAL, ZoneType.SEQUENTIAL, ZoneType.SEQUENTIAL),
      condition: Uint8Array.of(Condition.NOT_WP, Condition.EMPTY, Condition.EMPTY, Condition.EMPTY),
      writePointer: Float64Array.of(0, 65536, 131072, 196608),
      writes: new Uint32Array(4),
      bytesWritten: new Float64Array(4),
      resets: new Uint32Array(4),
      finishes: new Uint32Array(4),
      refusals: new Uint32Array(4),
    },
  );
  expect(model.countOf(Condition.EMPTY)).toBe(3);
  expect([0, 1, 3].map((zone) => model.capacity(zone))).toEqual([65536, 49152, 32768]);
  expect(model.used(0)).toBeNull();
  model.apply({
    zone: Uint32Array.of(2, 1),
    condition: Uint8Array.of(Condition.FULL, Condition.IMPLICIT_OPEN),
    writePointer: Float64Array.of(196608, 69632),
    writes: Uint32Array.of(0, 1),
    bytesWritten: Float64Array.of(0, 4096),
    resets: Uint32Array.of(4, 0),
    finishes: Uint32Array.of(1, 0),
    refusals: Uint32Array.of(0, 0),
  });
  expect([Condition.EMPTY, Condition.FULL, Condition.IMPLICIT_OPEN].map((condition) => model.countOf(condition))).toEqual([1, 1, 1]);
  expect([model.used(1), model.used(2)]).toEqual([4096, 49152]);
  expect(model.counted("resets", 2)).toBe(4);
});

test("a name that is taken gets a number", () => {
  expect(freeName("a.qcow2", [])).toBe("a.qcow2");
  expect(freeName("a.qcow2", ["a.qcow2", "a-2.qcow2"])).toBe("a-3.qcow2");
  expect(freeName("plain", ["plain"])).toBe("plain-2");
});

test("the dialog's first values are the posted command", () => {
  expect(createLine({ ...NEW_IMAGE, name: "test.qcow2" }, parseSize)).toBe(
    "qemu-img create -f qcow2 test.qcow2 -o size=768M -o zone_model=1 -o zone_size=64M -o zone_capacity=64M -o nr_conv_zones=0 " +
      "-o max_append_sectors=512 -o max_open_zones=0 -o max_active_zones=0",
  );
  expect(createLine({ ...NEW_IMAGE, name: "my disk", zoned: false, size: "1 GiB" }, parseSize)).toBe("qemu-img create -f qcow2 'my disk' -o size=1G");
  expect(quoteWord("it's")).toBe(`'it'\\''s'`);
});
