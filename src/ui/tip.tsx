/** A hint on hover and focus, with the key that does the same. What it says beyond the control's own name is read out too. */
import { Tooltip } from "radix-ui";
import type { ReactNode } from "react";

export function Tip({ text, keys, side = "bottom", children }: { text: ReactNode; keys?: string; side?: "top" | "bottom" | "left" | "right"; children: ReactNode }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="tip" side={side} sideOffset={6} collisionPadding={8}>
          {text}
          {keys !== undefined && <kbd>{keys}</kbd>}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
