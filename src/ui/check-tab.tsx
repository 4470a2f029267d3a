/** The tab "Check": findings with what, where and how bad; a repair's changes, told before a copy is repaired; compressed clusters decompressed. */
import { useEffect, useMemo, useRef } from "react";
import type { CheckReport, ReplyOf } from "../protocol/index.ts";
import { findingWords, zonesWords } from "../state/inspector-text.ts";
import type { FindingWords } from "../state/inspector-text.ts";
import { visibleText } from "../state/visible-text.ts";
import type { Repair } from "../state/inspector-state.ts";
import { counted, formatCount, formatHex } from "../state/units.ts";
import { consequenceWords, foundWords } from "./check-words.ts";
import { useApp, useAppState, useNarrow } from "./context.ts";
import { useRows } from "./use-rows.ts";
import { WorkBar } from "./work-bar.tsx";

const ROW_HEIGHT = 26;
/** On a phone what was found has two lines of its own. */
const NARROW_ROW_HEIGHT = 58;

/** The cluster size as the header says it, where that can be. */
function useClusterSize(): number {
  const fields = useAppState((state) => state.inspector.inspection?.header?.fields);
  const bits = Number(fields?.find(({ field }) => field === "cluster_bits")?.value ?? 16);
  return bits >= 9 && bits <= 21 ? 2 ** bits : 65536;
}

export function CheckTab() {
  const app = useApp();
  const check = useAppState((state) => state.inspector.check);
  const repair = useAppState((state) => state.inspector.repair);
  const compressed = useAppState((state) => state.inspector.compressed);
  const isQcow2 = useAppState((state) => state.inspector.inspection?.identity.container === "qcow2");
  const plan = useAppState((state) => state.inspector.plan);
  const begun = useAppState((state) => state.inspector.checkBegun);
  const remote = useAppState((state) => state.inspector.remote === state.inspector.file);
  useEffect(() => {
    // The tab was turned to in order to know.
    if (!begun && isQcow2 && !remote) void app.inspectorWork.check();
  }, [app, begun, isQcow2, remote]);
  if (!isQcow2) return <p className="panel-empty">Only qcow2 images have refcounts and tables that can be checked.</p>;
  const report = check.value;
  return (
    <div className="inspector-column">
      <div className="inspector-tools">
        <button type="button" className="button small" disabled={check.running} onClick={() => void app.inspectorWork.check()}>
          {report === null ? "Check" : "Check again"}
        </button>
        {report === null && remote && !check.running && <p className="quiet">A check reads every table and refcount of the image from its server.</p>}
        {report !== null && <Verdict report={report} />}
        {report !== null && hasFindings(report) && (
          <button type="button" className="button small" disabled={repair.running || plan.running} onClick={() => void app.inspector.planRepair()}>
            What would a repair change?
          </button>
        )}
        {report !== null && report.compressedClusters > 0 && (
          <button type="button" className="button small" disabled={compressed.running} onClick={() => void app.inspector.verifyCompressed()}>
            Decompress everything
          </button>
        )}
        {compressed.value !== null && (
          <p role="status">
            {compressed.value.bad === 0
              ? compressed.value.clusters === 1 ? "The one compressed cluster can be decompressed." : `All ${formatCount(compressed.value.clusters)} compressed clusters can be decompressed.`
              : `${formatCount(compressed.value.bad)} of ${counted(compressed.value.clusters, "compressed cluster")} cannot be decompressed.`}
          </p>
        )}
      </div>
      <WorkBar name="check" work={check} label="Checking" />
      <WorkBar name="plan" work={plan} label="Trying a repair out in memory" />
      <WorkBar name="repair" work={repair} label="Repairing" />
      <WorkBar name="compressed" work={compressed} label="Decompressing" />
      {repair.value !== null && <RepairDone repair={repair.value} />}
      {plan.value !== null && repair.value === null && <RepairPlan plan={plan.value} />}
      {report !== null && <Findings report={report} />}
    </div>
  );
}

const hasFindings = (report: CheckReport): boolean => report.findings.length > 0 || (report.zoned?.findings.length ?? 0) > 0;

function Verdict({ report }: { report: CheckReport }) {
  const { corruptions, allocatedClusters, totalClusters, compressedClusters } = report;
  return (
    <p className={corruptions > 0 ? "verdict bad" : "verdict"} role="status">
      {foundWords(report) || "No errors were found"}; {formatCount(allocatedClusters)} of {counted(totalClusters, "cluster")} {allocatedClusters === 1 ? "is" : "are"} allocated
      {compressedClusters > 0 ? `, ${formatCount(compressedClusters)} compressed` : ""}.
    </p>
  );
}

/** What is wrong with an image still. */
const leftWords = ({ corruptions, leaks, checkErrors }: CheckReport): string => `${counted(corruptions, "corruption")}, ${counted(leaks, "leak")} and ${counted(checkErrors, "error")}`;

/** A finding, and another whatever else is said of its place. */
interface Row extends FindingWords {
  readonly zone?: number;
}

function Findings({ report }: { report: CheckReport }) {
  const app = useApp();
  const clusterSize = useClusterSize();
  const compressed = useAppState((state) => state.inspector.compressed.value);
  const box = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => {
    const bad = (compressed?.findings ?? []).map(
      ({ code, hostOffset }): Row => ({ severity: "corruption", what: code === "short" ? "A compressed cluster decompresses to less than a cluster" : "A compressed cluster cannot be decompressed", line: "", spot: { hostOffset } }),
    );
    const all: Row[] = [...bad, ...report.findings.map((finding): Row => findingWords(finding, clusterSize)), ...(report.zoned === null ? [] : zonesWords(report.zoned))];
    // What harms data comes first, each kind in the order in which it was found.
    return [...all.filter(({ severity }) => severity === "corruption"), ...all.filter(({ severity }) => severity !== "corruption")];
  }, [report, clusterSize, compressed]);
  const rowHeight = useNarrow() ? NARROW_ROW_HEIGHT : ROW_HEIGHT;
  const { first, end } = useRows(box, rows.length, rowHeight, 8);
  if (rows.length === 0) return null;
  return (
    <div className="inspector-scroll" ref={box} tabIndex={0} role="group" aria-label="Findings">
      <ul className="findings" style={{ height: rows.length * rowHeight, paddingTop: first * rowHeight }}>
        {rows.slice(first, end).map((row, index) => {
          const { severity, what, line, spot, zone } = row;
          return (
            <li key={first + index} className={severity} style={{ height: rowHeight }} title={visibleText(line)}>
              <span className="severity">{severity}</span>
              <span className="where mono">
                {spot !== null && (
                  <button type="button" className="link" onClick={() => void app.inspector.goTo(spot, "Hex")}>
                    {"hostOffset" in spot ? `host ${formatHex(spot.hostOffset)}` : `guest ${formatHex(spot.guestOffset)}`}
                  </button>
                )}
                {zone !== undefined && (
                  <button type="button" className="link" onClick={() => void app.inspector.goTo({ zone })}>
                    zone {zone}
                  </button>
                )}
              </span>
              <span className="what">{visibleText(what)}</span>
            </li>
          );
        })}
      </ul>
      {report.told > report.findings.length && <p className="inspector-note">{counted(report.told - report.findings.length, "more finding")} {report.told - report.findings.length === 1 ? "is" : "are"} counted and not listed.</p>}
    </div>
  );
}

/** What a repair would change, found by trying it out in memory, and told before it is done to a copy. */
function RepairPlan({ plan }: { plan: ReplyOf<"repairPlan"> }) {
  const app = useApp();
  const running = useAppState((state) => state.inspector.repair.running);
  const found = useAppState((state) => state.inspector.check.value);
  const { report, changes, told, changedBytes } = plan;
  const left = report.after.corruptions + report.after.leaks + report.after.checkErrors;
  const consequences = found === null ? "" : consequenceWords(found, report);
  return (
    <div className="repair" role="group" aria-label="Repair">
      <p>
        A repair would fix {counted(report.corruptionsFixed, "corruption")} and {counted(report.leaksFixed, "leak")}
        {report.unmappedBytes > 0 ? `, and give back ${counted(report.unmappedBytes, "byte")} that no read shows` : ""}, by changing {counted(changedBytes, "byte")}.{consequences === "" ? "" : ` ${consequences}`} {left === 0 ? "Nothing would be left." : `${leftWords(report.after)} would stay.`} It is done to a copy; this file stays as it is.
      </p>
      {changes.length > 0 && (
        <ol className="changes" tabIndex={0} aria-label="Changes">
          {changes.slice(0, MOST_CHANGES).map((change) => (
            <li key={change.hostOffset}>
              {change.structure === "" ? "bytes" : visibleText(change.structure)} at {formatHex(change.hostOffset)}, {counted(change.lengthBytes, "byte")}: <span className="mono">{change.before}</span> → <span className="mono">{change.after}</span>
            </li>
          ))}
          {told > MOST_CHANGES && <li>and {formatCount(told - MOST_CHANGES)} more</li>}
        </ol>
      )}
      <button type="button" className="button small primary" disabled={running || told === 0} onClick={() => void app.inspectorWork.repairCopy()}>
        Repair a copy
      </button>
    </div>
  );
}

const MOST_CHANGES = 500;

function RepairDone({ repair }: { repair: Repair }) {
  const app = useApp();
  const { report, copy } = repair;
  const left = report.after.corruptions + report.after.leaks + report.after.checkErrors;
  return (
    <div className="repair" role="group" aria-label="Repair">
      <p>
        {copy}: {counted(report.corruptionsFixed, "corruption")} and {counted(report.leaksFixed, "leak")} repaired{report.unmappedBytes > 0 ? `, and ${counted(report.unmappedBytes, "byte")} that no read shows given back` : ""}.{" "}
        {left === 0 ? "A check of it finds no errors." : `A check of it still finds ${leftWords(report.after)}.`}
      </p>
      <button type="button" className="button small" onClick={() => void app.device.attach(copy)}>
        Attach {copy}
      </button>
    </div>
  );
}
