/** What the last button of the zone panel led to: the result in words, or the refusal with its rule and its names elsewhere. */
import { elsewhere } from "../state/failure-text.ts";
import type { FailureText } from "../state/failure-text.ts";
import type { ZoneResult } from "../state/store.ts";
import { formatHex } from "../state/units.ts";
import { useAppState, useFormat } from "./context.ts";

export function ZoneOutcome({ zone }: { zone: number }) {
  const latest = useAppState((state) => state.zoneResult);
  const result = latest?.zone === zone ? latest : null;
  const refused = result !== null && !result.ok;
  return (
    <>
      <div role="status">{result !== null && result.ok && <Done result={result} />}</div>
      <div role="alert">{refused && <Refused result={result} />}</div>
    </>
  );
}

function Done({ result }: { result: ZoneResult }) {
  const size = useFormat();
  return (
    <div className="outcome-body">
      <p className="mono quiet">{result.line}</p>
      <p className="outcome-headline">{result.headline(size)}</p>
      {result.preview !== null && <Preview offset={result.preview.offset} bytes={result.preview.bytes} />}
    </div>
  );
}

function Refused({ result }: { result: ZoneResult }) {
  const size = useFormat();
  return (
    <div className="outcome-body refused">
      <p className="mono outcome-errno">{result.headline(size)}</p>
      {result.refusal !== null && <Explained text={result.refusal} />}
    </div>
  );
}

/** A refusal explained: the rule, the numbers, the way out, and what the same refusal is called elsewhere. */
export function Explained({ text }: { text: FailureText }) {
  return (
    <>
      <p className="outcome-headline">{text.title}</p>
      <p>{text.why}</p>
      {text.instead !== null && <p className="outcome-instead">{text.instead}</p>}
      {text.names !== null && (
        <dl className="elsewhere">
          {elsewhere(text.names).map(([where, name]) => (
            <Name key={where} where={where} name={name ?? "no such refusal"} />
          ))}
        </dl>
      )}
    </>
  );
}

function Name({ where, name }: { where: string; name: string }) {
  return (
    <div>
      <dt>{where}</dt>
      <dd>{name}</dd>
    </div>
  );
}

const ROW = 16;

/** The first bytes read, sixteen a row. */
function Preview({ offset, bytes }: { offset: number; bytes: Uint8Array }) {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += ROW) {
    const hex = [...bytes.subarray(at, at + ROW)].map((byte) => byte.toString(16).padStart(2, "0"));
    rows.push(`${formatHex(offset + at).padEnd(9)} ${hex.slice(0, 8).join("")} ${hex.slice(8).join("")}`);
  }
  return (
    <pre className="preview" aria-label="First bytes read">
      {rows.join("\n")}
    </pre>
  );
}
