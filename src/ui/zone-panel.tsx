/** The region "Zone": the selected zone's numbers, its state machine, what can be done to it and what came of it. */
import { conditionName } from "../base/conditions.ts";
import { formatBytes, formatCount, formatHex } from "../state/units.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { useAppState } from "./context.ts";
import { Swatch } from "./swatch.tsx";
import { ZoneControls } from "./zone-controls.tsx";
import { ZoneOutcome } from "./zone-outcome.tsx";

export function ZonePanel() {
  const zones = useAppState((state) => state.attached?.zones ?? null);
  const selected = useAppState((state) => state.selected);
  const attached = useAppState((state) => state.attached !== null);
  return (
    <section className="panel panel-zone" aria-label="Zone">
      {zones === null || selected === null || selected >= zones.count ? (
        <>
          <div className="panel-head">
            <h2 className="panel-title">Zone</h2>
          </div>
          <p className="panel-empty">{attached ? "This image has no zones; use the console to read and write it." : "Attach an image to see its zones."}</p>
        </>
      ) : (
        <Selected zones={zones} zone={selected} />
      )}
    </section>
  );
}

function Selected({ zones, zone }: { zones: ZoneModel; zone: number }) {
  useAppState((state) => state.zonesVersion);
  const condition = zones.conditionOf(zone);
  const used = zones.used(zone);
  const start = zones.start(zone);
  return (
    <>
      <div className="panel-head">
        <h2 className="panel-title">Zone {formatCount(zone)}</h2>
        <p className="zone-condition push">
          <Swatch condition={condition} size={14} />
          {conditionName(condition)}
        </p>
      </div>
      <dl className="numbers">
        <Number name="Start" value={start} />
        <Number name="Write pointer" value={used === null ? null : zones.writePointer[zone]!} />
        <Number name="Used" value={used} plain />
        <Number name="Length" value={zones.length(zone)} plain />
        <Number name="Capacity" value={zones.capacity(zone)} plain />
        <Count name="Resets" value={zones.resets[zone]!} />
      </dl>
      <dl className="numbers counters" aria-label="Since the image was opened">
        <Count name="Writes" value={zones.writes[zone]!} />
        <Number name="Written" value={zones.bytesWritten[zone]!} plain />
        <Count name="Finishes" value={zones.finishes[zone]!} />
        <Count name="Refusals" value={zones.refusals[zone]!} />
      </dl>
      <ZoneControls key={zone} zones={zones} zone={zone} />
      <ZoneOutcome zone={zone} />
    </>
  );
}

function Count({ name, value }: { name: string; value: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{formatCount(value)}</dd>
    </div>
  );
}

/** A number of bytes; a position is shown in hex too, as logs have it. */
function Number({ name, value, plain = false }: { name: string; value: number | null; plain?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value === null ? "none" : formatBytes(value)}
        {value !== null && !plain && <span className="hex">{formatHex(value)}</span>}
      </dd>
    </div>
  );
}
