/** A list that stays at its end while it grows or its box changes, unless the person scrolled back. */
import { useEffect, useRef } from "react";
import type { RefObject, UIEvent } from "react";

/** Closer to the end than this, in pixels, the list follows. */
const FOLLOW_DISTANCE = 28;

const scrollToEnd = (element: HTMLElement): void => element.scrollTo({ top: element.scrollHeight, behavior: "instant" });

/**
 * The box that scrolls, kept at its end while its last child grows, and the handler for its onScroll. Both are looked at where the browser
 * has laid them out for the frame anyway: to ask for the height while the page is being changed has it lay out everything once more.
 *
 * @param held nothing moves meanwhile: a line is being read
 */
export function useFollow(held = false): { box: RefObject<HTMLDivElement | null>; onScroll: (event: UIEvent<HTMLElement>) => void } {
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const isHeld = useRef(held);
  useEffect(() => {
    isHeld.current = held;
  }, [held]);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      if (following.current && !isHeld.current) scrollToEnd(element);
    });
    observer.observe(element);
    if (element.lastElementChild !== null) observer.observe(element.lastElementChild);
    return () => observer.disconnect();
  }, []);
  const onScroll = (event: UIEvent<HTMLElement>): void => {
    const element = event.currentTarget;
    following.current = element.scrollHeight - element.scrollTop - element.clientHeight < FOLLOW_DISTANCE;
  };
  return { box, onScroll };
}
