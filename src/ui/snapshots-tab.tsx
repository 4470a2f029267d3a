/** The tab "Snapshots": the internal snapshots with their sizes; one viewed as the disk, read-only; two compared. */
import { useEffect, useState } from "react";
import type { SnapshotFacts } from "../protocol/index.ts";
import { visibleText } from "../state/visible-text.ts";
import { useApp, useAppState, useFormat } from "./context.ts";
import { WorkBar } from "./work-bar.tsx";

export function SnapshotsTab() {
  const app = useApp();
  const work = useAppState((state) => state.inspector.snapshots);
  const generation = useAppState((state) => state.inspector.generation);
  const isQcow2 = useAppState((state) => state.inspector.inspection?.identity.container === "qcow2");
  const comparison = useAppState((state) => state.inspector.comparison);
  const reverted = useAppState((state) => state.inspector.reverted);
  const viewed = useAppState((state) => (state.attached?.file === state.inspector.file ? (state.attached?.snapshot ?? null) : null));
  const [chosen, setChosen] = useState<readonly string[]>([]);
  useEffect(() => {
    if (isQcow2) void app.inspectorWork.listSnapshots();
  }, [app, generation, isQcow2]);
  if (!isQcow2) return <p className="panel-empty">Only qcow2 images have internal snapshots.</p>;
  const snapshots = work.value ?? [];
  const toggle = (key: string): void => setChosen(chosen.includes(key) ? chosen.filter((other) => other !== key) : [...chosen, key].slice(-2));
  const find = (key: string | undefined): SnapshotFacts | null => snapshots.find((snapshot) => keyOf(snapshot) === key) ?? null;
  return (
    <div className="inspector-column">
      <div className="inspector-tools">
        {viewed !== null && (
          <button type="button" className="button small" onClick={() => void app.inspectorWork.viewSnapshot(null)}>
            Back to the disk
          </button>
        )}
        {snapshots.length > 0 && (
          <button type="button" className="button small" disabled={chosen.length !== 2 || comparison.running} onClick={() => void app.inspectorWork.compareSnapshots(find(chosen[0]), find(chosen[1]))}>
            Compare the two that are ticked
          </button>
        )}
        {comparison.value !== null && <p role="status">{comparison.value}</p>}
      </div>
      <WorkBar name="comparison" work={comparison} label="Comparing" />
      <WorkBar name="comparison" work={{ ...reverted, running: false }} label="Reverting a copy" />
      {reverted.value !== null && (
        <div className="repair" role="group" aria-label="Reverted copy">
          <p>{reverted.value} is a copy whose disk is what the snapshot has; this file stays as it is.</p>
          <button type="button" className="button small" onClick={() => void app.device.attach(reverted.value ?? "")}>
            Attach {reverted.value}
          </button>
        </div>
      )}
      <WorkBar name="check" work={{ ...work, running: false }} label="Reading" />
      {work.value !== null && snapshots.length === 0 && <p className="panel-empty">This image has no internal snapshots. In the console, qemu-img snapshot -c NAME makes one of an image without zones.</p>}
      {snapshots.length > 0 && (
        <div className="inspector-scroll" tabIndex={0} role="group" aria-label="Snapshots of the image">
          <table className="fields reflow">
            <thead>
              <tr>
                <th scope="col">Compare</th>
                <th scope="col">ID</th>
                <th scope="col">Name</th>
                <th scope="col">Taken</th>
                <th scope="col">Disk</th>
                <th scope="col">Machine state</th>
                <th scope="col">View</th>
                <th scope="col">Revert</th>
              </tr>
            </thead>
            <tbody>
              <tr>
                <td className="corner">
                  <input type="checkbox" aria-label="Compare the disk as it is now" checked={chosen.includes(NOW)} onChange={() => toggle(NOW)} />
                </td>
                <td />
                <th scope="row">The disk as it is now</th>
                <td colSpan={5} />
              </tr>
              {snapshots.map((snapshot) => (
                <Row key={keyOf(snapshot)} snapshot={snapshot} viewed={viewed !== null && keyOf(viewed) === keyOf(snapshot)} chosen={chosen.includes(keyOf(snapshot))} onToggle={() => toggle(keyOf(snapshot))} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

const two = (value: number): string => String(value).padStart(2, "0");

/** Date and time of this place, as a list of them is read: the year first. */
function dateText(seconds: number): string {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return "not said";
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

const NOW = "now";
const keyOf = (snapshot: SnapshotFacts): string => `${snapshot.id}\0${snapshot.name}`;

function Row({ snapshot, viewed, chosen, onToggle }: { snapshot: SnapshotFacts; viewed: boolean; chosen: boolean; onToggle: () => void }) {
  const app = useApp();
  const size = useFormat();
  const name = visibleText(snapshot.name);
  const reverting = useAppState((state) => state.inspector.reverted.running);
  return (
    <tr>
      <td className="corner">
        <input type="checkbox" aria-label={`Compare ${name}`} checked={chosen} onChange={onToggle} />
      </td>
      <td className="mono" data-name="ID">
        {visibleText(snapshot.id)}
      </td>
      <th scope="row" className="name">
        {name}
      </th>
      <td className="whole">{dateText(snapshot.dateSeconds)}</td>
      <td className="whole" data-name="Disk">{snapshot.diskSize === null ? "not said" : size(snapshot.diskSize)}</td>
      <td data-name="Machine state">{snapshot.vmStateBytes === 0 ? "none" : size(snapshot.vmStateBytes)}</td>
      <td>
        {viewed ? (
          "Shown as the disk"
        ) : (
          <button type="button" className="button quiet small" aria-label={`View ${name} as the disk`} onClick={() => void app.inspectorWork.viewSnapshot(snapshot)}>
            View as the disk
          </button>
        )}
      </td>
      <td>
        <button type="button" className="button quiet small" disabled={reverting} aria-label={`Revert a copy to ${name}`} title="Copies the image into the library and sets the copy's disk back to this snapshot" onClick={() => void app.inspectorWork.revertCopy(snapshot)}>
          Revert a copy
        </button>
      </td>
    </tr>
  );
}
