/** The tab "Header": what the file is, and every field of its header and extensions with place, bytes, value and meaning. */
import type { ExtensionFacts, FieldFacts } from "../protocol/index.ts";
import { displayName } from "../state/device.ts";
import { textOf } from "../state/failure-text.ts";
import type { Inspection } from "../state/inspector-state.ts";
import { containerWords, contentsSentence, dialectSentence, extensionTitle, fieldWords, needsSentence, quoteWord, validityWords } from "../state/inspector-text.ts";
import { visibleText } from "../state/visible-text.ts";
import { formatCount, formatHex, groupDigits } from "../state/units.ts";
import { useApp, useAppState, useFormat } from "./context.ts";

export function HeaderTab() {
  const inspection = useAppState((state) => state.inspector.inspection);
  if (inspection === null) return null;
  const { header } = inspection;
  return (
    <div className="inspector-scroll" tabIndex={0} role="group" aria-label="Header fields">
      <Identity inspection={inspection} />
      {header !== null && (
        <>
          <Fields name="Header" fields={header.fields} extension={null} />
          {header.extensions.map((extension) => (
            <Extension key={extension.hostOffset} extension={extension} />
          ))}
        </>
      )}
    </div>
  );
}

function Identity({ inspection }: { inspection: Inspection }) {
  const { identity, header } = inspection;
  const { name, todo } = containerWords(identity.container);
  const file = useAppState((state) => state.inspector.file ?? "");
  const dialect = header === null ? null : dialectSentence(header);
  const needs = header === null ? null : needsSentence(header);
  return (
    <div className="identity">
      <p>
        <strong>This is {name}</strong>, {formatCount(identity.fileSize)} bytes. {todo ?? (header === null ? `Its bytes are in the tab Hex; in the console “qemu-img convert -f raw -O qcow2 ${visibleText(quoteWord(file))} disk.qcow2” makes an image of it.` : "")}
      </p>
      <p>
        {identity.fileSize === 0 ? "" : contentsSentence(identity)} {dialect ?? ""}
      </p>
      {needs !== null && <p className="inspector-alert">{needs}</p>}
      {header?.needs.map((need) => need.found !== null && (
        <p key={`${need.role} ${need.name}`}>
          Its {need.role} file <strong className="mono">{visibleText(need.name)}</strong> was found: {visibleText(displayName(need.found))}.
        </p>
      ))}
      {header !== null && header.problem !== null && (
        <p className="inspector-alert" role="status">
          <strong>{header.isForCheck ? "This header is wrong." : "No reader takes this header."}</strong> {textOf(header.problem).why}
          {header.isForCheck && " It can be checked all the same: the tab Check lists what a repair would change, and repairs a copy."}
        </p>
      )}
    </div>
  );
}

function Extension({ extension }: { extension: ExtensionFacts }) {
  const { kind, hostOffset, lengthBytes, fields, problem } = extension;
  return (
    <>
      <Fields name={`${extensionTitle(extension)}, ${formatCount(lengthBytes)} bytes at ${formatHex(hostOffset)}`} fields={fields} extension={kind} />
      {problem !== null && <p className="inspector-alert">{textOf(problem).why}</p>}
    </>
  );
}

function Fields({ name, fields, extension }: { name: string; fields: readonly FieldFacts[]; extension: ExtensionFacts["kind"] | null }) {
  if (fields.length === 0) return <p className="inspector-note">{name}</p>;
  return (
    <table className="fields reflow">
      <caption>{name}</caption>
      <thead>
        <tr>
          <th scope="col">Offset</th>
          <th scope="col">Field</th>
          <th scope="col">Value</th>
          <th scope="col">Meaning</th>
          <th scope="col">Bytes</th>
          <th scope="col">Validity</th>
        </tr>
      </thead>
      <tbody>
        {fields.map((field, index) => (
          <Field key={index} field={field} extension={extension} />
        ))}
      </tbody>
    </table>
  );
}

/** Fields that are numbers of bytes: they follow the switch of units. */
const SIZES: ReadonlySet<string> = new Set(["size", "zone_size", "zone_capacity", "zonedmeta_size", "max_append_bytes", "bitmap_directory_size"]);

function Field({ field, extension }: { field: FieldFacts; extension: ExtensionFacts["kind"] | null }) {
  const app = useApp();
  const format = useFormat();
  const { meaning, says } = fieldWords(field, extension);
  const number = field.value === null ? null : Number(field.value);
  const value = number !== null && Number.isSafeInteger(number) && SIZES.has(field.field) ? `${format(number)} (${formatCount(number)})` : field.text === null ? groupDigits(says) : says;
  return (
    <tr className={field.validity}>
      <td className="mono corner">
        <button type="button" className="link" title="Show these bytes" onClick={() => void app.inspector.goTo({ hostOffset: field.hostOffset }, "Hex")}>
          {formatHex(field.hostOffset)}
        </button>
      </td>
      <th scope="row" className="mono">
        {field.field}
      </th>
      <td>{value}</td>
      <td>
        {meaning}
        {field.bits.length > 0 && <span className="bit">bits {field.bits.map(({ bit }) => bit).join(", ")}</span>}
        {field.problem !== null && <span className="bit">Allowed is {groupDigits(field.problem.allowed)}.</span>}
      </td>
      <td className="mono bytes" title={field.hex}>
        {field.hex.slice(0, 32)}
        {field.hex.length > 32 || field.lengthBytes > 16 ? "…" : ""}
      </td>
      <td className="validity">{validityWords(field.validity)}</td>
    </tr>
  );
}
