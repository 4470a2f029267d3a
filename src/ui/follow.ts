/** A list that stays at its end while it grows or its box changes, unless the person scrolled back. */
import { useEffect, useLayoutEffect, useRef } from "react";
import type { RefObject, UIEvent } from "react";

/** Closer to the end than this, in pixels, the list follows. */
const FOLLOW_DISTANCE = 28;

const scrollToEnd = (element: HTMLElement): void => element.scrollTo({ top: element.scrollHeight, behavior: "instant" });

/** The box that scrolls, kept at its end whenever `content` is another value, and the handler for its onScroll. */
export function useFollow(content: unknown): { box: RefObject<HTMLDivElement | null>; onScroll: (event: UIEvent<HTMLElement>) => void } {
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  useLayoutEffect(() => {
    if (box.current !== null && following.current) scrollToEnd(box.current);
  }, [content]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      if (following.current) scrollToEnd(element);
    });
    observer.observe(element);
    // A virtualized list's body grows when rows turn out higher than estimated.
    if (element.lastElementChild !== null) observer.observe(element.lastElementChild);
    return () => observer.disconnect();
  }, []);
  const onScroll = (event: UIEvent<HTMLElement>): void => {
    const element = event.currentTarget;
    following.current = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_DISTANCE;
  };
  return { box, onScroll };
}
