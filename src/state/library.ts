/** The library of images: making, opening a file of the person's machine, copying, renaming, deleting, saving. */
import { LENT } from "../protocol/index.ts";
import type { Failure, Outcome } from "../protocol/index.ts";
import { isLessonFile } from "../lessons/index.ts";
import { runLineNow } from "./console.ts";
import type { LineOutcome } from "./console.ts";
import type { Core } from "./core.ts";
import { createLine } from "./create-image.ts";
import type { NewImage } from "./create-image.ts";
import { attachAndTellNow, attachNow, detachNow, displayName, forgetNow, isDropped, NO_HANDLE } from "./device.ts";
import { NOTHING_KNOWN } from "./inspector-state.ts";
import { isFull, textOf } from "./failure-text.ts";
import type { FailureText } from "./failure-text.ts";
import type { OpenDialog } from "./store.ts";
import { formatCount, parseSize } from "./units.ts";

export interface LibraryActions {
  create(image: NewImage): Promise<void>;
  /**
   * Opens a file of the person's machine. Of several, the one on top of the others: they are found by the names in its header. A
   * lesson's file is opened as a lesson.
   */
  openFiles(sources: readonly File[]): Promise<void>;
  /** Asks a file's server how long the file is, and takes it as one that was dropped; it is not opened yet. */
  adoptUrl(url: string): Promise<Outcome<"adoptUrl">>;
  /** Opens a file that was taken already. */
  openAdopted(file: string): Promise<void>;
  /** Brings the dropped file that is attached into the library and attaches the copy. */
  editCopy(): Promise<void>;
  /** Brings a file into the library under a free name and attaches it; why not, or null. */
  keep(source: File): Promise<Failure | null>;
  duplicate(file: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** Deletes several, to make room; the dialog that asked stays, and says why one could not be deleted. */
  removeAll(files: readonly string[]): Promise<void>;
  /** Asks anew how long the files are and how much is used: writes change both, and nobody tells. */
  refresh(): void;
  /** Downloads a flushed copy of the attached image. */
  save(): Promise<void>;
}

/** A name that no file of the library has: "disk.qcow2", "disk-2.qcow2" … */
export function freeName(wanted: string, taken: readonly string[]): string {
  if (!taken.includes(wanted)) return wanted;
  const dot = wanted.lastIndexOf(".");
  const stem = dot > 0 ? wanted.slice(0, dot) : wanted;
  const extension = dot > 0 ? wanted.slice(dot) : "";
  let number = 2;
  while (taken.includes(`${stem}-${number}${extension}`)) number++;
  return `${stem}-${number}${extension}`;
}

/** The last part of a name, as a dropped file is found by. */
const baseName = (name: string): string => name.slice(name.lastIndexOf("/") + 1);

/**
 * Which of the files that were brought together is to be opened: the one that waits for one of them, or the first that no other
 * stands on. null for no files.
 */
async function topOf(core: Core, files: readonly string[]): Promise<string | null> {
  const { file, inspection } = core.store.getState().inspector;
  const missing = (inspection?.header?.needs ?? []).filter(({ found }) => found === null).map(({ name }) => baseName(name));
  if (file !== null && isDropped(file) && !files.includes(file) && files.some((other) => missing.includes(displayName(other)))) return file;
  if (files.length < 2) return files[0] ?? null;
  const needed = new Set<string>();
  for (const candidate of files) {
    const looked = await core.port.start("inspect", { file: candidate }).outcome;
    if (!looked.ok) continue;
    for (const { name } of looked.value.header?.needs ?? []) needed.add(baseName(name));
    await core.port.start("endInspection", { inspection: looked.value.inspection }).outcome;
  }
  return files.find((candidate) => !needed.has(displayName(candidate))) ?? files[0] ?? null;
}

/** @param openLesson takes a file that is a lesson's by its name */
export function createLibraryActions(core: Core, openLesson: (file: File) => Promise<void>): LibraryActions {
  const names = (): string[] => core.store.getState().library.files.map((file) => file.name);
  const isAttached = (file: string): boolean => core.store.getState().attached?.file === file;

  /** Does `task` to a file with the image let go; afterwards `then` is attached, or what was when the task failed. */
  const detached = async (file: string, then: string | null, task: () => Promise<Failure | null>): Promise<Failure | null> => {
    if (core.store.getState().guest.disks.includes(file)) return LENT;
    if (!isAttached(file)) return task();
    await detachNow(core);
    const failure = await task();
    const next = failure === null ? then : file;
    if (next !== null) await attachAndTellNow(core, next);
    return failure;
  };

  const copyNow = async (from: string, to: string): Promise<Failure | null> => {
    core.set({ progress: { label: `Copying to ${to}`, fraction: null } });
    const outcome = await core.perform("copy", { from, to });
    core.set({ progress: null });
    return outcome.ok ? null : outcome.error;
  };

  const removeNow = async (file: string): Promise<Failure | null> => {
    const failure = await detached(file, null, async () => {
      const outcome = await core.perform("remove", { file });
      return outcome.ok ? null : outcome.error;
    });
    if (failure === null) core.dropBanner("full");
    return failure;
  };

  /** After the attached image is gone: the first of the others, or none. */
  const attachAnyNow = async (): Promise<void> => {
    const next = names()[0];
    if (next === undefined || (await attachNow(core, next)) !== null) forgetNow(core);
  };

  const openAdoptedNow = async (file: string): Promise<void> => {
    const opened = await attachAndTellNow(core, file);
    // Whether or not it opens, it can be looked into; where it does not, what it is and what to do stands in the header's tab.
    const { inspector } = core.store.getState();
    core.set({ inspector: { ...inspector, ...NOTHING_KNOWN, file, tab: opened ? (inspector.tab ?? "Header") : "Header", generation: inspector.generation + 1 } });
  };

  /**
   * Answers the dialog that asked: it closes, or says why not. One that was left meanwhile is not there to say it, and another that is open
   * by then has nothing to do with it.
   *
   * @param asked what was open when it was asked for
   */
  const answer = (asked: OpenDialog | null, about: string, failure: Failure | null): void => {
    const open = core.store.getState().dialog === asked && asked !== null;
    if (failure !== null && !open) core.tell(about, failure);
    else if (open) core.set(failure === null ? { dialog: null, dialogFailure: null } : { dialogFailure: textOf(failure) });
  };
  const asking = (): OpenDialog | null => core.store.getState().dialog;

  return {
    create: (image) => {
      const asked = asking();
      return core.serial("Creating", async () => {
        const outcome = await runLineNow(core, createLine(image, parseSize));
        // Left meanwhile: the console says what came of it.
        if (core.store.getState().dialog !== asked) return;
        if (outcome.failure === null && outcome.err === "") core.set({ dialog: null, dialogFailure: null });
        else core.set({ dialogFailure: lineFailure(outcome) });
      });
    },
    openFiles: (sources) =>
      core.serial("Opening", async () => {
        core.dropFailures();
        for (const lesson of sources.filter(({ name }) => isLessonFile(name))) await openLesson(lesson);
        const files: string[] = [];
        for (const source of sources.filter(({ name }) => !isLessonFile(name))) {
          const adopted = await core.perform("adopt", { source });
          if (adopted.ok) files.push(adopted.value.file);
          else core.tell(source.name, adopted.error);
        }
        const file = await topOf(core, files);
        if (file !== null) await openAdoptedNow(file);
      }),
    adoptUrl: (url) =>
      core.serial("Asking the server", async () => {
        const adopted = await core.perform("adoptUrl", { url });
        if (adopted.ok) core.set({ inspector: { ...core.store.getState().inspector, remote: adopted.value.file } });
        return adopted;
      }),
    openAdopted: (file) => core.serial("Opening", () => openAdoptedNow(file)),
    editCopy: () =>
      core.serial("Copying", async () => {
        const { attached } = core.store.getState();
        if (attached === null || !isDropped(attached.file)) return;
        const to = freeName(displayName(attached.file), names());
        const failure = await copyNow(attached.file, to);
        if (failure === null) await attachAndTellNow(core, to);
        else core.tell(to, failure);
      }),
    keep: (source) =>
      core.serial("Copying", async () => {
        const adopted = await core.perform("adopt", { source });
        if (!adopted.ok) return adopted.error;
        const { file } = adopted.value;
        const to = freeName(source.name, names());
        const failure = (await copyNow(file, to)) ?? (await attachNow(core, to));
        await core.perform("remove", { file });
        return failure;
      }),
    duplicate: (file) =>
      core.serial("Copying", async () => {
        const to = freeName(displayName(file), names());
        const failure = await detached(file, file, () => copyNow(file, to));
        if (failure !== null) core.tell(to, failure);
      }),
    rename: (from, to) => {
      const asked = asking();
      return core.serial("Renaming", async () => {
        const failure = await detached(from, to, async () => {
          const outcome = await core.perform("rename", { from, to });
          return outcome.ok ? null : outcome.error;
        });
        answer(asked, from, failure);
      });
    },
    remove: (file) => {
      const asked = asking();
      return core.serial("Deleting", async () => {
        const was = isAttached(file);
        const failure = await removeNow(file);
        answer(asked, file, failure);
        if (failure === null && was) await attachAnyNow();
      });
    },
    removeAll: (files) => {
      const asked = asking();
      return core.serial("Deleting", async () => {
        if (asking() === asked) core.set({ dialogFailure: null });
        const was = files.some(isAttached);
        const failed: (readonly [file: string, failure: Failure])[] = [];
        for (const file of files) {
          const failure = await removeNow(file);
          if (failure !== null) failed.push([file, failure]);
        }
        if (asked !== null && asking() === asked && failed.length > 1) core.set({ dialogFailure: togetherText(failed) });
        else for (const [file, failure] of failed) answer(asked, file, failure);
        const { attached } = core.store.getState();
        if (was && (attached === null || attached.handle === NO_HANDLE)) await attachAnyNow();
      });
    },
    refresh: () => void core.refreshLibrary(),
    save: () =>
      core.serial("Saving", async () => {
        const { attached } = core.store.getState();
        if (attached === null) return;
        core.set({ progress: { label: `Saving ${displayName(attached.file)}`, fraction: null } });
        const outcome = await core.perform("exportFile", { file: attached.file });
        if (outcome.ok) download(outcome.value.source, outcome.value.name);
        else if (isFull(outcome.error)) core.tellFull(displayName(attached.file), "A download is made of a copy of the image, and there is no room for one.");
        else core.tell(displayName(attached.file), outcome.error);
      }),
  };
}

/** Why several images could not be deleted: each by its name, with its reason. */
function togetherText(failed: readonly (readonly [file: string, failure: Failure])[]): FailureText {
  const why = failed.map(([file, failure]) => (textOf(failure).why.includes(file) ? textOf(failure).why : `${file}: ${textOf(failure).why}`)).join(" ");
  const ways = new Set(failed.map(([, failure]) => textOf(failure).instead).filter((way) => way !== null));
  return { title: `${formatCount(failed.length)} images could not be deleted`, why, instead: ways.size === 0 ? null : [...ways].join(" "), names: null };
}

/** What went wrong with a line that made no engine call fail is what it printed. */
function lineFailure(outcome: LineOutcome): FailureText {
  if (outcome.failure !== null) return textOf(outcome.failure);
  const line = outcome.err.trim();
  return { title: line, why: "", instead: null, names: null };
}

/** Long enough for the browser to have opened the blob; short enough not to keep it. */
const DOWNLOAD_URL_LIFETIME_MS = 60_000;

function download(source: Blob, name: string): void {
  const url = URL.createObjectURL(source);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(url), DOWNLOAD_URL_LIFETIME_MS);
}
