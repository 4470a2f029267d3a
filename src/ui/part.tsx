/**
 * A part of the page that is loaded when it is first wanted, so that a first visit need not wait for it. While it is on its way nothing
 * stands in its place; a part whose file went with the version that brought it is told of by client/offline.ts.
 */
import { Suspense, lazy } from "react";
import type { ComponentType } from "react";

/** @param load imports the file, and picks the component of it */
export function part<Props extends object>(load: () => Promise<ComponentType<Props>>): ComponentType<Props> {
  const Part = lazy(async () => ({ default: await load() })) as unknown as ComponentType<Props>;
  return function Loaded(props: Props) {
    return (
      <Suspense fallback={null}>
        <Part {...props} />
      </Suspense>
    );
  };
}
