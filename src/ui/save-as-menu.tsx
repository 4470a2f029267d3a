/** What the inspected file can be saved as; what was made says its size before it goes anywhere. */
import { FileOutput } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { useState } from "react";
import type { Dialect, SaveForm } from "../protocol/index.ts";
import { hasPicker } from "../state/save-as.ts";
import { parseOffset } from "../state/hex.ts";
import type { HexView } from "../state/inspector-state.ts";
import { formatCount, formatRoughBytes, parseSize } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { WorkBar } from "./work-bar.tsx";

const DIALECTS: readonly Dialect[] = ["v4", "v7", "v9"];

/** @param onRange asks for a range of bytes by hand */
export function SaveAsMenu({ onRange }: { onRange: () => void }) {
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
        <FileOutput size={14} aria-hidden="true" /> <span className="wide-only">Save as</span>
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu narrow" align="end" sideOffset={4}>
          {isDisk && item("qcow2, compact", { format: "qcow2", compressed: false, dialect: zoned?.dialect ?? null })}
          {isDisk && zoned === null && item("qcow2, compressed", { format: "qcow2", compressed: true, dialect: null })}
          {zoned !== null && DIALECTS.filter((dialect) => dialect !== zoned.dialect).map((dialect) => item(`qcow2, dialect ${dialect}`, { format: "qcow2", compressed: false, dialect }))}
          {isDisk && item("Raw disk", { format: "raw" })}
          {isDisk && <DropdownMenu.Separator className="menu-line" />}
          {place !== null && place.guest !== null && item(`${formatRoughBytes(place.guest.lengthBytes)} of the disk, selected`, { format: "range", view: "guest", offset: place.guest.offset, lengthBytes: place.guest.lengthBytes })}
          <DropdownMenu.Item className="menu-item" disabled={running} onSelect={onRange}>
            A range of bytes…
          </DropdownMenu.Item>
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

/** Asks for a range of the file or of the disk, and has it made. */
export function RangeStrip({ onDone }: { onDone: () => void }) {
  const app = useApp();
  const inspection = useAppState((state) => state.inspector.inspection);
  const place = useAppState((state) => state.inspector.place);
  const [view, setView] = useState<HexView>(useAppState((state) => state.inspector.hexView));
  const isDisk = inspection?.identity.container === "qcow2";
  const shown = isDisk ? view : "host";
  const selected = shown === "host" ? place?.hostOffset : place?.guest?.offset;
  const [from, setFrom] = useState(`0x${(selected ?? 0).toString(16)}`);
  const [length, setLength] = useState("64k");
  if (inspection === null) return null;
  const total = shown === "host" ? inspection.identity.fileSize : Number(inspection.header?.fields.find(({ field }) => field === "size")?.value ?? 0);
  const offset = parseOffset(from, selected ?? 0);
  const lengthBytes = parseSize(length);
  const behind = offset !== null && lengthBytes !== null && offset + lengthBytes > total;
  const fits = offset !== null && lengthBytes !== null && lengthBytes > 0 && !behind;
  return (
    <form
      className="work-bar range-strip"
      aria-label="Save a range of bytes"
      onSubmit={(event) => {
        event.preventDefault();
        if (!fits) return;
        void app.save.make({ format: "range", view: shown, offset, lengthBytes });
        onDone();
      }}
    >
      <label>
        Of the{" "}
        <select className="input" value={shown} onChange={(event) => setView(event.target.value as HexView)}>
          <option value="host">file</option>
          {isDisk && <option value="guest">disk</option>}
        </select>
      </label>
      <label>
        from <input className="input search" aria-label="First byte" autoComplete="off" spellCheck={false} aria-invalid={offset === null || behind} value={from} onChange={(event) => setFrom(event.target.value)} />
      </label>
      <label>
        length <input className="input search" aria-label="Length of the range" autoComplete="off" spellCheck={false} aria-invalid={lengthBytes === null || behind} value={length} onChange={(event) => setLength(event.target.value)} />
      </label>
      <button type="submit" className="button small primary" disabled={!fits}>
        Save the range
      </button>
      <button type="button" className="button quiet small" onClick={onDone}>
        Close
      </button>
      <span role="status">{behind ? `It would end behind the last byte: there are ${formatCount(total)}.` : ""}</span>
    </form>
  );
}
