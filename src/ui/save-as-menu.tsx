/** What the inspected file can be saved as; what was made says its size before it goes anywhere. */
import { FileOutput } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { Dialect, SaveForm } from "../protocol/index.ts";
import { hasPicker } from "../state/save-as.ts";
import { formatCount, formatRoughBytes } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { WorkBar } from "./work-bar.tsx";

const DIALECTS: readonly Dialect[] = ["v4", "v7", "v9"];

export function SaveAsMenu() {
  const app = useApp();
  const inspection = useAppState((state) => state.inspector.inspection);
  const place = useAppState((state) => state.inspector.place);
  const running = useAppState((state) => state.inspector.save.running);
  if (inspection === null) return null;
  const zoned = inspection.header?.zoned ?? null;
  const isDisk = inspection.identity.container === "qcow2";
  const item = (name: string, form: SaveForm) => (
    <DropdownMenu.Item key={name} className="menu-item" disabled={running} onSelect={() => void app.save.make(form)}>
      {name}
    </DropdownMenu.Item>
  );
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger className="button quiet small" aria-label="Save as">
        <FileOutput size={14} aria-hidden="true" /> Save as
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu narrow" align="end" sideOffset={4}>
          {isDisk && item("qcow2, compact", { format: "qcow2", compressed: false, dialect: zoned?.dialect ?? null })}
          {isDisk && zoned === null && item("qcow2, compressed", { format: "qcow2", compressed: true, dialect: null })}
          {zoned !== null && DIALECTS.filter((dialect) => dialect !== zoned.dialect).map((dialect) => item(`qcow2, dialect ${dialect}`, { format: "qcow2", compressed: false, dialect }))}
          {isDisk && item("raw disk", { format: "raw" })}
          <DropdownMenu.Separator className="menu-line" />
          {place !== null && place.guest !== null && item(`${formatRoughBytes(place.guest.lengthBytes)} of the disk, selected`, { format: "range", view: "guest", offset: place.guest.offset, lengthBytes: place.guest.lengthBytes })}
          <DropdownMenu.Item className="menu-item" onSelect={() => app.save.report()}>
            JSON report
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

/** How far it is, and what was made. */
export function SaveStrip() {
  const app = useApp();
  const save = useAppState((state) => state.inspector.save);
  const made = save.value;
  return (
    <>
      <WorkBar name="save" work={save} label="Saving" />
      {made !== null && (
        <div className="work-bar" role="status">
          <span>
            {made.name}: {formatRoughBytes(made.bytes)} ({formatCount(made.bytes)} bytes)
          </span>
          <button type="button" className="button small primary" disabled={made.source === null} onClick={() => void app.save.deliver(made)}>
            {hasPicker() ? "Save to…" : "Download"}
          </button>
          <button type="button" className="button quiet small" onClick={() => app.save.drop()}>
            Do not save
          </button>
        </div>
      )}
    </>
  );
}
