/**
 * Composition root of the guest's worker: the emulated machine, its files, the terminal's bytes to and from the page, and its disks over
 * a port to the engine's worker. Decides nothing of zones, and nothing of when a guest is started.
 */
import emulatorAddress from "v86/build/v86.wasm?url";
import { assert } from "../base/assert.ts";
import { BlockDevice } from "../guest/block-device.ts";
import { Machine } from "../guest/machine.ts";
import type { MachineFiles } from "../guest/machine.ts";
import type { GuestCallMessage, GuestCallName, GuestCommand, GuestFile, GuestNotice, GuestProblem, GuestReplyMessage, Outcome, Perform } from "../protocol/index.ts";
import { fetchGuestFile } from "./guest-files.ts";

/** What was built with this program: names, sizes and checksums, the emulator's WebAssembly among them. */
declare const GUEST_FILES: readonly GuestFile[];

const scope = self as unknown as DedicatedWorkerGlobalScope;
const tell = (notice: GuestNotice, handedOver: Transferable[] = []): void => scope.postMessage(notice, handedOver);
const fail = (problem: GuestProblem): void => tell({ notice: "failed", problem });

const EMULATOR = "v86.wasm";
const KERNEL = "linux.img";
const INITRAMFS = "initramfs.img";

/** Beside the program; a worker lies in a folder below it. */
const addressOf = (name: string): string => (name === EMULATOR ? emulatorAddress : new URL(`../guest/${name}`, location.href).href);

let machine: Machine | null = null;

scope.onmessage = (event: MessageEvent<GuestCommand>) => {
  const { data } = event;
  if (data.command === "type") machine?.send(data.bytes);
  else start(data).catch((error: unknown) => fail({ code: "machine", detail: String(error) }));
};

async function start({ parts: { disks, memoryBytes, extras }, port }: Extract<GuestCommand, { command: "start" }>): Promise<void> {
  const files = await fetchFiles(extras);
  if (files === null) return;
  const perform = performOver(port);
  machine = await Machine.start({
    files,
    memoryBytes,
    disks: disks.map(({ handle, facts }) => new BlockDevice(perform, handle, facts)),
    onSerial: (bytes) => tell({ notice: "serial", bytes }, [bytes.buffer as ArrayBuffer]),
    onPowerOff: () => tell({ notice: "off" }),
  });
  tell({ notice: "running" });
}

/** One after the other, so that what is told is one number that grows. null where one could not be had, which is told. */
async function fetchFiles(extras: readonly string[]): Promise<MachineFiles | null> {
  if (typeof WebAssembly === "undefined") return fail({ code: "browser", lacks: "webassembly" }), null;
  if (typeof crypto === "undefined" || crypto.subtle === undefined) return fail({ code: "browser", lacks: "checksums" }), null;
  const wanted = [EMULATOR, KERNEL, INITRAMFS, ...extras].map((name) => {
    const file = GUEST_FILES.find((known) => known.name === name);
    assert(file !== undefined, `${name} is no file that this program was built with`);
    return file;
  });
  const totalBytes = wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const fetched: Uint8Array[] = [];
  let before = 0;
  for (const file of wanted) {
    const outcome = await fetchGuestFile({ ...file, address: addressOf(file.name) }, (bytes) => tell({ notice: "loading", file: file.name, loadedBytes: before + bytes, totalBytes }));
    if (!outcome.ok) return fail(outcome.error), null;
    before += file.sizeBytes;
    fetched.push(outcome.value);
  }
  const [emulator, kernel, ...archives] = fetched as [Uint8Array, Uint8Array, ...Uint8Array[]];
  return { emulator: emulator as Uint8Array<ArrayBuffer>, kernel, initramfs: endToEnd(archives) };
}

/** Linux unpacks one archive after the other; each begins on a border of four bytes. */
function endToEnd(archives: readonly Uint8Array[]): Uint8Array {
  const border = (length: number): number => Math.ceil(length / 4) * 4;
  const joined = new Uint8Array(archives.reduce((sum, { length }) => sum + border(length), 0));
  let at = 0;
  for (const archive of archives) {
    joined.set(archive, at);
    at += border(archive.length);
  }
  return joined;
}

/** The engine behind a port, as a block device calls it. */
function performOver(port: MessagePort): Perform {
  const waiting = new Map<number, (outcome: Outcome<GuestCallName>) => void>();
  let nextId = 1;
  port.onmessage = (event: MessageEvent<GuestReplyMessage>) => {
    const { id, outcome } = event.data;
    waiting.get(id)?.(outcome);
    waiting.delete(id);
  };
  return (name, request) =>
    new Promise((resolve) => {
      const id = nextId++;
      waiting.set(id, resolve);
      const message = { id, name, request } as GuestCallMessage;
      const { data } = request as { readonly data?: Uint8Array | null };
      // The block device has its bytes copied out of the guest's memory already, and forgets them.
      port.postMessage(message, data instanceof Uint8Array && data.buffer instanceof ArrayBuffer ? [data.buffer] : []);
    });
}
