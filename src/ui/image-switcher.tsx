/** The combobox "Image": the library's images, and the file of this machine that is open, if one is. */
import { Check, ChevronDown } from "lucide-react";
import { Select } from "radix-ui";
import { displayName, isDropped } from "../state/device.ts";
import { formatRoughBytes } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";

export function ImageSwitcher() {
  const app = useApp();
  const files = useAppState((state) => state.library.files);
  const file = useAppState((state) => state.attached?.file ?? null);
  const dropped = file !== null && isDropped(file);
  return (
    <Select.Root onOpenChange={(open) => open && app.library.refresh()} value={file ?? ""} onValueChange={(name) => name !== "" && name !== file && void app.device.attach(name)}>
      <Select.Trigger className="button image-trigger" aria-label="Image" disabled={files.length === 0 && !dropped}>
        <span className="image-name">{file === null ? "No image" : displayName(file)}</span>
        <Select.Icon asChild>
          <ChevronDown size={15} aria-hidden="true" />
        </Select.Icon>
      </Select.Trigger>
      <Select.Portal>
        <Select.Content className="menu" position="popper" sideOffset={4} align="start">
          <Select.Viewport>
            {dropped && (
              <Select.Group>
                <Select.Label className="menu-label">On this machine, read-only</Select.Label>
                <Item name={file} detail="" />
              </Select.Group>
            )}
            <Select.Group>
              <Select.Label className="menu-label">Library</Select.Label>
              {files.map((entry) => (
                <Item key={entry.name} name={entry.name} detail={formatRoughBytes(entry.sizeBytes)} />
              ))}
            </Select.Group>
          </Select.Viewport>
        </Select.Content>
      </Select.Portal>
    </Select.Root>
  );
}

function Item({ name, detail }: { name: string; detail: string }) {
  return (
    <Select.Item value={name} className="menu-item">
      <span className="menu-check">
        <Select.ItemIndicator>
          <Check size={14} aria-hidden="true" />
        </Select.ItemIndicator>
      </span>
      <Select.ItemText>{displayName(name)}</Select.ItemText>
      {detail !== "" && <span className="detail">{detail}</span>}
    </Select.Item>
  );
}
