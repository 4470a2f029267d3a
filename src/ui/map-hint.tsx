/** What is under the pointer, beside the pointer and inside the map: a zone, or what a shared cell holds. */
import { conditionName } from "../base/conditions.ts";
import { CONDITION_ORDER } from "../render/palette.ts";
import type { Scene } from "../render/scene.ts";
import { formatCount, percent } from "../state/units.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { useFormat } from "./context.ts";
import { Swatch } from "./swatch.tsx";

export interface Hover {
  readonly zone: number;
  /** The shared cell that is pointed at; null where every zone has its own. */
  readonly cell: number | null;
  readonly x: number;
  readonly y: number;
}

interface Props {
  readonly zones: ZoneModel;
  readonly hover: Hover;
  readonly scene: Scene;
  readonly content: { readonly counts: Uint32Array; readonly used: number; readonly writable: number } | null;
  readonly width: number;
  readonly height: number;
}

const WIDTH = 232;

export function MapHint({ zones, hover, scene, content, width, height }: Props) {
  const { x, y } = hover;
  const left = x + 16 + WIDTH > width ? Math.max(4, x - 12 - WIDTH) : x + 16;
  const below = y < height / 2;
  const place = below ? { left, top: y + 14 } : { left, bottom: Math.max(4, height - y + 10) };
  return (
    <div className="map-hint" role="tooltip" style={{ ...place, width: WIDTH }}>
      {content !== null && hover.cell !== null ? <Shared zones={zones} hover={hover} scene={scene} content={content} /> : <One zones={zones} zone={hover.zone} />}
    </div>
  );
}

function One({ zones, zone }: { zones: ZoneModel; zone: number }) {
  const size = useFormat();
  const used = zones.used(zone);
  return (
    <>
      <p className="map-hint-title">
        Zone {zone} <span>{conditionName(zones.conditionOf(zone))}</span>
      </p>
      <dl>
        <dt>Start</dt>
        <dd>{size(zones.start(zone))}</dd>
        <dt>Write pointer</dt>
        <dd>{used === null ? "none" : size(zones.writePointer[zone]!)}</dd>
        <dt>Used</dt>
        <dd>{used === null ? "any offset" : `${size(used)} of ${size(zones.capacity(zone))}`}</dd>
      </dl>
    </>
  );
}

function Shared({ zones, hover, scene, content }: { zones: ZoneModel; hover: Hover; scene: Scene; content: NonNullable<Props["content"]> }) {
  const size = useFormat();
  const first = (hover.cell ?? 0) * scene.layout.zonesPerCell;
  const last = Math.min(zones.count, first + scene.layout.zonesPerCell) - 1;
  return (
    <>
      <p className="map-hint-title">
        Zones {first}–{last}
      </p>
      <dl>
        <dt>Written</dt>
        <dd>{content.writable === 0 ? "any offset" : `${size(content.used)}, ${percent(content.used / content.writable)}`}</dd>
        {CONDITION_ORDER.filter((condition) => content.counts[condition]! > 0).map((condition) => (
          <div key={condition} className="map-hint-mix">
            <dt>
              <Swatch condition={condition} size={10} /> {conditionName(condition)}
            </dt>
            <dd>{formatCount(content.counts[condition]!)}</dd>
          </div>
        ))}
        <dt>Here</dt>
        <dd>
          zone {hover.zone}, {conditionName(zones.conditionOf(hover.zone))}
        </dd>
      </dl>
    </>
  );
}
