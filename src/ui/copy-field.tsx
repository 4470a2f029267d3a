/** A text to take along, such as a link: shown whole, selected at a click, copied by a button. */
import { Check, Copy } from "lucide-react";
import { useId, useState } from "react";

const COPIED_FOR_MS = 1600;

export function CopyField({ label, text, note }: { label: string; text: string; note?: string }) {
  const id = useId();
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // No clipboard here, or none that is allowed: the text is selected, to be copied by hand.
      const field = document.getElementById(id);
      if (field instanceof HTMLTextAreaElement) field.select();
      return;
    }
    setCopied(true);
    window.setTimeout(() => setCopied(false), COPIED_FOR_MS);
  };
  return (
    <div className="share-field">
      <div className="share-label">
        <label htmlFor={id}>{label}</label>
        {note !== undefined && <span className="share-length">{note}</span>}
        <button type="button" className="button small" aria-label={`Copy ${label.split(",")[0]!.toLowerCase()}`} onClick={() => void copy()}>
          {copied ? <Check size={13} aria-hidden="true" /> : <Copy size={13} aria-hidden="true" />}
          {copied ? "Copied" : "Copy"}
        </button>
      </div>
      <textarea id={id} className="input share-text" readOnly rows={3} spellCheck={false} value={text} onFocus={(event) => event.target.select()} />
    </div>
  );
}
