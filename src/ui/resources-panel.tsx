/** The region "Resources": open and active zones against their limits, and which zone would be closed to make room. */
import type { PastResources } from "../state/closing-orders.ts";
import { formatCount } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";

export function ResourcesPanel() {
  const past = useAppState((state) => state.moment !== null);
  const attached = useAppState((state) => state.attached !== null);
  const ready = useAppState((state) => state.ready);
  const resources = useAppState((state): PastResources | null => (state.moment === null ? state.resources : state.pastResources));
  return (
    <section className="panel panel-resources" aria-label="Resources">
      <div className="panel-head">
        <h2 className="panel-title">Resources</h2>
        {past && <span className="past-mark">the past</span>}
      </div>
      {resources === null ? <p className="panel-empty">{attached ? "This image has no zones to count." : ready ? "Open and active zones are counted here." : ""}</p> : <Counted resources={resources} past={past} />}
    </section>
  );
}

function Counted({ resources, past }: { resources: PastResources; past: boolean }) {
  const app = useApp();
  const { implicitOpen, explicitOpen, closed, maxOpen, maxActive, implicitOrder } = resources;
  const open = implicitOpen + explicitOpen;
  const beyond = implicitOpen - (implicitOrder?.length ?? 0);
  return (
    <>
      <div className="gauges">
        <Gauge name="Open" value={open} limit={maxOpen} detail={`${formatCount(implicitOpen)} implicit, ${formatCount(explicitOpen)} explicit`} />
        <Gauge name="Active" value={open + closed} limit={maxActive} detail={`open, and ${formatCount(closed)} closed`} />
      </div>
      <div className="implicit-order">
        {implicitOrder === null ? (
          <p className="quiet">Who would have been closed next is not known for this moment: the log does not reach back far enough.</p>
        ) : implicitOrder.length === 0 ? (
          <p className="quiet">{past ? "No zone was implicitly open, so none could have been closed to make room." : "No zone is implicitly open, so none can be closed to make room."}</p>
        ) : (
          <>
            {maxOpen === 0 ? (
              <p className="quiet">Implicitly open, without a limit:</p>
            ) : (
              <p>
                {past ? "Would have been closed next to make room: " : "Closed next to make room: "}
                <strong>zone {implicitOrder[0]}</strong>
              </p>
            )}
            <ol aria-label="Implicitly open zones, the next to be closed first">
              {implicitOrder.map((zone) => (
                <li key={zone}>
                  <button type="button" aria-label={`Zone ${zone}`} onClick={() => app.device.select(zone)}>
                    {zone}
                  </button>
                </li>
              ))}
              {beyond > 0 && <li className="quiet">and {formatCount(beyond)} more</li>}
            </ol>
          </>
        )}
      </div>
    </>
  );
}

/** Up to this many slots are drawn one by one. */
const SLOTS = 16;

function Gauge({ name, value, limit, detail }: { name: string; value: number; limit: number; detail: string }) {
  const words = limit === 0 ? `${value}, no limit` : `${value} of ${limit}`;
  return (
    <div role="meter" aria-label={`${name} zones`} aria-valuemin={0} aria-valuenow={value} aria-valuemax={limit === 0 ? Math.max(1, value) : limit} aria-valuetext={words}>
      <p className="gauge-head">
        {name}
        <span className="gauge-value">
          {formatCount(value)} <span>/ {limit === 0 ? "∞" : formatCount(limit)}</span>
        </span>
      </p>
      {limit > 0 && limit <= SLOTS ? (
        <div className="gauge-track">
          {Array.from({ length: limit }, (_, slot) => (
            <span key={slot} className={slot < value ? "used" : undefined} />
          ))}
        </div>
      ) : (
        <div className={limit === 0 ? "gauge-bar unlimited" : "gauge-bar"}>
          <span style={{ width: limit === 0 ? 0 : `${Math.min(100, (value / limit) * 100)}%` }} />
        </div>
      )}
      <p className="gauge-detail">{detail}</p>
    </div>
  );
}
