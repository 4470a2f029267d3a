/**
 * The rows of a long list that are in view: rows of one height, of which only those near the view are in the document. Costs nothing
 * per row of the list, so a list may have a million.
 */
import { useLayoutEffect, useState } from "react";
import type { RefObject } from "react";

export interface RowWindow {
  readonly first: number;
  /** One past the last row that is drawn. */
  readonly end: number;
}

export function useRows(box: RefObject<HTMLElement | null>, count: number, rowHeight: number, overscan: number): RowWindow {
  const [seen, setSeen] = useState({ first: 0, rows: 24 });
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const look = (): void => {
      const first = Math.floor(element.scrollTop / rowHeight);
      const rows = Math.ceil(element.clientHeight / rowHeight) + 1;
      setSeen((before) => (before.first === first && before.rows === rows ? before : { first, rows }));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [box, rowHeight]);
  // A list that became shorter has its scroller moved only after it is drawn.
  const first = Math.max(0, Math.min(seen.first, count - seen.rows) - overscan);
  return { first, end: Math.min(count, Math.min(seen.first, Math.max(0, count - 1)) + seen.rows + overscan) };
}

/** Scrolls a list as little as shows the row. @param head height of what stays on top of the box and covers rows, in pixels; before: by how much rows before it are higher than one */
export function showRow(element: HTMLElement | null, row: number, rowHeight: number, head: number, before = 0): void {
  if (element === null || row < 0) return;
  const top = row * rowHeight + before;
  const room = element.clientHeight - head;
  if (top < element.scrollTop) element.scrollTo({ top });
  else if (top + rowHeight > element.scrollTop + room) element.scrollTo({ top: top + rowHeight - room });
}

/** Keeps a row that is in view there when the list becomes lower. @param row -1 for none; head as for showRow */
export function useKeptInView(box: RefObject<HTMLElement | null>, row: number, rowHeight: number, head: number): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null || row < 0) return;
    const isSeen = (): boolean => {
      const top = row * rowHeight - element.scrollTop;
      return top > -rowHeight && top < element.clientHeight - head;
    };
    let height = element.clientHeight;
    let seen = isSeen();
    const look = (): void => {
      seen = isSeen();
    };
    const observer = new ResizeObserver(() => {
      if (seen && element.clientHeight < height) showRow(element, row, rowHeight, head);
      height = element.clientHeight;
      look();
    });
    observer.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, [box, row, rowHeight, head]);
}

/** Which row a key leads to from another; null for a key that leads nowhere. @param page rows that a page key goes */
export function rowOfKey(key: string, row: number, count: number, page: number): number | null {
  switch (key) {
    case "ArrowDown":
      return Math.min(count - 1, row + 1);
    case "ArrowUp":
      return Math.max(0, row - 1);
    case "PageDown":
      return Math.min(count - 1, row + page);
    case "PageUp":
      return Math.max(0, row - page);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}
