/** What the power failure left: zones before, expected and after, the check's verdict, what is lost and why that may or may not be. */
import { CircleAlert, CircleCheck } from "lucide-react";
import { useEffect, useRef } from "react";
import { lookOf, paletteOf } from "../render/palette.ts";
import type { CrashOutcome, CrashRule, CrashZone, CrashZoneState } from "../protocol/index.ts";
import type { CrashRun } from "../state/crash-state.ts";
import { checkWords, goneWords, laterWords, lossWords, outcomeWords, ruleReason, ruleTitle, verdictWords, zoneStateWords } from "../state/crash-text.ts";
import { useApp, useAppState, useFormat, useTheme } from "./context.ts";

export function CrashResult({ run }: { run: CrashRun }) {
  const outcome = useAppState((state) => state.crash.outcome);
  const tried = useAppState((state) => state.crash.tried);
  if (outcome === null) {
    return (
      <div className="crash-result" role="region" aria-label="Result" tabIndex={0}>
        {tried !== null ? (
          <p className="crash-verdict sound" role="status">
            <CircleCheck size={16} aria-hidden="true" /> {tried} crashes were looked at. None breaks a promise.
          </p>
        ) : (
          <p className="crash-idle">
            Drag the line, or move it with the arrow keys, to the moment at which the power fails. Writes above it that no barrier has made durable may have reached the disk or not, in any combination: tick those that did.
          </p>
        )}
      </div>
    );
  }
  return <Told run={run} outcome={outcome} tried={tried} />;
}

function Told({ run, outcome, tried }: { run: CrashRun; outcome: CrashOutcome; tried: number | null }) {
  const app = useApp();
  const verdict = useRef<HTMLParagraphElement>(null);
  // Below the list on a narrow page it would be out of sight.
  useEffect(() => {
    verdict.current?.scrollIntoView({ block: "nearest" });
  }, [outcome]);
  const running = useAppState((state) => state.crash.running !== null);
  const saved = useAppState((state) => state.crash.saved);
  const broken = outcome.losses.length > 0;
  const gone = goneWords(outcome);
  return (
    <div className="crash-result" role="region" aria-label="Result" tabIndex={0}>
      <p ref={verdict} className={broken ? "crash-verdict broken" : "crash-verdict sound"} role="status">
        {broken ? <CircleAlert size={16} aria-hidden="true" /> : <CircleCheck size={16} aria-hidden="true" />} {outcomeWords(outcome)}
      </p>
      {tried !== null && broken && <p className="crash-note">Found after {tried} {tried === 1 ? "crash" : "crashes"}; the list shows the moment and what reached the disk.</p>}
      {broken && (
        <ul className="crash-losses">
          {[...outcome.losses.map(lossWords), ...outcome.later.map(laterWords)].map((words) => (
            <li key={words}>{words}</li>
          ))}
        </ul>
      )}
      {gone !== "" && <p className="crash-note">{gone}</p>}
      {run.zoneSize !== null && outcome.zones.length > 0 && <Zones zones={outcome.zones} zoneSize={run.zoneSize} />}
      <Ranges outcome={outcome} />
      <p className="crash-note">
        Check of the reopened image: <strong>{checkWords(outcome)}</strong>
      </p>
      <Rules title="What the wrong order broke" rules={named(run, outcome.happened)} />
      <Rules title="The order protected it" rules={named(run, outcome.protectedBy)} />
      <div className="crash-actions">
        <button type="button" className="button small" disabled={running} onClick={() => void app.crash.openResult()}>
          Open the result
        </button>
        {saved !== null && <span role="status">{saved} is in the library and attached.</span>}
      </div>
    </div>
  );
}

const named = ({ rules }: CrashRun, mistakes: readonly string[]): readonly CrashRule[] => rules.filter(({ mistake }) => mistakes.includes(mistake));

function Rules({ title, rules }: { title: string; rules: readonly CrashRule[] }) {
  if (rules.length === 0) return null;
  return (
    <section className="crash-rules" aria-label={title}>
      <h3>{title}</h3>
      <ul>
        {rules.map((rule) => (
          <li key={rule.mistake}>
            <strong>{ruleTitle(rule)}</strong>; {ruleReason(rule)}.
          </li>
        ))}
      </ul>
    </section>
  );
}

function Zones({ zones, zoneSize }: { zones: readonly CrashZone[]; zoneSize: number }) {
  return (
    <table className="crash-zones">
      <thead>
        <tr>
          <th scope="col">Zone</th>
          <th scope="col">Before</th>
          <th scope="col">Expected</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        {zones.map(({ zone, before, expected, after, verdict }) => (
          <tr key={zone} className={verdict}>
            <th scope="row">{zone}</th>
            <td>
              <ZoneBar state={before} start={zone * zoneSize} zoneSize={zoneSize} />
            </td>
            <td>
              <ZoneBar state={expected} start={zone * zoneSize} zoneSize={zoneSize} />
            </td>
            <td>
              {after === null ? "not readable" : <ZoneBar state={after} start={zone * zoneSize} zoneSize={zoneSize} />}
              <span className="crash-difference">{verdictWords(verdict)}</span>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A zone as a bar, written up to its pointer. */
function ZoneBar({ state, start, zoneSize }: { state: CrashZoneState; start: number; zoneSize: number }) {
  const look = lookOf(paletteOf(useTheme()), state.condition);
  const written = Math.max(0, Math.min(1, (state.writePointer - start) / zoneSize));
  return (
    <>
      <svg className="crash-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
        <rect width="100" height="10" fill={look.tint} />
        <rect width={written * 100} height="10" fill={look.fill} />
      </svg>
      <span>{zoneStateWords(state, start)}</span>
    </>
  );
}

function Ranges({ outcome }: { outcome: CrashOutcome }) {
  const size = useFormat();
  if (outcome.ranges.length === 0) return null;
  return (
    <ul className="crash-ranges">
      {outcome.ranges.map(({ offset, lengthBytes, verdict }) => (
        <li key={offset} className={verdict}>
          {size(lengthBytes)} at {size(offset)}: {verdictWords(verdict)}
        </li>
      ))}
    </ul>
  );
}
