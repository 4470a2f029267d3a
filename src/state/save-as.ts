/**
 * Saving the inspected file as something else: made first, in a temporary file of the library, so that its length is known and said
 * before anything leaves; then written to a place that the person picks, with progress, or downloaded where the browser has no picker.
 */
import { inspectionJson } from "../command/inspection-json.ts";
import type { SaveForm } from "../protocol/index.ts";
import type { Core } from "./core.ts";
import { displayName } from "./device.ts";
import { begun, ended, patchInspector } from "./inspector.ts";
import type { UnderWay } from "./inspector.ts";
import { NO_WORK } from "./inspector-state.ts";
import type { MadeFile } from "./inspector-state.ts";
import { saveBlob, saveText } from "./save-file.ts";

export interface SaveActions {
  /** Makes the file; what was made is in the state until it is saved or dropped. */
  make(form: SaveForm): Promise<void>;
  /** Saves what was made. */
  deliver(made: MadeFile): Promise<void>;
  drop(): void;
  /** What is known of the file, as JSON. */
  report(): void;
}

/** Of the File System Access interface, what is used here; not every browser has it. */
interface Picker {
  showSaveFilePicker?: (options: { suggestedName: string }) => Promise<{ createWritable(): Promise<WritableStream<Uint8Array>> }>;
}
export const hasPicker = (): boolean => (window as Picker).showSaveFilePicker !== undefined;

/** The name under which a form of the file is offered. */
function savedName(file: string, form: SaveForm): string {
  const stem = displayName(file).replace(/\.[^.]*$/, "") || "disk";
  if (form.format === "qcow2") return `${stem}-${form.compressed ? "compressed" : "compact"}${form.dialect === null ? "" : `-${form.dialect}`}.qcow2`;
  return form.format === "raw" ? `${stem}.raw` : `${stem}-${form.view}-0x${form.offset.toString(16)}.bin`;
}

export function createSaveActions(core: Core, underWay: UnderWay): SaveActions {
  const now = () => core.store.getState().inspector;
  const progress = (fraction: number): void => patchInspector(core, { save: { ...now().save, fraction } });
  // Why a save failed is said beside the file that was to be saved, and not beside another.
  core.store.subscribe(({ inspector }, { inspector: before }) => {
    if (inspector.file !== before.file && inspector.save.failure !== null) patchInspector(core, { save: NO_WORK });
  });
  return {
    make: async (form) => {
      const { inspection, file, save } = now();
      if (inspection === null || file === null || save.running) return;
      patchInspector(core, { save: begun() });
      const outcome = await underWay.run("save", "saveAs", { inspection: inspection.id, form, to: null }, progress);
      const made = outcome.ok ? ({ ok: true, value: { name: savedName(file, form), bytes: outcome.value.bytes, source: outcome.value.source } } as const) : outcome;
      const elsewhere = now().file !== file;
      patchInspector(core, { save: !made.ok && elsewhere ? NO_WORK : ended<MadeFile>(made) });
      if (!made.ok && elsewhere && made.error.kind !== "cancelled") core.tell(displayName(file), made.error);
    },
    deliver: async ({ name, source, bytes }) => {
      if (source === null) return;
      const pick = (window as Picker).showSaveFilePicker;
      if (pick === undefined) {
        saveBlob(name, source);
        patchInspector(core, { save: NO_WORK });
        return;
      }
      const failed = (error: unknown): void => {
        // The person closed the picker or cancelled: nothing was written.
        const left = error instanceof DOMException && error.name === "AbortError";
        patchInspector(core, { save: left ? { ...NO_WORK, value: { name, source, bytes } } : { ...NO_WORK, failure: { title: `${name} is not saved`, why: error instanceof Error ? error.message : String(error), instead: null, names: null } } });
      };
      try {
        const handle = await pick.call(window, { suggestedName: name });
        patchInspector(core, { save: begun() });
        const stop = new AbortController();
        underWay.adopt("save", () => stop.abort());
        let written = 0;
        const counting = new TransformStream<Uint8Array, Uint8Array>({
          transform: (chunk, controller) => {
            written += chunk.length;
            progress(bytes === 0 ? 1 : written / bytes);
            controller.enqueue(chunk);
          },
        });
        // An aborted stream leaves the file that was there as it was.
        await source.stream().pipeThrough(counting).pipeTo(await handle.createWritable(), { signal: stop.signal });
        patchInspector(core, { save: NO_WORK });
      } catch (error) {
        failed(error);
      }
    },
    drop: () => patchInspector(core, { save: NO_WORK }),
    report: () => {
      const { file, inspection, layout } = now();
      if (file !== null && inspection !== null) saveText(`${displayName(file)}-report.json`, inspectionJson(displayName(file), inspection, layout.value), "application/json");
    },
  };
}
