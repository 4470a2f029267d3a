/** The whole page takes a dropped file and opens it; while one hovers, the page says so. */
import { useState } from "react";
import type { DragEvent, ReactNode } from "react";
import { useApp } from "./context.ts";

const holdsFile = (event: DragEvent): boolean => event.dataTransfer.types.includes("Files");

export function DropTarget({ children }: { children: ReactNode }) {
  const app = useApp();
  const [over, setOver] = useState(false);
  return (
    <div
      onDragOver={(event) => {
        if (!holdsFile(event)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (event.relatedTarget === null) setOver(false);
      }}
      onDrop={(event) => {
        if (!holdsFile(event)) return;
        event.preventDefault();
        setOver(false);
        const files = [...event.dataTransfer.files];
        if (files.length > 0) void app.library.openFiles(files);
      }}
    >
      {children}
      {over && (
        <div className="drop-veil" aria-hidden="true">
          <p>Drop the image or lesson to open it. An image is read where it is; nothing is copied.</p>
        </div>
      )}
    </div>
  );
}
