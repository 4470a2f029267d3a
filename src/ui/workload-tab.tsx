/** The tab "Workload": a job in fio's words, its controls, its figures and its plots. */
import { Pause, Play, Square, StepForward } from "lucide-react";
import { RadioGroup } from "radix-ui";
import { SPEEDS, KINDS, PRESETS, wordsOf } from "../state/workload-state.ts";
import type { WorkloadForm } from "../state/workload-state.ts";
import { formatCount, formatRough } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { TextField } from "./text-field.tsx";
import { WorkloadPlots } from "./workload-plots.tsx";
import "./workload.css";

export function WorkloadTab() {
  const status = useAppState((state) => state.workload.status);
  const problem = useAppState((state) => state.workload.problem);
  const zoned = useAppState((state) => state.attached?.zones !== null);
  return (
    <div className="inspector-scroll workload" tabIndex={0} role="group" aria-label="Workload">
      <Form />
      <Controls />
      {problem !== null && (
        <p className="inspector-alert" role="alert">
          {problem}
        </p>
      )}
      {status === "idle" ? <p className="inspector-note">A job makes requests as a host would, at the pace that you choose{zoned ? "; map, table and events follow" : ""}. It writes to the image that is attached.</p> : <Standing />}
      <WorkloadPlots />
      <Figures />
    </div>
  );
}

const NEEDS_ZONES: ReadonlySet<string> = new Set(["append", "logstore"]);

function Form() {
  const app = useApp();
  const form = useAppState((state) => state.workload.form);
  const set = (key: keyof WorkloadForm) => (value: string) => app.workload.setForm({ ...form, [key]: value });
  const preset = PRESETS.findIndex((known) => wordsOf(known.form).join(" ") === wordsOf(form).join(" "));
  return (
    <form
      className="workload-form"
      aria-label="Job"
      onSubmit={(event) => {
        event.preventDefault();
        void app.workload.start();
      }}
    >
      <Choice label="Preset" value={String(preset)} onChange={(value) => app.workload.setForm(PRESETS[Number(value)]!.form)} wide>
        {preset === -1 && <option value="-1">Your own</option>}
        {PRESETS.map(({ name }, index) => (
          <option key={name} value={index}>
            {name}
          </option>
        ))}
      </Choice>
      <Choice label="rw" value={form.rw} onChange={set("rw")}>
        {KINDS.map((kind) => (
          <option key={kind}>{kind}</option>
        ))}
      </Choice>
      <TextField label="bs" value={form.bs} onChange={set("bs")} placeholder="4k" />
      <TextField label="zones" value={form.zones} onChange={set("zones")} placeholder="all" numeric />
      <TextField label="iodepth" value={form.iodepth} onChange={set("iodepth")} placeholder="1" numeric />
      <TextField label="rate" value={form.rate} onChange={set("rate")} placeholder="no limit" />
      {form.rw === "logstore" && (
        <>
          <Choice label="policy" value={form.policy} onChange={set("policy")} wide>
            <option>greedy</option>
            <option>cost-benefit</option>
          </Choice>
          <TextField label="fill" value={form.fill} onChange={set("fill")} placeholder="0.8" />
          <TextField label="skew" value={form.skew} onChange={set("skew")} placeholder="0.5" />
        </>
      )}
      <TextField label="More words" value={form.more} onChange={set("more")} placeholder="verify=pattern" wide />
    </form>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly wide?: boolean;
  readonly children: React.ReactNode;
}

function Choice({ label, value, onChange, wide = false, children }: ChoiceProps) {
  return (
    <label className={wide ? "field wide" : "field"}>
      <span className="label">{label}</span>
      <select className="input" value={value} onChange={(event) => onChange(event.target.value)}>
        {children}
      </select>
    </label>
  );
}

function Controls() {
  const app = useApp();
  const status = useAppState((state) => state.workload.status);
  const speed = useAppState((state) => state.workload.speed);
  const form = useAppState((state) => state.workload.form);
  const attached = useAppState((state) => state.attached !== null);
  const readOnly = useAppState((state) => state.attached?.facts.image.readOnly ?? false);
  const zoneless = useAppState((state) => state.attached?.zones === null);
  const writes = form.rw !== "read" && form.rw !== "randread";
  const idle = !attached ? "A job needs a disk: attach an image first." : readOnly && writes ? "The image is read-only: edit a copy of it, or choose read or randread." : zoneless && NEEDS_ZONES.has(form.rw) ? `This disk has no zones, which ${form.rw} needs: choose write, randwrite, read or randread.` : null;
  const goes = status === "running" || status === "paused";
  return (
    <div className="workload-controls">
      {status === "running" ? (
        <button type="button" className="button" onClick={() => app.workload.pause()}>
          <Pause size={14} aria-hidden="true" /> Pause
        </button>
      ) : status === "paused" ? (
        <button type="button" className="button primary" onClick={() => app.workload.resume()}>
          <Play size={14} aria-hidden="true" /> Go on
        </button>
      ) : (
        <button type="button" className="button primary" disabled={idle !== null} onClick={() => void app.workload.start()}>
          <Play size={14} aria-hidden="true" /> Start
        </button>
      )}
      <button type="button" className="button" disabled={status !== "paused"} onClick={() => void app.workload.step()}>
        <StepForward size={14} aria-hidden="true" /> Step
      </button>
      <button type="button" className="button" disabled={!goes} onClick={() => void app.workload.stop()}>
        <Square size={13} aria-hidden="true" /> Stop
      </button>
      <RadioGroup.Root
        className="segmented"
        aria-label="Speed, requests a second"
        value={String(speed)}
        onValueChange={(value) => app.workload.setSpeed(value === "null" ? null : Number(value))}
      >
        {SPEEDS.map((each) => (
          <RadioGroup.Item key={each.name} value={String(each.speed)}>
            {each.name}
          </RadioGroup.Item>
        ))}
      </RadioGroup.Root>
      <code className="workload-line" aria-label="Equivalent command">
        workload {wordsOf(form).join(" ")}
      </code>
      {idle !== null && !goes && <p className="workload-idle">{idle}</p>}
    </div>
  );
}

const STATUS = { idle: "", running: "Running", paused: "Paused", ended: "Ended" } as const;
const micro = (ms: number): string => (ms >= 1 ? `${formatRough(ms)} ms` : `${formatRough(ms * 1000)} µs`);

/** How far the job is, in a sentence. */
function Standing() {
  useAppState((state) => state.workload.version);
  const status = useAppState((state) => state.workload.status);
  const words = useAppState((state) => state.workload.words);
  const report = useAppState((state) => state.workload.report);
  if (report === null) return null;
  const { requests, planned, elapsedMs, refusals, verified, mismatches } = report;
  const notes = [
    `${formatCount(requests)}${planned === null ? "" : ` of ${formatCount(planned)}`} requests in ${formatRough(elapsedMs / 1000)} s`,
    ...(verified === 0 ? [] : [`${formatCount(verified)} blocks compared, ${mismatches === 0 ? "none wrong" : `${formatCount(mismatches)} wrong`}`]),
    ...refusals.map(({ code, count }) => `refused, ${code}: ${formatCount(count)}`),
  ];
  return (
    <p className="workload-standing" role="status">
      <strong>{STATUS[status]}</strong> <span className="mono">{words}</span>: {notes.join("; ")}.
    </p>
  );
}

/** The job's figures as a table: what the plots show, in numbers. */
function Figures() {
  useAppState((state) => state.workload.version);
  const report = useAppState((state) => state.workload.report);
  if (report === null) return null;
  const { elapsedMs } = report;
  return (
    <div className="workload-figures">
      <table className="fields" aria-label="Requests by kind">
        <thead>
          <tr>
            <th scope="col">Request</th>
            <th scope="col">Count</th>
            <th scope="col">IOPS</th>
            <th scope="col">MiB</th>
            <th scope="col">MiB/s</th>
            <th scope="col" title="Real time in this engine, from handing a batch over until the request was done; no time of a disk is simulated">
              Latency p50
            </th>
            <th scope="col">p99</th>
          </tr>
        </thead>
        <tbody>
          {report.kinds.map(({ kind, requests: count, bytes, latency }) => (
            <tr key={kind}>
              <th scope="row">{kind}</th>
              <td>{formatCount(count)}</td>
              <td>{elapsedMs > 0 ? formatCount((count * 1000) / elapsedMs) : "–"}</td>
              <td>{bytes > 0 ? formatRough(bytes / 2 ** 20) : "–"}</td>
              <td>{bytes > 0 && elapsedMs > 0 ? formatRough((bytes / 2 ** 20) * (1000 / elapsedMs)) : "–"}</td>
              <td>{micro(latency.p50)}</td>
              <td>{micro(latency.p99)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
