/**
 * What the inspector does with a file as an image: checking it, repairing a copy, its snapshots. An image that is attached is asked
 * through its own handle; what needs it closed lets it go for the time, as a command line between two programs would.
 */
import type { Result } from "../base/result.ts";
import type { CheckReport, Failure, SnapshotFacts } from "../protocol/index.ts";
import { patchInspector, begun, ended } from "./inspector.ts";
import type { UnderWay } from "./inspector.ts";
import { NO_WORK } from "./inspector-state.ts";
import type { InspectorState } from "./inspector-state.ts";
import type { Core } from "./core.ts";
import { attachAndTellNow, attachNow, detachNow, displayName, isDropped, NO_HANDLE } from "./device.ts";
import { textOf } from "./failure-text.ts";
import { freeName } from "./library.ts";
import { formatBytes, formatHex } from "./units.ts";

export interface InspectorWorkActions {
  check(): Promise<void>;
  /** Repairs a copy in the library, and attaches it. */
  repairCopy(): Promise<void>;
  listSnapshots(): Promise<void>;
  /** Attaches a snapshot, read-only, as the disk; null: the disk itself again. */
  viewSnapshot(snapshot: SnapshotFacts | null): Promise<void>;
  /** Makes a copy in the library whose disk is what the snapshot has. */
  revertCopy(snapshot: SnapshotFacts): Promise<void>;
  /** Compares two snapshots, or with null the disk as it is now. */
  compareSnapshots(first: SnapshotFacts | null, second: SnapshotFacts | null): Promise<void>;
}

/** How long the header stands there before a check begins by itself. */
const BEHIND_MS = 150;
/** How long a check that nobody asked for may last. */
const BY_ITSELF_MS = 60_000;

const STOPPED = { title: "The check was stopped after a minute", why: "It had begun by itself when the file was opened.", instead: "“Check” runs it to its end.", names: null };

const queryOf = (snapshot: SnapshotFacts): { id: string; name: string } => ({ id: snapshot.id, name: snapshot.name });

export function createInspectorWork(core: Core, underWay: UnderWay): InspectorWorkActions {
  const now = (): InspectorState => core.store.getState().inspector;

  /**
   * Does `task` with a handle of the file: the attached image's own, or one that is opened for reading meanwhile.
   * @param forCheck opened even with tables missing that only a check deals with
   */
  const withHandle = async <Value>(file: string, forCheck: boolean, task: (handle: number) => Promise<Result<Value, Failure>>): Promise<Result<Value, Failure>> => {
    const { attached } = core.store.getState();
    if (attached?.file === file && attached.handle !== NO_HANDLE && attached.snapshot === null) return task(attached.handle);
    const opened = await core.port.start("open", { file, readOnly: true, format: "qcow2", inspect: true, forCheck }).outcome;
    if (!opened.ok) return opened;
    try {
      return await task(opened.value.handle);
    } finally {
      await core.port.start("close", { handle: opened.value.handle }).outcome;
    }
  };

  /** Does `task` while nobody has the file open, and attaches it again as it was. */
  const letGo = async <Value>(file: string, task: () => Promise<Value>): Promise<Value> => {
    const { attached } = core.store.getState();
    if (attached?.file !== file) return task();
    const { snapshot } = attached;
    await detachNow(core);
    try {
      return await task();
    } finally {
      if (core.store.getState().attached?.handle === NO_HANDLE) await attachAndTellNow(core, file, snapshot);
    }
  };

  const progress = (key: "check" | "repair" | "comparison") => (fraction: number): void => {
    const { inspector } = core.store.getState();
    core.set({ inspector: { ...inspector, [key]: { ...inspector[key], fraction } } });
  };

  /** Copies a file into the library under a name of its own and changes the copy; one that could not be changed goes again. */
  const changedCopy = async <Value>(file: string, what: "repaired" | "reverted", change: (handle: number) => Promise<Result<Value, Failure>>): Promise<{ copy: string; outcome: Result<Value, Failure> }> => {
    const names = core.store.getState().library.files.map(({ name }) => name);
    const copy = freeName(displayName(file).replace(/(\.[^.]*)?$/, `-${what}$1`), names);
    const changeNow = async (): Promise<Result<Value, Failure>> => {
      const opened = await core.port.start("open", { file: copy, readOnly: false, format: "qcow2", inspect: true, forCheck: what === "repaired" }).outcome;
      if (!opened.ok) return opened;
      const { handle } = opened.value;
      const changed = await change(handle);
      const closed = await core.port.start("close", { handle }).outcome;
      return changed.ok && !closed.ok ? closed : changed;
    };
    const outcome = await letGo(file, async (): Promise<Result<Value, Failure>> => {
      const copied = await core.perform("copy", { from: file, to: copy });
      if (!copied.ok) return copied;
      const changed = await changeNow();
      if (!changed.ok) await core.perform("remove", { file: copy });
      return changed;
    });
    await core.refreshLibrary();
    return { copy, outcome };
  };

  const checkNow = async (): Promise<void> => {
    const { file, check: { running } } = now();
    if (file === null || running) return;
    patchInspector(core, { check: begun(), checkBegun: true, plan: NO_WORK, repair: NO_WORK });
    const outcome = await withHandle<CheckReport>(file, true, (handle) => underWay.run("check", "check", { handle }, progress("check")));
    if (now().file === file) patchInspector(core, { check: ended(outcome) });
  };
  // Of a file that only is read the engine checks beside everything else, so that nothing has to wait for it here either.
  const check = (): Promise<void> => {
    const { file } = now();
    return file !== null && isDropped(file) ? checkNow() : core.serial("Checking", checkNow);
  };

  /** A dropped image is checked as soon as it is known what it is; not a remote one, of which every table would have to be fetched. */
  const checkByItself = async (): Promise<void> => {
    const { inspection } = now();
    patchInspector(core, { checkBegun: true });
    // What was asked for is shown first.
    await new Promise((resolve) => window.setTimeout(resolve, BEHIND_MS));
    if (now().inspection !== inspection || now().check.running) return;
    let late = false;
    const timer = window.setTimeout(() => {
      late = now().inspection === inspection && now().check.running;
      if (late) underWay.cancel("check");
    }, BY_ITSELF_MS);
    await checkNow();
    window.clearTimeout(timer);
    if (late && now().inspection === inspection && now().check.value === null) patchInspector(core, { check: { ...NO_WORK, failure: STOPPED } });
  };
  core.store.subscribe(({ inspector }) => {
    const { inspection, file, remote, checkBegun } = inspector;
    if (!checkBegun && inspection?.identity.container === "qcow2" && file !== null && file !== remote && isDropped(file)) void checkByItself();
  });

  return {
    check,
    repairCopy: () =>
      core.serial("Repairing a copy", async () => {
        const { file } = now();
        if (file === null) return;
        patchInspector(core, { repair: begun() });
        const { copy, outcome } = await changedCopy(file, "repaired", (handle) => underWay.run("repair", "repair", { handle, mode: "all" }, progress("repair")));
        if (now().file === file) patchInspector(core, { repair: ended(outcome.ok ? { ok: true, value: { report: outcome.value, copy } } : outcome) });
      }),
    revertCopy: (snapshot) =>
      core.serial("Reverting a copy", async () => {
        const { file } = now();
        if (file === null) return;
        patchInspector(core, { reverted: begun() });
        const { copy, outcome } = await changedCopy(file, "reverted", (handle) => core.port.start("applySnapshot", { handle, snapshot: queryOf(snapshot) }).outcome);
        if (now().file === file) patchInspector(core, { reverted: ended(outcome.ok ? { ok: true, value: copy } : outcome) });
      }),
    listSnapshots: async () => {
      const { file, snapshots } = now();
      if (file === null || snapshots.running) return;
      patchInspector(core, { snapshots: { ...snapshots, running: true } });
      const outcome = await withHandle<readonly SnapshotFacts[]>(file, false, (handle) => core.port.start("listSnapshots", { handle }).outcome);
      if (now().file === file) patchInspector(core, { snapshots: ended(outcome) });
    },
    viewSnapshot: (snapshot) =>
      core.serial("Opening", async () => {
        const { file } = now();
        if (file === null) return;
        core.dropFailures();
        const failure = await attachNow(core, file, snapshot);
        if (failure === null) return;
        core.tell(displayName(file), failure);
        if (core.store.getState().attached?.handle === NO_HANDLE) await attachAndTellNow(core, file);
      }),
    compareSnapshots: (first, second) =>
      core.serial("Comparing", async () => {
        const { file } = now();
        if (file === null) return;
        patchInspector(core, { comparison: begun() });
        const outcome = await letGo(file, async () => {
          const handles: number[] = [];
          try {
            for (const snapshot of [first, second]) {
              const opened = await core.port.start("open", { file, readOnly: true, format: "qcow2", ...(snapshot === null ? {} : { snapshot: queryOf(snapshot) }) }).outcome;
              if (!opened.ok) return opened;
              handles.push(opened.value.handle);
            }
            return await underWay.run("comparison", "compare", { first: handles[0]!, second: handles[1]!, strict: false }, progress("comparison"));
          } finally {
            for (const handle of handles) await core.port.start("close", { handle }).outcome;
          }
        });
        if (now().file !== file) return;
        if (!outcome.ok) {
          patchInspector(core, { comparison: outcome.error.kind === "cancelled" ? NO_WORK : { ...NO_WORK, failure: textOf(outcome.error) } });
          return;
        }
        const { mismatch, sizesDiffer } = outcome.value;
        const same = sizesDiffer ? "The sizes differ; all that both have is the same." : "They are the same, byte for byte.";
        const value = mismatch === null ? same : `They differ, first at guest offset ${formatHex(mismatch.offset)} (${formatBytes(mismatch.offset)}).`;
        patchInspector(core, { comparison: { ...NO_WORK, value } });
      }),
  };
}
