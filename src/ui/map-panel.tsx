/** The region "Zone map": the drawn map with its legend, or what stands there for an image without zones, or an invitation. */
import { useState } from "react";
import { conditionName } from "../base/conditions.ts";
import { CONDITION_ORDER } from "../render/palette.ts";
import { displayName } from "../state/device.ts";
import type { Attached } from "../state/store.ts";
import { formatCount } from "../state/units.ts";
import type { FormatBytes } from "../state/units.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { useApp, useAppState, useFormat, useLink, useShownZones } from "./context.ts";
import { EmptyState } from "./empty-state.tsx";
import { mapHandle } from "./map-handle.ts";
import { PlainImage } from "./plain-image.tsx";
import { PastRibbon } from "./scrubber.tsx";
import { Swatch } from "./swatch.tsx";
import { ZoneMap } from "./zone-map.tsx";

export function MapPanel() {
  const attached = useAppState((state) => state.attached);
  const ready = useAppState((state) => state.ready);
  const zones = useShownZones();
  const size = useFormat();
  const inFrame = useLink()?.link.embed === true;
  return (
    <section className="panel panel-map" aria-label="Zone map">
      <PastRibbon />
      <div className={zones === null ? "panel-head" : "panel-head map-head"}>
        <h2 className="panel-title">Zone map</h2>
        {attached !== null && <Description parts={describe(attached, size)} />}
        {zones !== null && !inFrame && <GoTo zones={zones} />}
      </div>
      {zones !== null && (
        <>
          <ZoneMap zones={zones} />
          <Legend zones={zones} />
        </>
      )}
      {attached !== null && zones === null && <PlainImage facts={attached.facts} />}
      {attached === null && ready && <EmptyState />}
    </section>
  );
}

function Description({ parts }: { parts: readonly string[] }) {
  return (
    <p className="panel-note" title={parts.join("")}>
      {parts.map((part) => (
        <span key={part}>{part}</span>
      ))}
    </p>
  );
}

/** The image in a sentence, in parts of which the later ones can be done without. */
function describe(attached: Attached, size: FormatBytes): readonly string[] {
  const { zones, facts } = attached;
  const whole = size(facts.image.virtualSize);
  if (zones === null) return [displayName(attached.file), `, ${whole}`];
  const rules = facts.zoned === null || facts.zoned.policy === "qcow2" ? [] : [`, rules of ${facts.zoned.policy}`];
  const zoneWord = zones.count === 1 ? "zone" : "zones";
  return [`${formatCount(zones.count)} ${zoneWord} of ${size(zones.geometry.zoneSize)}`, `, ${whole} in all`, `, dialect ${facts.zoned?.dialect ?? ""}`, ...rules];
}

/** Of more zones than this, the one that is gone to is zoomed to. */
const FINDABLE = 400;

/** Typing a zone's number selects it. */
function GoTo({ zones }: { zones: ZoneModel }) {
  const app = useApp();
  const [text, setText] = useState("");
  const zone = /^\d+$/.test(text.trim()) ? Number(text) : null;
  const wrong = text.trim() !== "" && (zone === null || zone >= zones.count);
  return (
    <form
      className="go-to push"
      onSubmit={(event) => {
        event.preventDefault();
        if (zone === null || wrong) return;
        app.device.select(zone);
        // Among many a zone is seen only when it is large enough.
        if (zones.count > FINDABLE) mapHandle.current?.showZone(zone);
        setText("");
      }}
    >
      <input
        id="go-to-zone"
        className="input"
        aria-label="Go to zone"
        title="Go to a zone by its number"
        inputMode="numeric"
        autoComplete="off"
        // A word more than the largest number has no room where the map is narrow.
        placeholder={`${zones.count > 1000 ? "" : "Zone "}0–${zones.count - 1}`}
        aria-invalid={wrong}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
    </form>
  );
}

/** How many zones are in each condition; conditions that no zone can be in here are left out. */
function Legend({ zones }: { zones: ZoneModel }) {
  useAppState((state) => state.zonesVersion);
  return (
    <ul className="legend" aria-label="Zones by condition">
      {CONDITION_ORDER.map((condition) => {
        const count = zones.countOf(condition);
        const rare = condition === 13 || condition === 15 || condition === 0;
        if (rare && count === 0) return null;
        return (
          <li key={condition} className={count === 0 ? "none" : undefined}>
            <Swatch condition={condition} />
            <span className="legend-name">{conditionName(condition)}</span>
            <span className="legend-count">{formatCount(count)}</span>
          </li>
        );
      })}
      {zones.geometry.zoneCapacity < zones.geometry.zoneSize && (
        <li>
          <span className="legend-unusable" aria-hidden="true" />
          <span className="legend-name">beyond the capacity</span>
        </li>
      )}
    </ul>
  );
}
