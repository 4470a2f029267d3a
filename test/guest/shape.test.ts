/** The emulator that is installed is the one whose insides are used. */
import { readFileSync } from "node:fs";
import { V86 } from "v86";
import { expect, test } from "vitest";
import { shapeProblem } from "../../src/guest/v86-shape.ts";

test("the emulator has the shape that the machine relies on", async () => {
  const emulator = new V86({
    wasm_fn: async (imports: WebAssembly.Imports) => (await WebAssembly.instantiate(readFileSync("node_modules/v86/build/v86.wasm"), imports)).instance.exports,
    memory_size: 2 ** 20,
    virtio_balloon: true,
    autostart: false,
    disable_speaker: true,
  });
  await new Promise<void>((resolve) => emulator.add_listener("emulator-ready", () => resolve()));
  expect(shapeProblem(emulator)).toBe(null);
  await emulator.destroy();
});

test("an emulator of another shape is refused by name", () => {
  expect(shapeProblem({})).toBe("the emulator: it has no run");
  const methods = { run: () => 0, stop: () => 0, destroy: () => 0, add_listener: () => 0, serial_send_bytes: () => 0 };
  expect(shapeProblem({ ...methods })).toBe("its processor: it is not there");
  const cpu = { write_blob: () => 0, reboot_internal: () => 0, io: { port_write8: () => 0 }, devices: { pci: { isa_bridge_space8: new Uint8Array(256), device_spaces: [] } } };
  expect(shapeProblem({ ...methods, v86: { cpu } })).toBe("its virtio device: it is not there");
});
