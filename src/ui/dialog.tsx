/** The frame of every dialog: title, a form, what its last attempt failed on, and its buttons. Escape and the veil close it. */
import { Dialog as Primitive } from "radix-ui";
import type { ReactNode } from "react";
import { useApp, useAppState } from "./context.ts";
import { returnFocus } from "./keep-focus.ts";
import { Explained } from "./zone-outcome.tsx";

interface DialogProps {
  readonly title: string;
  readonly width?: "small" | "wide";
  readonly onSubmit: () => void;
  readonly children: ReactNode;
  /** The word on the button that closes without doing anything. */
  readonly leave?: string;
  /** The button that does it, where it does not stand among the children. */
  readonly action?: ReactNode;
}

export function Dialog({ title, width, onSubmit, children, leave = "Cancel", action }: DialogProps) {
  const app = useApp();
  const failure = useAppState((state) => state.dialogFailure);
  return (
    <Primitive.Root open onOpenChange={(open) => !open && app.page.closeDialog()}>
      <Primitive.Portal>
        <Primitive.Overlay className="veil" />
        <Primitive.Content className={width === undefined ? "dialog" : `dialog ${width}`} aria-describedby={undefined} onCloseAutoFocus={returnFocus}>
          <Primitive.Title>{title}</Primitive.Title>
          <form
            className="dialog-form"
            onSubmit={(event) => {
              event.preventDefault();
              onSubmit();
            }}
          >
            {children}
            {failure !== null && (
              <div className="outcome-body refused" role="alert">
                <Explained text={failure} />
              </div>
            )}
            <div className="dialog-actions">
              <button type="button" className="button" onClick={() => app.page.closeDialog()}>
                {leave}
              </button>
              {action}
            </div>
          </form>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
