/** The map as other parts of the page steer it: the palette, shortcuts, the field "Go to zone". Null while no map is drawn. */
export interface MapHandle {
  zoomBy(factor: number): void;
  panBy(dx: number, dy: number): void;
  whole(): void;
  /** Shows one zone large enough to tell it from its neighbours. */
  showZone(zone: number): void;
  save(format: "png" | "svg"): void;
}

export const mapHandle: { current: MapHandle | null } = { current: null };

/** How much larger one step of zooming makes the map. */
export const ZOOM_STEP = 1.6;
