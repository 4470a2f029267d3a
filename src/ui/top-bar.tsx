/** The top bar: which image, what can be done with it as a file, and the theme. */
import { Download, FolderOpen, Monitor, Moon, Plus, Power, Sun } from "lucide-react";
import { useRef } from "react";
import type { ThemeChoice } from "../state/theme.ts";
import { useApp, useAppState } from "./context.ts";
import { ImageMenu } from "./image-menu.tsx";
import { ImageSwitcher } from "./image-switcher.tsx";

const ICON = 15;

export function TopBar() {
  const app = useApp();
  const attached = useAppState((state) => state.attached);
  const input = useRef<HTMLInputElement>(null);
  return (
    <header className="top-bar">
      <h1 className="wordmark">
        <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
          <path d="M1 4h18M1 10h18M1 16h18" className="wordmark-track" />
          <path d="M1 4h9M1 10h14M1 16h5" className="wordmark-fill" />
        </svg>
        zonescope
      </h1>
      <div className="image-group">
        <ImageSwitcher />
        <ImageMenu />
      </div>
      <Activity />
      <div className="top-actions">
        <button type="button" className="button" onClick={() => app.page.openDialog({ kind: "new" })}>
          <Plus size={ICON} aria-hidden="true" />
          New image
        </button>
        <button type="button" className="button" onClick={() => input.current?.click()}>
          <FolderOpen size={ICON} aria-hidden="true" />
          Open file
        </button>
        <input
          ref={input}
          type="file"
          className="visually-hidden"
          tabIndex={-1}
          aria-hidden="true"
          onChange={(event) => {
            const file = event.target.files?.[0];
            event.target.value = "";
            if (file !== undefined) void app.library.openFile(file);
          }}
        />
        <button type="button" className="button" disabled={attached === null} onClick={() => void app.library.save()}>
          <Download size={ICON} aria-hidden="true" />
          Save .qcow2
        </button>
        <button type="button" className="button" disabled={attached === null} onClick={() => void app.device.powerCycle()}>
          <Power size={ICON} aria-hidden="true" />
          Power cycle
        </button>
        <ThemeSwitch />
      </div>
    </header>
  );
}

/** What goes on when it lasts: the name of the work, and how far a copy is. */
function Activity() {
  const busy = useAppState((state) => state.busy);
  const progress = useAppState((state) => state.progress);
  if (busy === null) return <div className="activity" aria-hidden="true" />;
  const share = progress === null || progress.fraction === null ? null : Math.floor(progress.fraction * 100);
  return (
    <div className="activity busy">
      <span>
        {progress?.label ?? busy}
        {share === null ? "" : ` ${share}%`}
      </span>
      {share !== null && <progress max={100} value={share} aria-label={progress?.label ?? busy} />}
    </div>
  );
}

const NEXT: Readonly<Record<ThemeChoice, ThemeChoice>> = { system: "light", light: "dark", dark: "system" };

function ThemeSwitch() {
  const app = useApp();
  const theme = useAppState((state) => state.theme);
  const Icon = theme === "system" ? Monitor : theme === "light" ? Sun : Moon;
  return (
    <button
      type="button"
      className="button quiet icon"
      aria-label={`Theme: ${theme}`}
      title={`Theme: ${theme}. Click for ${NEXT[theme]}.`}
      onClick={() => app.page.setTheme(NEXT[theme])}
    >
      <Icon size={16} aria-hidden="true" />
    </button>
  );
}
