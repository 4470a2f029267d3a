/**
 * Keeps the keyboard on the page. A button that goes with what it did (Hint, Stop, Edit a copy), or that cannot be pressed any more (Clear, Now),
 * would take the keyboard with it: the browser gives it to the document, a screen reader says nothing, and Tab begins at the top. Here whoever has the
 * keyboard is watched; when it goes, the nearest region, group or toolbar around it has the keyboard, and hands it back when the button can be
 * pressed again. No other button is given it: one more press of the same key must not do something else.
 *
 * Dialogs and menus give it back themselves when they close; those that are opened from buttons, menus and keys alike have no trigger of their
 * own, and ask here for what had it last outside of them.
 */

/** What is told by its name when it has the keyboard, and is left by Tab towards what it holds. */
const AROUND =
  "section[aria-label], form[aria-label], article, aside, header, main, [role=group], [role=toolbar], [role=region], [role=tabpanel], [role=log], [role=table], [role=dialog]";
const OVER = "[role=dialog], [role=menu], [role=listbox]";

/** Whoever has the keyboard, with what is around it from the inside outwards: it is told no more when both have gone. */
interface Holder {
  readonly element: HTMLElement;
  readonly around: readonly HTMLElement[];
}

/** The last one outside of dialogs and menus. */
let last: Holder | null = null;

const nobodyHasIt = (): boolean => document.activeElement === null || document.activeElement === document.body;

/** Whether it can have the keyboard: in the document, to be seen, not disabled. */
const canHold = (element: HTMLElement): boolean => element.isConnected && !element.matches(":disabled") && element.getClientRects().length > 0;

function holderOf(element: HTMLElement): Holder {
  const around: HTMLElement[] = [];
  for (let outer = element.parentElement?.closest<HTMLElement>(AROUND); outer; outer = outer.parentElement?.closest<HTMLElement>(AROUND)) around.push(outer);
  return { element, around };
}

/** The nearest that is left around it; for a strip above the regions the top bar; null where nothing is there yet. */
const refugeOf = ({ around }: Holder): HTMLElement | null => around.find(canHold) ?? document.querySelector("header, section[aria-label]");

function giveTo(refuge: HTMLElement | null): void {
  if (refuge === null) return;
  if (!refuge.hasAttribute("tabindex")) {
    refuge.tabIndex = -1;
    // A click somewhere on it is none of its business.
    refuge.addEventListener("blur", () => refuge.removeAttribute("tabindex"), { once: true });
  }
  refuge.focus({ preventScroll: true });
}

/** Keeps it from now on. @returns what ends it */
export function keepFocus(): () => void {
  let watched: Holder | null = null;
  let refuge: HTMLElement | null = null;
  const look = (): void => {
    if (watched === null) return;
    const { element } = watched;
    if (refuge !== null && document.activeElement === refuge) {
      if (canHold(element)) element.focus({ preventScroll: true });
      return;
    }
    if (canHold(element) || (document.activeElement !== element && !nobodyHasIt())) return;
    // What closes over the page says itself who is next.
    const over = element.closest(OVER);
    if (over !== null && !over.isConnected) return;
    refuge = refugeOf(watched);
    if (refuge === null) return whole.observe(document.body, { childList: true, subtree: true });
    whole.disconnect();
    gone.observe(refuge);
    giveTo(refuge);
  };
  const gone = new ResizeObserver(look);
  const disabled = new MutationObserver(look);
  const whole = new MutationObserver(look);
  const watch = (holder: Holder | null): void => {
    gone.disconnect();
    disabled.disconnect();
    whole.disconnect();
    watched = holder;
    refuge = null;
    if (holder === null) return;
    gone.observe(holder.element);
    disabled.observe(holder.element, { attributes: true, attributeFilter: ["disabled"] });
  };
  const onFocus = ({ target }: FocusEvent): void => {
    if (!(target instanceof HTMLElement) || target === refuge) return;
    const holder = holderOf(target);
    if (target.closest(OVER) === null) last = holder;
    watch(holder);
  };
  // A click beside everything leaves the keyboard with nobody, as it should.
  const onPointer = ({ target }: PointerEvent): void => {
    if (watched !== null && !(target instanceof Node && watched.element.contains(target))) watch(null);
  };
  document.addEventListener("focusin", onFocus);
  document.addEventListener("pointerdown", onPointer);
  return () => {
    document.removeEventListener("focusin", onFocus);
    document.removeEventListener("pointerdown", onPointer);
    watch(null);
  };
}

/** For a dialog's onCloseAutoFocus: the keyboard goes back, unless what was done has put it elsewhere already. */
export function returnFocus(event: Event): void {
  event.preventDefault();
  if (last === null || !nobodyHasIt()) return;
  if (canHold(last.element)) last.element.focus({ preventScroll: true });
  else giveTo(refugeOf(last));
}
