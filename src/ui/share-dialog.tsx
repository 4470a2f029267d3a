/** The dialog "Share": a link that makes the attached image again, its length, a code for phones, and a frame to paste. */
import { RadioGroup } from "radix-ui";
import { useMemo, useState } from "react";
import type { ShareChoice } from "../state/share.ts";
import { commandCount } from "../state/share.ts";
import { formatCount } from "../state/units.ts";
import { useApp, useHouses } from "./context.ts";
import { CopyField } from "./copy-field.tsx";
import { Dialog } from "./dialog.tsx";
import { MOST_IN_CODE, QrCode } from "./qr-code.tsx";

/** Beyond this some programs cut addresses off. */
const SAFE_LENGTH = 2000;

export function ShareDialog() {
  const app = useApp();
  const houses = useHouses();
  // As it was when the dialog was opened: what happens behind it does not change a link that is being copied.
  const [scripts] = useState(() => ({ history: app.share.script("history"), now: app.share.script("now") }));
  const [choice, setChoice] = useState<ShareChoice>({ way: scripts.history === null ? "now" : "history", form: "z", autoplay: true });
  const script = scripts[choice.way];
  const made = useMemo(() => (script === null ? null : app.share.link(script, choice, houses.base())), [app, houses, script, choice]);

  return (
    <Dialog title="Share" width="wide" leave="Done" onSubmit={() => app.page.closeDialog()}>
      <p className="share-word">
        A link carries commands and geometry, never bytes of a disk. Whoever opens it sees them played on a disk in memory; no image of theirs is touched, and nothing is uploaded.
      </p>
      {scripts.history === null ? (
        <p className="share-note">The commands since this image was made are not all known here, so the link rebuilds it as it is now.</p>
      ) : (
        <Choice
          name="What it plays"
          value={choice.way}
          options={[
            ["history", commandCount(scripts.history) === 1 ? "The command that made it" : `All ${formatCount(commandCount(scripts.history))} commands`],
            ["now", "The disk as it is now"],
          ]}
          onChange={(way) => setChoice({ ...choice, way })}
        />
      )}
      {script?.notes.map((note) => (
        <p key={note} className="share-note">
          {note}
        </p>
      ))}
      {script !== null && script.step !== null && <p className="share-note">It stops where you are looking: behind {formatCount(script.step)} commands.</p>}
      <div className="share-choices">
        <Choice
          name="Form"
          value={choice.form}
          options={[
            ["z", "Compact"],
            ["run", "Readable"],
          ]}
          onChange={(form) => setChoice({ ...choice, form })}
        />
        <label className="share-check">
          <input type="checkbox" checked={choice.autoplay} onChange={(event) => setChoice({ ...choice, autoplay: event.target.checked })} />
          Plays by itself
        </label>
      </div>
      {made !== null && "title" in made && (
        <div className="outcome-body refused" role="alert">
          <p>
            <strong>{made.title}.</strong> {made.why} {choice.way === "history" ? "The disk as it is now may fit." : "Leave the readable form, or share the image file itself."}
          </p>
        </div>
      )}
      {made !== null && "url" in made && (
        <div className="share-made">
          <div className="share-texts">
            <CopyField label="Link" text={made.url} note={`${formatCount(made.url.length)} characters${made.url.length > SAFE_LENGTH ? "; some programs cut such long addresses off" : ""}`} />
            <CopyField label="Frame, to paste into a page" text={made.frame} />
          </div>
          <div className="share-code">
            {made.url.length <= MOST_IN_CODE ? <QrCode text={made.url} label="The link as a QR code" /> : <p className="share-note">Too long for a code that a phone can read.</p>}
          </div>
        </div>
      )}
    </Dialog>
  );
}

interface ChoiceProps<Value extends string> {
  readonly name: string;
  readonly value: Value;
  readonly options: readonly (readonly [Value, string])[];
  readonly onChange: (value: Value) => void;
}

function Choice<Value extends string>({ name, value, options, onChange }: ChoiceProps<Value>) {
  return (
    <RadioGroup.Root className="segmented" aria-label={name} value={value} onValueChange={(chosen) => onChange(chosen as Value)}>
      {options.map(([one, word]) => (
        <RadioGroup.Item key={one} value={one}>
          {word}
        </RadioGroup.Item>
      ))}
    </RadioGroup.Root>
  );
}
