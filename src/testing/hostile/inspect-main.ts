/**
 * One call of the inspector over the file "image" in the working folder, as a process of its own: `node inspect-main.mjs CALL`. The page's
 * inspector makes these calls; a process tells what one of them takes of memory. Ends with 0 where it answers, with 1 and a line where it is refused.
 */
import { NodeFiles } from "../../bytes/node-files.ts";
import { Engine } from "../../engine/engine.ts";
import type { Outcome, CallName } from "../../protocol/index.ts";

const files = new NodeFiles();
const engine = new Engine({ files, notify: () => undefined, now: () => Date.now() });
const begun = await engine.perform("inspect", { file: "image" });
if (!begun.ok) throw new Error(JSON.stringify(begun.error));
const { inspection } = begun.value;

/** Each asked as the page asks it. */
const CALLS: Readonly<Record<string, () => Promise<Outcome<CallName>>>> = {
  layout: () => engine.perform("layout", { inspection }),
  "locate a byte of the file": () => engine.perform("locate", { inspection, hostOffset: 70_000_000 }),
  "locate the file's start": () => engine.perform("locate", { inspection, hostOffset: 512 }),
  "locate a byte of the disk": () => engine.perform("locate", { inspection, guestOffset: 65_536 }),
  "entries of the L1 table": () => engine.perform("tableEntries", { inspection, l1Index: null, from: 0, count: 4096 }),
  "entries of an L2 table": () => engine.perform("tableEntries", { inspection, l1Index: 1, from: 0, count: 4096 }),
  "bytes of the file": () => engine.perform("bytesAt", { inspection, view: "host", offset: 0, length: 65_536 }),
  "bytes of the disk": () => engine.perform("bytesAt", { inspection, view: "guest", offset: 0, length: 65_536 }),
  "verify compressed clusters": () => engine.perform("verifyCompressed", { inspection }),
  "plan a repair": () => engine.perform("repairPlan", { inspection, mode: "all" }),
};

const name = process.argv[2] ?? "";
const call = CALLS[name];
if (call === undefined) throw new Error(`no call ${name}`);
const outcome = await call();
if (!outcome.ok) process.stderr.write(`${outcome.error.kind === "bug" ? `a defect: ${outcome.error.message}` : JSON.stringify(outcome.error).slice(0, 300)}\n`);
await engine.perform("endInspection", { inspection });
await engine.shutDown();
process.exitCode = outcome.ok ? 0 : 1;
