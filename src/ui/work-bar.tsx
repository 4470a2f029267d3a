/** Work that lasts: how far it is, and the button that stops it. */
import type { Work } from "../state/inspector-state.ts";
import type { WorkName } from "../state/inspector.ts";
import { useApp } from "./context.ts";

export function WorkBar({ name, work, label }: { name: WorkName; work: Work<unknown>; label: string }) {
  const app = useApp();
  if (work.failure !== null) {
    return (
      <p className="inspector-alert" role="alert">
        {work.failure.title}. {work.failure.why} {work.failure.instead ?? ""}
      </p>
    );
  }
  if (!work.running) return null;
  return (
    <div className="work-bar" role="status">
      <span>
        {label}
        {work.fraction === null ? "" : ` ${Math.floor(work.fraction * 100)}%`}
      </span>
      <progress max={1} value={work.fraction ?? undefined} aria-label={label} />
      <button type="button" className="button quiet small" onClick={() => app.inspector.cancel(name)}>
        Cancel
      </button>
    </div>
  );
}
