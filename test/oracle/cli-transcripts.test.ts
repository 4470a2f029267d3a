/**
 * Sessions with the patched builds, command by command: the answers here are theirs, but where the rules of the page mend what the
 * builds do. v9 is held against the profile `qcow2`, v4 against `v4-as-posted`, with the limits as v4 stores them. Each command of a
 * transcript was one process, so that each is one engine here. Zone semantics, "Transitions" and "Other profiles".
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { NodeFiles } from "../../src/bytes/node-files.ts";
import { runConsoleLine } from "../../src/command/console.ts";
import type { ConsoleHost } from "../../src/command/console.ts";
import { Engine } from "../../src/engine/engine.ts";
import { patchedImage, rawExtension } from "../unit/engine/images.ts";
import { mask, runOurs } from "./cli-harness.ts";
import { hasDepartures, patchExtension, readTranscript } from "./transcripts.ts";
import type { HeaderPatch, Process } from "./transcripts.ts";

const IMAGE = "t.qcow2";
/** Of a qemu-io line in the transcripts: -f qcow2 t.qcow2, and the commands with -c before each. */
const commandsOf = ({ argv }: Process): string[] => argv.slice(4).filter((word) => word !== "-c");
/** The builds print reasons of their own before some refusals, which are no part of the command's answer. */
const withoutAsides = (lines: readonly string[]): string[] => lines.filter((line) => !line.startsWith("qemu-io: "));
const linesOf = (text: string): string[] => (text === "" ? [] : text.trimEnd().split("\n"));

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));
function newFolder(): string {
  folders.push(mkdtempSync(join(tmpdir(), "zonescope-transcript-")));
  return folders.at(-1)!;
}

function patchFile(folder: string, patch: HeaderPatch): void {
  const image = readFileSync(join(folder, IMAGE));
  patchExtension(image, patch);
  writeFileSync(join(folder, IMAGE), image);
}

/** What v4's create makes of its options: the limit of active zones is stored as that of open ones, and itself as none. */
function asV4Stores(folder: string, argv: readonly string[]): void {
  patchFile(folder, { field: "max_open", value: Number(/max_active_zones=(\d+)/.exec(argv.join(" "))![1]) });
  patchFile(folder, { field: "max_active", value: 0 });
}

type Answered = Pick<Process, "answer" | "status">;

async function plainly(folder: string, { argv }: Process): Promise<Answered> {
  const { out, err, status } = await runOurs(folder, argv[0]!, argv.slice(1));
  // A refusal lies among what is printed: qemu-io writes it to standard output.
  return { answer: linesOf(out + err), status };
}

/** qemu-io's commands as a console's lines on the attached image, which follows the profile. */
async function asPosted(folder: string, process: Process): Promise<Answered> {
  if (process.argv[0] === "qemu-img") return plainly(folder, process);
  const engine = new Engine({ files: new NodeFiles(folder), notify: () => undefined, now: () => 0 });
  const opened = await engine.perform("open", { file: IMAGE, readOnly: false, format: "qcow2" });
  if (!opened.ok) throw new Error(JSON.stringify(opened.error));
  const { handle } = opened.value;
  expect((await engine.perform("setProfile", { handle, profile: "v4-as-posted" })).ok).toBe(true);
  let text = "";
  let status = 0;
  const stay = (): Promise<void> => Promise.reject(new Error("the image stays attached"));
  for (const line of commandsOf(process)) {
    const host: ConsoleHost = {
      perform: engine.perform, write: (piece) => void (text += piece), now: () => 0, attached: () => ({ handle, file: IMAGE }), detach: stay, attach: stay, settings: { explain: false },
    };
    const ended = await runConsoleLine(line, host);
    // The next command is run whatever became of this one; one that failed makes the process fail.
    status = Math.max(status, ended.status);
  }
  expect(await engine.shutDown()).toBe(null);
  return { answer: linesOf(mask(text)), status };
}

/** The extension and the write pointers as they are stored. */
function zonesIn(image: Uint8Array): { readonly extension: string; readonly pointers: string } {
  const { data, metadataOffset, metadataSize } = rawExtension(image);
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  return { extension: hex(data), pointers: hex(image.subarray(metadataOffset, metadataOffset + metadataSize)) };
}

/** Sessions after which the builds' own image is at hand, and ours has the same zones. */
const SAME_IN_THE_END = ["v4-s02_state_machine", "v9-s02_state_machine", "v9-s05_capacity_lt_size"];

const SCENARIOS = ["s02_state_machine", "s05_capacity_lt_size", "s11_max_open_implicit", "s12_max_active", "s13_explicit_open_limit"];

describe.each([
  ["v9", plainly],
  ["v4", asPosted],
] as const)("%s", (dialect, answer) => {
  it.each(SCENARIOS)("%s", async (scenario) => {
    const name = `${dialect}-${scenario}`;
    const folder = newFolder();
    const departures = hasDepartures(name) ? (readTranscript(`${name}.ours`) as Process[]) : [];
    let next = 0;
    for (const [index, entry] of readTranscript(name).entries()) {
      if ("field" in entry) {
        patchFile(folder, entry);
        continue;
      }
      const creates = entry.argv[1] === "create";
      if (creates) rmSync(join(folder, IMAGE), { force: true });
      const got = await answer(folder, entry);
      if (creates && dialect === "v4") asV4Stores(folder, entry.argv);
      const theirs = { answer: withoutAsides(entry.answer), status: entry.status };
      const departs = departures[next]?.argv.join(" ") === entry.argv.join(" ");
      if (departs) expect(departures[next], "a departure departs").not.toMatchObject(theirs);
      const { answer: lines, status } = departs ? departures[next++]! : theirs;
      expect({ index, argv: entry.argv, ...got }).toEqual({ index, argv: entry.argv, answer: lines, status });
    }
    expect(departures.slice(next), "every departure was met").toEqual([]);
    if (SAME_IN_THE_END.includes(name)) expect(zonesIn(readFileSync(join(folder, IMAGE)))).toEqual(zonesIn(patchedImage(name)));
  });
});
