/** What each command would do to a zone now, asked of the engine whenever the zones or the rules change. */
import { useEffect, useState } from "react";
import type { App } from "../state/app.ts";
import { useApp, useAppState } from "./context.ts";

export type ZoneStep = NonNullable<Awaited<ReturnType<App["zones"]["steps"]>>>[number];

/** null until the engine has answered. */
export function useSteps(zone: number): readonly ZoneStep[] | null {
  const app = useApp();
  const version = useAppState((state) => state.zonesVersion);
  const attached = useAppState((state) => state.attached);
  const [answer, setAnswer] = useState<{ zone: number; steps: readonly ZoneStep[] } | null>(null);
  useEffect(() => {
    let wanted = true;
    void app.zones.steps(zone).then((steps) => {
      if (wanted && steps !== null) setAnswer({ zone, steps });
    });
    return () => {
      wanted = false;
    };
  }, [app, zone, version, attached]);
  return answer?.zone === zone ? answer.steps : null;
}
