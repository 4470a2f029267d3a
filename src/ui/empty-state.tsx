/** What the map shows when no image is attached: the ways to get one. */
import { useApp, useAppState, useLink } from "./context.ts";

export function EmptyState() {
  const app = useApp();
  const link = useLink();
  const files = useAppState((state) => state.library.files);
  return (
    <div className="invitation">
      <svg width="168" height="60" viewBox="0 0 168 60" aria-hidden="true">
        {[0, 1, 2].map((index) => (
          <g key={index}>
            <rect x={index * 58 + 0.5} y="10.5" width="51" height="39" rx="2" className="invitation-cell" />
            <path d={`M${index * 58 + 18 + index * 8} 6v48`} className="invitation-pointer" />
          </g>
        ))}
      </svg>
      <h3>{link === null ? "No image is attached" : "No disk yet"}</h3>
      {link === null ? (
        <p>Make a zoned disk, or drop a .qcow2 file anywhere on this page. A dropped file is read where it is and not changed.</p>
      ) : (
        <p>{link.playback.commandCount > 0 ? "The link’s commands make one. Press Play to see what they do." : "The lesson makes one when it starts."}</p>
      )}
      <div className="invitation-actions">
        {link === null && (
          <button type="button" className="button primary" onClick={() => app.page.openDialog({ kind: "new" })}>
            Make a zoned disk
          </button>
        )}
        {files.slice(0, 3).map((file) => (
          <button key={file.name} type="button" className="button" onClick={() => void app.device.attach(file.name)}>
            Attach {file.name}
          </button>
        ))}
      </div>
    </div>
  );
}
