/**
 * A part of the page that is loaded when it is first wanted, so that a first visit need not wait for it. While it is on its way nothing
 * is to be seen in its place. One that does not come, for want of a network or because its file went with the version that brought it, says so
 * where it would have stood, and the rest of the page goes on; client/offline.ts tells of the new version.
 */
import { Suspense, lazy, useEffect } from "react";
import type { ComponentType, ReactNode } from "react";
import { useApp } from "./context.ts";

/**
 * @param load imports the file, and picks the component of it; `meanwhile` stands in its place until it is there, `missing` where it does
 * not come: by default what says so
 */
export function part<Props extends object>(load: () => Promise<ComponentType<Props>>, meanwhile: ReactNode = null, missing: ComponentType = Missing): ComponentType<Props> {
  const Part = lazy(async () => ({ default: await load().catch(() => missing) })) as unknown as ComponentType<Props>;
  return function Loaded(props: Props) {
    return (
      <Suspense fallback={meanwhile}>
        <Part {...props} />
      </Suspense>
    );
  };
}

/** A dialog that does not come: it has no place of its own, so that a strip says so, and what stands below it is in nobody's way. */
export function DialogMissing() {
  const app = useApp();
  useEffect(() => {
    app.page.closeDialog();
    app.page.tell("zonescope", { title: "This part of the page could not be loaded", why: "", instead: "Look whether there is a network, and reload the page.", names: null });
  }, [app]);
  return null;
}

function Missing() {
  return (
    <p className="inspector-alert" role="alert">
      This part of the page could not be loaded. Look whether there is a network, and reload the page.
    </p>
  );
}
