/** A guest over an engine in memory, and its console as a test uses it: a line goes in, what comes back until the next prompt is returned. */
import { readFileSync } from "node:fs";
import { BlockDevice } from "../../src/guest/block-device.ts";
import { EXTRA_FILES, PROMPT } from "../../src/guest/sessions.ts";
import type { GuestExtra } from "../../src/guest/sessions.ts";
import { Machine } from "../../src/guest/machine.ts";
import { engineFixture } from "../../src/testing/engine-fixture.ts";
import type { EngineFixture } from "../../src/testing/engine-fixture.ts";
import type { CreateOptions } from "../../src/protocol/index.ts";

const MIB = 2 ** 20;

export interface Answer {
  readonly text: string;
  readonly status: number;
}

export class Session {
  readonly machine: Machine;
  readonly fixture: EngineFixture;
  readonly handles: readonly number[];
  /** From switching on to the first prompt. */
  readonly bootMs: number;
  private readonly serial: Serial;

  private constructor(machine: Machine, fixture: EngineFixture, handles: readonly number[], serial: Serial, bootMs: number) {
    this.machine = machine;
    this.fixture = fixture;
    this.handles = handles;
    this.serial = serial;
    this.bootMs = bootMs;
  }

  /** Makes the disks, attaches them as /dev/vda and so on, and waits for the prompt. */
  static async start(disks: readonly CreateOptions[], memoryBytes = 48 * MIB, extras: readonly GuestExtra[] = []): Promise<Session> {
    const fixture = engineFixture();
    const handles: number[] = [];
    for (const [index, options] of disks.entries()) {
      await fixture.ok("create", { file: `disk${index}`, options });
      handles.push((await fixture.ok("open", { file: `disk${index}`, format: "qcow2", readOnly: false })).handle);
    }
    return Session.attach(fixture, handles, memoryBytes, extras);
  }

  /** Attaches what is open. */
  static async attach(fixture: EngineFixture, handles: readonly number[], memoryBytes = 48 * MIB, extras: readonly GuestExtra[] = []): Promise<Session> {
    const devices: BlockDevice[] = [];
    for (const handle of handles) devices.push(new BlockDevice(fixture.engine.perform, handle, await fixture.ok("facts", { handle })));
    const serial = new Serial();
    const start = performance.now();
    const machine = await Machine.start({
      files: { emulator: readFileSync("node_modules/v86/build/v86.wasm"), kernel: readFileSync("public/guest/linux.img"), initramfs: Buffer.concat(["initramfs.img", ...extras.map((extra) => EXTRA_FILES[extra])].map((name) => readFileSync(`public/guest/${name}`))) },
      memoryBytes,
      disks: devices,
      onSerial: (bytes) => serial.heard(bytes),
      onPowerOff: () => serial.heard(new TextEncoder().encode("[off]\n")),
    });
    await serial.until(PROMPT);
    const session = new Session(machine, fixture, handles, serial, performance.now() - start);
    // Lines that are echoed broken are no lines of an answer.
    await session.run("stty cols 1000");
    return session;
  }

  /** Types a line and waits for what it says and how it ended. */
  async run(line: string): Promise<Answer> {
    this.serial.forget();
    this.machine.send(new TextEncoder().encode(`${line}; echo "[status $?]"\r`));
    const text = await this.serial.until(/\[status \d+\]\n[^]*zoned:[^\n]*# $/);
    const [, said = "", status] = /^[^\n]*\n([^]*)\[status (\d+)\]\n[^\n]*$/.exec(text) ?? [];
    return { text: said, status: Number(status) };
  }

  /** Types what ends the machine, "poweroff" say, and waits until it is off. */
  async end(line: string): Promise<void> {
    this.serial.forget();
    this.machine.send(new TextEncoder().encode(`${line}\r`));
    await this.serial.until(/\[off\]\n$/);
  }
}

/** The serial line as text without control sequences. */
class Serial {
  private text = "";
  private waiting: { readonly pattern: RegExp; readonly resolve: (text: string) => void } | null = null;

  heard(bytes: Uint8Array): void {
    this.text += new TextDecoder("latin1").decode(bytes);
    this.text = this.text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "");
    if (this.waiting?.pattern.test(this.text) === true) this.waiting.resolve(this.text);
  }

  forget(): void {
    this.text = "";
  }

  /** Fails after two minutes, which a busy machine may need, with what was said until then. */
  until(pattern: RegExp): Promise<string> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the guest did not say ${String(pattern)}; it said:\n${this.text}`)), 120_000);
      const done = (text: string): void => {
        clearTimeout(timer);
        this.waiting = null;
        resolve(text);
      };
      this.waiting = { pattern, resolve: done };
      if (pattern.test(this.text)) done(this.text);
    });
  }
}
