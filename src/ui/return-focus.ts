/**
 * Gives the keyboard back when a dialog closes. Dialogs here are opened from buttons, menus and keys alike and have no trigger of their own,
 * so what had the keyboard last outside of dialogs and menus is remembered for them.
 */
let last: HTMLElement | null = null;

/** Remembers from now on. @returns what ends it */
export function rememberFocus(): () => void {
  const note = ({ target }: FocusEvent): void => {
    if (target instanceof HTMLElement && target.closest("[role=dialog], [role=menu]") === null) last = target;
  };
  document.addEventListener("focusin", note);
  return () => document.removeEventListener("focusin", note);
}

/** For a dialog's onCloseAutoFocus: the keyboard goes back, unless what was done has put it elsewhere already. */
export function returnFocus(event: Event): void {
  event.preventDefault();
  const now = document.activeElement;
  if ((now === null || now === document.body) && last?.isConnected === true) last.focus({ preventScroll: true });
}
