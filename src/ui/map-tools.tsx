/** The map's own buttons: zoom, whole map, the selected zone, and the map as a file. */
import { Crosshair, ImageDown, Maximize, Minus, Plus } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { Scene } from "../render/scene.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { useAppState } from "./context.ts";
import { mapHandle, ZOOM_STEP } from "./map-handle.ts";
import { Tip } from "./tip.tsx";

interface Props {
  readonly scene: Scene;
  readonly zones: ZoneModel;
  readonly largest: number;
  readonly onZoom: (factor: number) => void;
  readonly onWhole: () => void;
  readonly onZone: () => void;
}

const ICON = 15;

export function MapTools({ scene, zones, largest, onZoom, onWhole, onZone }: Props) {
  const selected = useAppState((state) => state.selected);
  const { scale } = scene.view;
  return (
    <div className="map-tools" role="toolbar" aria-label="Map view">
      <Tool name="Zoom in" keys="+" disabled={scale >= largest - 1e-9} onClick={() => onZoom(ZOOM_STEP)}>
        <Plus size={ICON} aria-hidden="true" />
      </Tool>
      <Tool name="Zoom out" keys="−" disabled={scale <= 1} onClick={() => onZoom(1 / ZOOM_STEP)}>
        <Minus size={ICON} aria-hidden="true" />
      </Tool>
      <Tool name="Whole map" keys="0" disabled={scale <= 1} onClick={onWhole}>
        <Maximize size={ICON} aria-hidden="true" />
      </Tool>
      <Tool name="Zoom to the selected zone" keys="Enter" disabled={selected === null || zones.count === 0 || largest <= 1} onClick={onZone}>
        <Crosshair size={ICON} aria-hidden="true" />
      </Tool>
      <DropdownMenu.Root modal={false}>
        <Tip text="Save the map as a picture">
          <DropdownMenu.Trigger className="map-tool" aria-label="Save the map">
            <ImageDown size={ICON} aria-hidden="true" />
          </DropdownMenu.Trigger>
        </Tip>
        <DropdownMenu.Portal>
          <DropdownMenu.Content className="menu narrow" align="end" sideOffset={4}>
            <DropdownMenu.Item className="menu-item" onSelect={() => mapHandle.current?.save("png")}>
              As PNG
            </DropdownMenu.Item>
            <DropdownMenu.Item className="menu-item" onSelect={() => mapHandle.current?.save("svg")}>
              As SVG
            </DropdownMenu.Item>
          </DropdownMenu.Content>
        </DropdownMenu.Portal>
      </DropdownMenu.Root>
    </div>
  );
}

interface ToolProps {
  readonly name: string;
  readonly keys: string;
  readonly disabled: boolean;
  readonly onClick: () => void;
  readonly children: React.ReactNode;
}

function Tool({ name, keys, disabled, onClick, children }: ToolProps) {
  return (
    <Tip text={name} keys={keys}>
      <button type="button" className="map-tool" aria-label={name} disabled={disabled} onClick={onClick}>
        {children}
      </button>
    </Tip>
  );
}
