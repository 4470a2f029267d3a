/** The dialog "Storage": what the images of the library take of the room that the browser gives, and which of them go. */
import { useState } from "react";
import { formatCount, formatRoughBytes } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { Dialog } from "./dialog.tsx";

export function StorageDialog() {
  const app = useApp();
  const { files, usage } = useAppState((state) => state.library);
  const attached = useAppState((state) => state.attached?.file ?? null);
  const busy = useAppState((state) => state.busy !== null);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const bySize = [...files].sort((a, b) => b.sizeBytes - a.sizeBytes);
  // One that is gone by other means is not asked for any more.
  const going = bySize.filter(({ name }) => chosen.includes(name));
  const sum = (of: typeof bySize): number => of.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
  const rest = usage === null ? 0 : Math.max(0, usage.usedBytes - sum(bySize));
  const toggle = (name: string): void => setChosen(chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name]);
  return (
    <Dialog
      title="Storage"
      leave="Done"
      // Enter beside a check box deletes nothing: only the button does.
      onSubmit={() => undefined}
      action={
        <button type="button" className="button danger" disabled={going.length === 0 || busy} onClick={() => void app.library.removeAll(going.map(({ name }) => name))}>
          {going.length === 0 ? "Delete" : `Delete ${formatCount(going.length)} ${going.length === 1 ? "image" : "images"}, ${formatRoughBytes(sum(going))}`}
        </button>
      }
    >
      {usage !== null && (
        <p>
          <strong>{formatRoughBytes(usage.usedBytes)}</strong> are used. The browser names {formatRoughBytes(usage.quotaBytes)} as the most.
        </p>
      )}
      <ul className="storage-list" aria-label="Images by size">
        {bySize.map(({ name, sizeBytes }) => (
          <li key={name}>
            <label>
              <input type="checkbox" checked={chosen.includes(name)} onChange={() => toggle(name)} />
              <span className="mono storage-name">{name}</span>
              {name === attached && <span className="quiet">open</span>}
              <span className="storage-size">{formatRoughBytes(sizeBytes)}</span>
            </label>
          </li>
        ))}
      </ul>
      <p className="quiet">
        {rest > 0 && `The other ${formatRoughBytes(rest)} are the program, kept for use offline, and copies that were made for downloads; those go when the page is loaded anew. `}
        An image that is deleted is gone: save it first if you want to keep it.
      </p>
    </Dialog>
  );
}
