/** The tab "Check": findings with what, where and how bad; a repair's changes, told before a copy is repaired; compressed clusters decompressed. */
import { useEffect, useMemo, useRef, useState } from "react";
import type { CheckReport } from "../protocol/index.ts";
import { findingWords, repairWords, visibleText, zoneFindingWords, zoneRepairWords } from "../state/inspector-text.ts";
import type { FindingWords } from "../state/inspector-text.ts";
import type { Repair } from "../state/inspector-state.ts";
import { formatCount, formatHex } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { useRows } from "./use-rows.ts";
import { WorkBar } from "./work-bar.tsx";

const ROW_HEIGHT = 26;

/** The cluster size as the header says it, where that can be. */
export function useClusterSize(): number {
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
  const [planning, setPlanning] = useState(false);
  const begun = useRef(false);
  const untouched = check.value === null && !check.running && check.failure === null;
  useEffect(() => {
    // The tab was turned to in order to know.
    if (begun.current || !untouched || !isQcow2) return;
    begun.current = true;
    void app.inspectorWork.check();
  }, [app, untouched, isQcow2]);
  if (!isQcow2) return <p className="panel-empty">Only qcow2 images have refcounts and tables that can be checked.</p>;
  const report = check.value;
  return (
    <div className="inspector-column">
      <div className="inspector-tools">
        <button type="button" className="button small" disabled={check.running} onClick={() => void app.inspectorWork.check()}>
          {report === null ? "Check" : "Check again"}
        </button>
        {report !== null && <Verdict report={report} />}
        {report !== null && hasFindings(report) && (
          <button type="button" className="button small" aria-expanded={planning} disabled={repair.running} onClick={() => setPlanning(!planning)}>
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
              ? `All ${formatCount(compressed.value.clusters)} compressed clusters can be decompressed.`
              : `${formatCount(compressed.value.bad)} of ${formatCount(compressed.value.clusters)} compressed clusters cannot be decompressed.`}
          </p>
        )}
      </div>
      <WorkBar name="check" work={check} label="Checking" />
      <WorkBar name="repair" work={repair} label="Repairing" />
      <WorkBar name="compressed" work={compressed} label="Decompressing" />
      {repair.value !== null && <RepairDone repair={repair.value} />}
      {planning && repair.value === null && report !== null && <RepairPlan report={report} />}
      {report !== null && <Findings report={report} />}
    </div>
  );
}

const hasFindings = (report: CheckReport): boolean => report.findings.length > 0 || (report.zoned?.findings.length ?? 0) > 0;

function Verdict({ report }: { report: CheckReport }) {
  const { corruptions, leaks, checkErrors, zoned } = report;
  const notes = zoned === null ? 0 : Object.values(zoned.counts).reduce((sum, count) => sum + count, 0);
  const words: string[] = [];
  if (corruptions > 0) words.push(`${formatCount(corruptions)} corruptions`);
  if (leaks > 0) words.push(`${formatCount(leaks)} leaked clusters`);
  if (checkErrors > 0) words.push(`${formatCount(checkErrors)} places that could not be checked`);
  if (notes > 0) words.push(`${formatCount(notes)} remarks on zones`);
  return (
    <p className={corruptions > 0 ? "verdict bad" : "verdict"} role="status">
      {words.length === 0 ? "No errors were found" : words.join(", ")}; {formatCount(report.allocatedClusters)} of {formatCount(report.totalClusters)} clusters are allocated
      {report.compressedClusters > 0 ? `, ${formatCount(report.compressedClusters)} compressed` : ""}.
    </p>
  );
}

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
    return [...bad, ...report.findings.map((finding): Row => findingWords(finding, clusterSize)), ...(report.zoned?.findings ?? []).map((finding): Row => zoneFindingWords(finding))];
  }, [report, clusterSize, compressed]);
  const { first, end } = useRows(box, rows.length, ROW_HEIGHT, 8);
  if (rows.length === 0) return null;
  return (
    <div className="inspector-scroll" ref={box} tabIndex={0} role="group" aria-label="Findings">
      <ul className="findings" style={{ height: rows.length * ROW_HEIGHT, paddingTop: first * ROW_HEIGHT }}>
        {rows.slice(first, end).map((row, index) => {
          const { severity, what, line, spot, zone } = row;
          return (
            <li key={first + index} className={severity} style={{ height: ROW_HEIGHT }} title={visibleText(line)}>
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
      {report.told > report.findings.length && <p className="inspector-note">{formatCount(report.told - report.findings.length)} more findings are counted and not listed.</p>}
    </div>
  );
}

/** What a repair would change, told before it is done to a copy. */
function RepairPlan({ report }: { report: CheckReport }) {
  const app = useApp();
  const clusterSize = useClusterSize();
  const running = useAppState((state) => state.inspector.repair.running);
  const changes = [...report.findings.map((finding) => repairWords(finding, clusterSize)), ...(report.zoned?.findings ?? []).map((finding) => zoneRepairWords(finding))];
  const told = [...new Set(changes.filter((words) => words !== null))];
  const left = changes.length - changes.filter((words) => words !== null).length;
  return (
    <div className="repair" role="group" aria-label="Repair">
      <p>
        {told.length === 0 ? "A repair would change nothing." : `A repair would make ${formatCount(told.length)} changes; they are made to a copy, and this file stays as it is.`}
        {left > 0 && ` ${formatCount(left)} findings would stay: what is right there would have to be guessed.`}
      </p>
      <Changes told={told} more={report.told - report.findings.length} />
      <button type="button" className="button small primary" disabled={running || told.length === 0} onClick={() => void app.inspectorWork.repairCopy()}>
        Repair a copy
      </button>
    </div>
  );
}

const MOST_CHANGES = 500;

function Changes({ told, more }: { told: readonly string[]; more: number }) {
  if (told.length === 0) return null;
  const untold = Math.max(0, told.length - MOST_CHANGES) + Math.max(0, more);
  return (
    <ol className="changes" tabIndex={0} aria-label="Changes">
      {told.slice(0, MOST_CHANGES).map((words) => (
        <li key={words}>{visibleText(words)}</li>
      ))}
      {untold > 0 && <li>and up to {formatCount(untold)} more</li>}
    </ol>
  );
}

function RepairDone({ repair }: { repair: Repair }) {
  const app = useApp();
  const { report, copy } = repair;
  const { corruptions, leaks, checkErrors } = report.after;
  const left = corruptions + leaks + checkErrors;
  return (
    <div className="repair" role="group" aria-label="Repair">
      <p>
        {copy}: {formatCount(report.corruptionsFixed)} corruptions and {formatCount(report.leaksFixed)} leaks were repaired{report.unmappedBytes > 0 ? `, and ${formatCount(report.unmappedBytes)} bytes that no read shows given back` : ""}.{" "}
        {left === 0 ? "A check of it finds no errors." : `A check of it still finds ${formatCount(corruptions)} corruptions, ${formatCount(leaks)} leaks and ${formatCount(checkErrors)} errors.`}
      </p>
      <button type="button" className="button small" onClick={() => void app.device.attach(copy)}>
        Attach {copy}
      </button>
    </div>
  );
}
