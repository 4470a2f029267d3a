/** The dialogs that rename and delete an image of the library. */
import { Dialog } from "radix-ui";
import { useState } from "react";
import type { ReactNode } from "react";
import type { OpenDialog } from "../state/store.ts";
import { useApp, useAppState } from "./context.ts";
import { Explained } from "./zone-outcome.tsx";

export function FileDialogs({ dialog }: { dialog: Extract<OpenDialog, { file: string }> }) {
  return dialog.kind === "rename" ? <Rename file={dialog.file} /> : <Delete file={dialog.file} />;
}

function Frame({ title, onSubmit, children, action }: { title: string; onSubmit: () => void; children: ReactNode; action: ReactNode }) {
  const app = useApp();
  const failure = useAppState((state) => state.dialogFailure);
  return (
    <Dialog.Root open onOpenChange={(open) => !open && app.page.closeDialog()}>
      <Dialog.Portal>
        <Dialog.Overlay className="veil" />
        <Dialog.Content className="dialog small" aria-describedby={undefined}>
          <Dialog.Title>{title}</Dialog.Title>
          <form
            className="dialog-form"
            onSubmit={(event) => {
              event.preventDefault();
              onSubmit();
            }}
          >
            {children}
            {failure !== null && (
              <div className="outcome-body refused" role="alert">
                <Explained text={failure} />
              </div>
            )}
            <div className="dialog-actions">
              <button type="button" className="button" onClick={() => app.page.closeDialog()}>
                Cancel
              </button>
              {action}
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Rename({ file }: { file: string }) {
  const app = useApp();
  const [name, setName] = useState(file);
  const ready = name.trim() !== "" && name.trim() !== file;
  return (
    <Frame
      title="Rename image"
      onSubmit={() => ready && void app.library.rename(file, name.trim())}
      action={
        <button type="submit" className="button primary" disabled={!ready}>
          Rename
        </button>
      }
    >
      <label className="field">
        <span className="label">Name</span>
        <input className="input" autoComplete="off" spellCheck={false} value={name} onChange={(event) => setName(event.target.value)} />
      </label>
    </Frame>
  );
}

function Delete({ file }: { file: string }) {
  const app = useApp();
  return (
    <Frame
      title="Delete image"
      onSubmit={() => void app.library.remove(file)}
      action={
        <button type="submit" className="button danger">
          Delete
        </button>
      }
    >
      <p>
        <strong className="mono">{file}</strong> is removed from this browser. This cannot be undone; save it first if you want to keep it.
      </p>
    </Frame>
  );
}
