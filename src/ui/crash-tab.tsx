/** The tab "Crash lab": the power fails in the midst of a flush, on a scratch copy, in the right order of writes or in a wrong one. */
import { Dices, FlaskConical, Zap } from "lucide-react";
import { useEffect, useRef } from "react";
import type { CrashSubject } from "../state/crash-state.ts";
import { leftOutWords, ruleTitle } from "../state/crash-text.ts";
import { visibleText } from "../state/visible-text.ts";
import { useApp, useAppState } from "./context.ts";
import { CrashResult } from "./crash-result.tsx";
import { CrashTimeline } from "./crash-timeline.tsx";
import "./crash.css";

export function CrashTab() {
  const app = useApp();
  const run = useAppState((state) => state.crash.run);
  const failure = useAppState((state) => state.crash.failure);
  const ready = useAppState((state) => state.ready);
  const begun = useRef(false);
  useEffect(() => {
    // The tab was turned to in order to see one.
    if (begun.current || !ready || app.store.getState().crash.run !== null) return;
    begun.current = true;
    void app.crash.record();
  }, [app, ready]);
  return (
    <div className="crash inspector-column">
      <Setup />
      {failure !== null && (
        <p className="inspector-alert" role="alert">
          {failure}
        </p>
      )}
      {run !== null && (
        <div className="crash-body">
          <div className="crash-left">
            <div className="crash-flush" tabIndex={0} role="group" aria-label="The flush">
              <Story />
              <CrashTimeline run={run} />
            </div>
            <Buttons />
          </div>
          <CrashResult run={run} />
        </div>
      )}
    </div>
  );
}

const SUBJECTS: readonly { readonly subject: CrashSubject; readonly name: string }[] = [
  { subject: "small", name: "A small disk and its commands" },
  { subject: "last", name: "The last commands of this image" },
  { subject: "typed", name: "Commands of mine, on a copy of this image" },
];

/** What is run, and in which order the flush writes. */
function Setup() {
  const app = useApp();
  const { subject, lastCount, typed, mistake, running, fraction } = useAppState((state) => state.crash);
  const rules = useAppState((state) => state.crash.run?.rules);
  const attached = useAppState((state) => state.attached !== null);
  const change = (changes: Parameters<typeof app.crash.choose>[0]): void => {
    app.crash.choose(changes);
    if (!("typed" in changes) && !("lastCount" in changes)) void app.crash.record();
  };
  return (
    <form
      className="crash-setup"
      onSubmit={(event) => {
        event.preventDefault();
        void app.crash.record();
      }}
    >
      <p className="crash-scratch">
        <FlaskConical size={14} aria-hidden="true" /> On a scratch copy. No image is written.
      </p>
      <label>
        Run
        <select className="input" aria-label="What is run" value={subject} disabled={running !== null} onChange={(event) => change({ subject: event.target.value as CrashSubject })}>
          {SUBJECTS.map(({ subject: value, name }) => (
            <option key={value} value={value} disabled={value !== "small" && !attached}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {subject === "last" && (
        <label>
          How many
          <input className="input crash-count" type="number" min={1} max={1000} value={lastCount} onChange={(event) => change({ lastCount: Math.max(1, Math.min(1000, Number(event.target.value) || 1)) })} />
        </label>
      )}
      {subject === "typed" && (
        <label className="crash-typed">
          Commands, one a line
          <textarea className="input" rows={2} spellCheck={false} value={typed} placeholder="write -P 0x22 128k 8k" onChange={(event) => change({ typed: event.target.value })} />
        </label>
      )}
      <label>
        Order of the flush
        <select className="input" value={mistake} disabled={running !== null} onChange={(event) => change({ mistake: event.target.value })}>
          <option value="">Right</option>
          <optgroup label="Wrong: a rule is left out">
            {(rules ?? []).map((rule) => (
              <option key={rule.mistake} value={rule.mistake}>
                Not: {ruleTitle(rule)}
              </option>
            ))}
          </optgroup>
          <optgroup label="Wrong: more than one">
            <option value="all">All rules left out</option>
            <option value="no-barriers">No barriers</option>
          </optgroup>
        </select>
      </label>
      {subject !== "small" && (
        <button type="submit" className="button small" disabled={running !== null}>
          Record the flush
        </button>
      )}
      {running !== null && (
        <span className="crash-running" role="status">
          {running}
          {fraction === null ? "" : ` ${Math.floor(fraction * 100)}%`}
          <button type="button" className="button quiet small" onClick={() => app.crash.cancel()}>
            Cancel
          </button>
        </span>
      )}
    </form>
  );
}

/** What was run, and what a wrong order does to it. */
function Story() {
  const run = useAppState((state) => state.crash.run)!;
  const left = run.rules.filter(({ leftOut }) => leftOut);
  return (
    <div className="crash-story">
      <p>{run.story !== "" ? run.story : `On a scratch copy of ${visibleText(run.file ?? "")}:`}</p>
      <p className="crash-commands">
        {[...run.commands, "flush"].map((command, index) => (
          <code key={index}>{visibleText(command)}</code>
        ))}
      </p>
      {run.differences.length > 0 && <p role="note">{run.differences.map((sentence) => `${sentence}.`).join(" ")}</p>}
      {(left.length > 0 || !run.barriers) && (
        <p className="crash-wrong" role="note">
          <strong>The order is wrong on purpose.</strong> {!run.barriers && "Nothing asks the drive to make one write durable before the next, nor at the end."}
          {left.length === 1 && leftOutWords(left[0]!, run.rules)}
          {left.length > 1 && "Every rule is left out: what should come last is written first."}
        </p>
      )}
    </div>
  );
}

function Buttons() {
  const app = useApp();
  const running = useAppState((state) => state.crash.running !== null);
  return (
    <div className="crash-actions">
      <button type="button" className="button primary small" disabled={running} onClick={() => void app.crash.cutPower()}>
        <Zap size={14} aria-hidden="true" /> Cut the power
      </button>
      <button type="button" className="button small" disabled={running} onClick={() => void app.crash.drawCut()}>
        <Dices size={14} aria-hidden="true" /> Random
      </button>
      <button type="button" className="button small" disabled={running} onClick={() => void app.crash.search()}>
        Look for a loss
      </button>
    </div>
  );
}
