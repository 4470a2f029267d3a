/** The region "Zone": the selected zone's numbers, its state machine, what can be done to it, what came of it and what was done before. */
import { useEffect, useRef } from "react";
import { conditionName } from "../base/conditions.ts";
import { SECTOR_SIZE } from "../base/units.ts";
import { textOf } from "../state/failure-text.ts";
import { entryLine } from "../state/scripts.ts";
import type { TapeEntry } from "../state/tape.ts";
import { formatCount, formatHex } from "../state/units.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { useApp, useAppState, useFormat, useShownZones } from "./context.ts";
import { Swatch } from "./swatch.tsx";
import { ZoneControls } from "./zone-controls.tsx";
import { ZoneOutcome } from "./zone-outcome.tsx";

export function ZonePanel() {
  const zones = useShownZones();
  const selected = useAppState((state) => state.selected);
  const attached = useAppState((state) => state.attached !== null);
  const ready = useAppState((state) => state.ready);
  const readOnly = useAppState((state) => state.attached?.facts.image.readOnly ?? false);
  return (
    <section className="panel panel-zone" aria-label="Zone">
      {zones === null || selected === null || selected >= zones.count ? (
        <>
          <div className="panel-head">
            <h2 className="panel-title">Zone</h2>
          </div>
          <p className="panel-empty">{attached ? `This image has no zones; use the console to ${readOnly ? "read" : "read and write"} it.` : ready ? "Attach an image, and select a zone to see it here." : ""}</p>
        </>
      ) : (
        <Selected zones={zones} zone={selected} />
      )}
    </section>
  );
}

function Selected({ zones, zone }: { zones: ZoneModel; zone: number }) {
  const past = useAppState((state) => state.moment !== null);
  const condition = zones.conditionOf(zone);
  const used = zones.used(zone);
  const outcome = useRef<HTMLDivElement>(null);
  const result = useAppState((state) => state.zoneResult);
  // What the last button led to stands at the top.
  useEffect(() => {
    outcome.current?.scrollTo({ top: 0 });
  }, [zone, result]);
  return (
    <>
      <div className="panel-head">
        <h2 className="panel-title">Zone {zone}</h2>
        {past && <span className="past-mark">the past</span>}
        <p className="zone-condition push">
          <Swatch condition={condition} size={14} />
          {conditionName(condition)}
        </p>
      </div>
      <table className="numbers" aria-label="Numbers of the zone">
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">What</span>
            </th>
            <th scope="col">Size</th>
            <th scope="col">LBA</th>
            <th scope="col">Bytes, hex</th>
          </tr>
        </thead>
        <tbody>
          <Numbers name="Start" value={zones.start(zone)} />
          <Numbers name="Write pointer" value={used === null ? null : zones.writePointer[zone]!} />
          <Numbers name="Used" value={used} />
          <Numbers name="Capacity" value={zones.capacity(zone)} />
          <Numbers name="Length" value={zones.length(zone)} />
        </tbody>
      </table>
      <dl className="counters" aria-label="Since the image was opened">
        <Count name="Writes" value={zones.counted("writes", zone)} />
        <Written value={zones.counted("bytesWritten", zone)} />
        <Count name="Resets" value={zones.counted("resets", zone)} />
        <Count name="Finishes" value={zones.counted("finishes", zone)} />
        <Count name="Refusals" value={zones.counted("refusals", zone)} />
      </dl>
      <ZoneControls key={zone} zones={zones} zone={zone} />
      <div className="outcome" tabIndex={0} role="group" aria-label="What came of it" ref={outcome}>
        <ZoneOutcome zone={zone} />
        <LastCommands zones={zones} zone={zone} />
      </div>
    </>
  );
}

/** One number in three spellings. */
function Numbers({ name, value }: { name: string; value: number | null }) {
  const size = useFormat();
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{value === null ? "none" : size(value)}</td>
      <td className="code">{value === null ? "" : formatCount(Math.floor(value / SECTOR_SIZE))}</td>
      <td className="code">{value === null ? "" : formatHex(value)}</td>
    </tr>
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

function Written({ value }: { value: number }) {
  const size = useFormat();
  return (
    <div>
      <dt>Written</dt>
      <dd>{size(value)}</dd>
    </div>
  );
}

const LAST = 8;

/** What was done to this zone, newest first, as lines of the console. */
function LastCommands({ zones, zone }: { zones: ZoneModel; zone: number }) {
  const app = useApp();
  useAppState((state) => state.eventsVersion);
  const moment = useAppState((state) => state.moment);
  const start = zones.start(zone);
  const entries = app.tape.about(start, start + zones.length(zone), moment ?? Number.MAX_SAFE_INTEGER, LAST);
  return (
    <div className="last-commands">
      <p className="last-title">Last commands on this zone</p>
      {entries.length === 0 ? (
        <p className="quiet">None from this page or from Linux yet.</p>
      ) : (
        <ol>
          {entries.map((entry, index) => (
            <li key={index}>
              {entryLine(entry)}
              {entry.byGuest && <span className="quiet"> Linux</span>}
              {entry.failure !== null && <span className="refused"> {refusalWords(entry)}</span>}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

/** A guest hears of a refusal as a status of its device. */
function refusalWords({ failure, byGuest }: TapeEntry): string {
  if (failure === null) return "";
  const told = byGuest ? textOf(failure).names?.virtio : null;
  return `refused: ${failure.kind === "zone" ? failure.code : textOf(failure).title}${typeof told === "string" ? `, ${told}` : ""}`;
}
