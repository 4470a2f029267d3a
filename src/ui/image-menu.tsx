/** What can be done with the attached image as a file, its sizes, and how full the library is. */
import { Copy, Ellipsis, FileDown, HardDrive, Pencil, Plug, Trash2 } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { isDropped } from "../state/device.ts";
import { formatBytes, formatRoughBytes } from "../state/units.ts";
import { attachLinux } from "./commands.ts";
import { useApp, useAppState } from "./context.ts";

const ICON = 15;

export function ImageMenu() {
  const app = useApp();
  const attached = useAppState((state) => state.attached);
  const library = useAppState((state) => state.library);
  const file = attached?.file ?? null;
  const entry = library.files.find((other) => other.name === file);
  const { usage } = library;
  return (
    <DropdownMenu.Root modal={false} onOpenChange={(open) => open && app.library.refresh()}>
      <DropdownMenu.Trigger className="button quiet icon" aria-label="Image menu">
        <Ellipsis size={16} aria-hidden="true" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className="menu" align="start" sideOffset={4}>
          {file !== null && isDropped(file) && (
            <DropdownMenu.Item className="menu-item" onSelect={() => void app.library.editCopy()}>
              <FileDown size={ICON} aria-hidden="true" /> Edit a copy
            </DropdownMenu.Item>
          )}
          {attached !== null && (
            <DropdownMenu.Item className="menu-item" onSelect={() => attachLinux(app)}>
              <Plug size={ICON} aria-hidden="true" /> Attach Linux
            </DropdownMenu.Item>
          )}
          {entry !== undefined && (
            <>
              <DropdownMenu.Item className="menu-item" onSelect={() => app.page.openDialog({ kind: "rename", file: entry.name })}>
                <Pencil size={ICON} aria-hidden="true" /> Rename
              </DropdownMenu.Item>
              <DropdownMenu.Item className="menu-item" onSelect={() => void app.library.duplicate(entry.name)}>
                <Copy size={ICON} aria-hidden="true" /> Duplicate
              </DropdownMenu.Item>
              <DropdownMenu.Item className="menu-item" onSelect={() => app.page.openDialog({ kind: "delete", file: entry.name })}>
                <Trash2 size={ICON} aria-hidden="true" /> Delete
              </DropdownMenu.Item>
            </>
          )}
          {attached !== null && (
            <>
              <DropdownMenu.Separator className="menu-line" />
              <Fact name="Disk size" value={formatBytes(attached.facts.image.virtualSize)} />
              <Fact name="File size" value={formatRoughBytes(entry?.sizeBytes ?? attached.facts.image.fileSize)} />
            </>
          )}
          <DropdownMenu.Separator className="menu-line" />
          <DropdownMenu.Item className="menu-item" onSelect={() => app.page.openDialog({ kind: "storage" })}>
            <HardDrive size={ICON} aria-hidden="true" /> Storage
          </DropdownMenu.Item>
          <Fact name="Images in the library" value={String(library.files.length)} />
          {usage !== null && (
            <>
              <Fact name="Used" value={`${formatRoughBytes(usage.usedBytes)} of ${formatRoughBytes(usage.quotaBytes)}`} />
              <Fact name="Kept when space runs short" value={usage.persistent ? "yes" : "not promised"} />
            </>
          )}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <DropdownMenu.Label className="menu-item fact">
      {name}
      <span className="detail">{value}</span>
    </DropdownMenu.Label>
  );
}
