/** The help sheet: the keys, what the map's colours and patterns mean, and the way to the documents. */
import { Dialog as Primitive } from "radix-ui";
import { Condition, conditionName } from "../base/conditions.ts";
import { useApp } from "./context.ts";
import { COMMANDS } from "./commands.ts";
import { Keys } from "./palette-dialog.tsx";
import { returnFocus } from "./keep-focus.ts";
import { Swatch } from "./swatch.tsx";

/** Keys of one place, beside those that hold everywhere. */
const PLACES: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    "On the map",
    [
      ["Arrows", "select the next zone; Home and End the first and last"],
      ["Shift + arrows", "pan; so does dragging"],
      ["Enter", "zoom to the selected zone"],
      ["Wheel, pinch", "zoom where the pointer is"],
    ],
  ],
  [
    "In the console",
    [
      ["Up, Down", "earlier lines"],
      ["Tab", "complete"],
      ["Ctrl L", "clear"],
    ],
  ],
  [
    "In the events",
    [
      ["Up, Down", "go from one to the next; Home and End the first and last"],
      ["Enter", "tell one whole, and select its zone"],
      ["Left, Enter", "show its moment"],
    ],
  ],
  [
    "On the line over the inspector",
    [
      ["Up, Down", "its height, as dragging; Home and End the least and the most"],
      ["Backspace", "its own height again, as a double click"],
    ],
  ],
];

const MEANINGS: readonly (readonly [Condition, string])[] = [
  [Condition.EMPTY, "nothing written; the write pointer is at the start"],
  [Condition.IMPLICIT_OPEN, "opened by a write; closed to make room when the limit is reached"],
  [Condition.EXPLICIT_OPEN, "opened by a command; stays open until it is closed"],
  [Condition.CLOSED, "written in part, and not open; still active"],
  [Condition.FULL, "written to its capacity, or finished; reset to write again"],
  [Condition.NOT_WP, "conventional: written anywhere, no write pointer"],
  [Condition.READ_ONLY, "worn out: read, and not written any more"],
  [Condition.OFFLINE, "worn out: neither read nor written any more"],
];

/** Documents beside the app, which scripts/docs-site.mjs makes. */
const DOCUMENTS: readonly (readonly [string, string])[] = [
  ["docs/index.html", "All documents"],
  ["docs/commands/index.html", "Commands"],
  ["docs/semantics.html", "What a zone does"],
  ["docs/links.html", "Links and embedding"],
  ["docs/lessons.html", "Writing a lesson"],
];

/** The sheet itself has the keyboard first: its text, which scrolls, comes with the first Tab. */
function focusWhole(event: Event): void {
  event.preventDefault();
  if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus();
}

export function HelpDialog() {
  const app = useApp();
  return (
    <Primitive.Root open onOpenChange={(open) => !open && app.page.closeDialog()}>
      <Primitive.Portal>
        <Primitive.Overlay className="veil" />
        <Primitive.Content className="dialog wide help" aria-describedby={undefined} onOpenAutoFocus={focusWhole} onCloseAutoFocus={returnFocus}>
          <Primitive.Title>Shortcuts and help</Primitive.Title>
          <div className="help-columns" tabIndex={0} role="region" aria-label="Help">
            <section>
              <h3>Everywhere</h3>
              <dl className="help-keys">
                {COMMANDS.filter(({ keys }) => keys !== undefined).map(({ id, name, keys }) => (
                  <div key={id}>
                    <dt>
                      <Keys keys={keys ?? ""} />
                    </dt>
                    <dd>{name}</dd>
                  </div>
                ))}
              </dl>
              <h3>Documentation</h3>
              <ul className="help-documents">
                {DOCUMENTS.map(([path, name]) => (
                  <li key={path}>
                    <a href={path} target="_blank" rel="noopener">
                      {name}
                    </a>
                  </li>
                ))}
              </ul>
            </section>
            <section>
              {PLACES.map(([place, keys]) => (
                <div key={place}>
                  <h3>{place}</h3>
                  <dl className="help-keys">
                    {keys.map(([key, what]) => (
                      <div key={key}>
                        <dt>
                          <kbd>{key}</kbd>
                        </dt>
                        <dd>{what}</dd>
                      </div>
                    ))}
                  </dl>
                </div>
              ))}
              <h3>On the map's cells</h3>
              <dl className="help-meanings">
                {MEANINGS.map(([condition, meaning]) => (
                  <div key={condition}>
                    <dt>
                      <Swatch condition={condition} size={14} /> {conditionName(condition)}
                    </dt>
                    <dd>{meaning}</dd>
                  </div>
                ))}
              </dl>
              <p className="quiet">A cell is filled up to the write pointer; grey is beyond the capacity. What was written just now is warm, and cools.</p>
            </section>
          </div>
          <div className="dialog-actions">
            <button type="button" className="button" onClick={() => app.page.closeDialog()}>
              Done
            </button>
          </div>
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
