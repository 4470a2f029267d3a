/**
 * A part of the page that is loaded when it is first wanted, so that a first visit need not wait for it. While it is on its way nothing
 * is to be seen in its place. One that does not come, for want of a network or because its file went with the version that brought it, says so
 * where it would have stood, and the rest of the page goes on; client/offline.ts tells of the new version.
 */
import { Suspense, lazy } from "react";
import type { ComponentType, ReactNode } from "react";

/** @param load imports the file, and picks the component of it; `meanwhile` stands in its place until it is there */
export function part<Props extends object>(load: () => Promise<ComponentType<Props>>, meanwhile: ReactNode = null): ComponentType<Props> {
  const Part = lazy(async () => ({ default: await load().catch(() => Missing) })) as unknown as ComponentType<Props>;
  return function Loaded(props: Props) {
    return (
      <Suspense fallback={meanwhile}>
        <Part {...props} />
      </Suspense>
    );
  };
}

function Missing() {
  return (
    <p className="inspector-alert" role="alert">
      This part of the page could not be loaded. Look whether there is a network, and reload the page.
    </p>
  );
}
