/** The top bar: which image, what can be done with it as a file, and the theme. */
import { Command, Download, FolderOpen, Plus, Power, Ruler, Share2, X } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useRef } from "react";
import { UNIT_CHOICES } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { ImageMenu } from "./image-menu.tsx";
import { ImageSwitcher } from "./image-switcher.tsx";
import { ThemeSwitch } from "./theme.tsx";
import { Tip } from "./tip.tsx";
import { Wordmark } from "./wordmark.tsx";

const ICON = 15;

export function TopBar() {
  const app = useApp();
  const attached = useAppState((state) => state.attached);
  const input = useRef<HTMLInputElement>(null);
  return (
    <header className="top-bar">
      <Wordmark />
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
          id="open-file"
          type="file"
          multiple
          className="visually-hidden"
          tabIndex={-1}
          aria-hidden="true"
          onChange={(event) => {
            const files = [...(event.target.files ?? [])];
            event.target.value = "";
            if (files.length > 0) void app.library.openFiles(files);
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
        <button type="button" className="button" disabled={attached === null} onClick={() => app.page.openDialog({ kind: "share" })}>
          <Share2 size={ICON} aria-hidden="true" />
          Share
        </button>
        <div className="page-tools">
          <UnitsMenu />
          <ThemeSwitch />
          <Tip text="Command palette" keys="Ctrl K">
            <button type="button" className="button quiet icon" aria-label="Command palette" onClick={() => app.page.openDialog({ kind: "palette" })}>
              <Command size={16} aria-hidden="true" />
            </button>
          </Tip>
        </div>
      </div>
    </header>
  );
}

/** What goes on when it lasts: the name of the work, and how far a copy is. */
function Activity() {
  const app = useApp();
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
      {share !== null && (
        <button type="button" className="button quiet small" onClick={() => app.page.cancelWork()}>
          <X size={13} aria-hidden="true" />
          Cancel
        </button>
      )}
    </div>
  );
}

/** What numbers of bytes are shown in, everywhere at once. */
function UnitsMenu() {
  const app = useApp();
  const units = useAppState((state) => state.units);
  const name = UNIT_CHOICES.find(({ choice }) => choice === units)?.name ?? "";
  return (
    <DropdownMenu.Root modal={false}>
      <Tip text={`Units: ${name}`} keys="U">
        <DropdownMenu.Trigger className="button quiet icon" aria-label={`Units: ${name}`}>
          <Ruler size={16} aria-hidden="true" />
        </DropdownMenu.Trigger>
      </Tip>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="end" sideOffset={4}>
          <DropdownMenu.Label className="menu-label">Sizes and positions in</DropdownMenu.Label>
          <DropdownMenu.RadioGroup value={units} onValueChange={(choice) => app.page.setUnits(choice as typeof units)}>
            {UNIT_CHOICES.map((unit) => (
              <DropdownMenu.RadioItem key={unit.choice} value={unit.choice} className="menu-item">
                <span className="radio-dot" aria-hidden="true" /> {unit.name}
                <span className="detail">{unit.detail}</span>
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
