/** The command palette: everything that the page can do, found by its words. */
import { Command } from "cmdk";
import { Dialog as Primitive } from "radix-ui";
import { useEffect, useRef, useState } from "react";
import { useApp, useAppState } from "./context.ts";
import { COMMANDS, keyNames } from "./commands.ts";
import type { PageCommand } from "./commands.ts";
import { forgetTyped, typedAhead } from "./palette-wait.tsx";
import { returnFocus } from "./keep-focus.ts";

const GROUPS: readonly PageCommand["group"][] = ["Zone", "Map", "Time", "Inspector", "Image", "Page"];

export function PaletteDialog() {
  const app = useApp();
  const files = useAppState((state) => state.library.files);
  const input = useRef<HTMLInputElement>(null);
  const [search, setSearch] = useState(typedAhead().text);
  useEffect(() => {
    const { entered } = typedAhead();
    forgetTyped();
    if (!entered) return;
    const timer = window.setTimeout(() => input.current?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true })), 0);
    return () => window.clearTimeout(timer);
  }, []);
  const close = (): void => app.page.closeDialog();
  const run = (act: () => void): void => {
    close();
    // Behind the dialog, which gives the keyboard back to where it was first.
    window.setTimeout(act, 0);
  };
  return (
    <Primitive.Root open onOpenChange={(open) => !open && close()}>
      <Primitive.Portal>
        <Primitive.Overlay className="veil" />
        <Primitive.Content className="dialog palette" aria-describedby={undefined} onCloseAutoFocus={returnFocus}>
          <Primitive.Title className="visually-hidden">Command palette</Primitive.Title>
          <Command label="Commands" loop filter={rank}>
            <Command.Input ref={input} autoFocus value={search} onValueChange={setSearch} className="palette-input" placeholder="What shall be done?" />
            <Command.List className="palette-list">
              <Command.Empty className="panel-empty">Nothing is called that. The console's help lists the commands of the disk.</Command.Empty>
              {GROUPS.map((group) => (
                <Command.Group key={group} heading={group} className="palette-group">
                  {COMMANDS.filter((command) => command.group === group && command.id !== "palette").map((command) => (
                    <Command.Item key={command.id} value={command.name} keywords={command.also?.split(" ") ?? []} disabled={!command.enabled(app)} className="palette-item" onSelect={() => run(() => command.run(app))}>
                      {command.name}
                      {command.keys !== undefined && <Keys keys={command.keys} />}
                    </Command.Item>
                  ))}
                </Command.Group>
              ))}
              <Command.Group heading="Attach" className="palette-group">
                {files.map((file) => (
                  <Command.Item key={file.name} value={`Attach ${file.name}`} className="palette-item" onSelect={() => run(() => void app.device.attach(file.name))}>
                    Attach <span className="mono">{file.name}</span>
                  </Command.Item>
                ))}
              </Command.Group>
            </Command.List>
          </Command>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}

/** Every word that is typed must be there; what begins with them comes first, then what is called so, then what is only found by it. */
function rank(name: string, search: string, also: readonly string[] = []): number {
  const wanted = search.trim().toLowerCase();
  const called = name.toLowerCase();
  const all = `${called} ${also.join(" ")}`;
  if (!wanted.split(/\s+/).every((word) => all.includes(word))) return 0;
  return called.startsWith(wanted) ? 1 : called.includes(wanted) ? 0.8 : 0.5;
}

export function Keys({ keys }: { keys: string }) {
  return (
    <span className="keys">
      {keyNames(keys).map((name) => (
        <kbd key={name}>{name}</kbd>
      ))}
    </span>
  );
}
