/** The dialogs that rename and delete an image of the library. */
import { useState } from "react";
import type { OpenDialog } from "../state/store.ts";
import { useApp } from "./context.ts";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./text-field.tsx";

export function FileDialogs({ dialog }: { dialog: Extract<OpenDialog, { file: string }> }) {
  return dialog.kind === "rename" ? <Rename file={dialog.file} /> : <Delete file={dialog.file} />;
}

function Rename({ file }: { file: string }) {
  const app = useApp();
  const [name, setName] = useState(file);
  const ready = name.trim() !== "" && name.trim() !== file;
  return (
    <Dialog
      width="small"
      title="Rename image"
      onSubmit={() => ready && void app.library.rename(file, name.trim())}
      action={
        <button type="submit" className="button primary" disabled={!ready}>
          Rename
        </button>
      }
    >
      <TextField label="Name" value={name} onChange={setName} />
    </Dialog>
  );
}

function Delete({ file }: { file: string }) {
  const app = useApp();
  return (
    <Dialog
      width="small"
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
    </Dialog>
  );
}
