import { expect, it } from "vitest";
import { traceLine, tracedBy } from "../../../src/command/trace-lines.ts";
import type { ZoneOperation } from "../../../src/protocol/index.ts";

const when = { seq: 1, timeMs: 0, type: "trace" } as const;

it("prints the events as QEMU's log has them", () => {
  expect(traceLine({ ...when, name: "qcow2_wp_tracking", zone: 3, sectors: 0x180008 })).toBe("qcow2_wp_tracking wps[3]: 0x180008\n");
  const open = (operation: ZoneOperation): string => traceLine({ ...when, name: "qcow2_imp_open_zones", operation, count: 2 });
  expect(open("write")).toBe("qcow2_imp_open_zones nr_imp_open_zones after op 0x24: 2\n");
  expect(open("append")).toBe("qcow2_imp_open_zones nr_imp_open_zones after op 0x24: 2\n");
  expect(open("open")).toContain("op 0x0: 2");
  expect(open("close")).toContain("op 0x1: 2");
  expect(open("finish")).toContain("op 0x2: 2");
  expect(open("reset")).toContain("op 0x3: 2");
});

it("knows which events a pattern means", () => {
  expect(tracedBy("*")).toEqual(["qcow2_wp_tracking", "qcow2_imp_open_zones"]);
  expect(tracedBy("qcow2_*")).toHaveLength(2);
  expect(tracedBy("enable=qcow2_wp*,file=/dev/null")).toEqual(["qcow2_wp_tracking"]);
  expect(tracedBy("qcow2_wp_trackin")).toEqual([]);
  expect(tracedBy("qcow2.wp.tracking")).toEqual([]);
  expect(tracedBy("")).toEqual([]);
});
