/** A labelled line of text: the one input of every form here. */

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly wrong?: boolean;
  readonly placeholder?: string;
  readonly title?: string;
  readonly wide?: boolean;
  readonly numeric?: boolean;
}

export function TextField({ label, value, onChange, wrong, placeholder, title, wide = false, numeric = false }: TextFieldProps) {
  return (
    <label className={wide ? "field wide" : "field"}>
      <span className="label">{label}</span>
      <input
        className="input"
        autoComplete="off"
        spellCheck={false}
        inputMode={numeric ? "numeric" : undefined}
        aria-invalid={wrong}
        placeholder={placeholder}
        title={title}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </label>
  );
}
