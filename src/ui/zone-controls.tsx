/** The zone panel's drawing, fields and buttons. Each button is a console line; the console shows which. */
import { useState } from "react";
import { Condition, conditionName } from "../base/conditions.ts";
import { textOf } from "../state/failure-text.ts";
import type { ZoneOperationName } from "../state/store.ts";
import { parseByte, parseSize } from "../state/units.ts";
import type { FormatBytes } from "../state/units.ts";
import { defaultOffset, isInZone } from "../state/zones.ts";
import type { ZoneModel } from "../state/zone-model.ts";
import { useApp, useAppState, useFormat } from "./context.ts";
import { StateMachine } from "./state-machine.tsx";
import { TextField } from "./text-field.tsx";
import { Tip } from "./tip.tsx";
import { useSteps } from "./use-steps.ts";
import type { ZoneStep } from "./use-steps.ts";

const MANAGEMENT: readonly (readonly [string, ZoneOperationName])[] = [
  ["Open", "open"],
  ["Close", "close"],
  ["Finish", "finish"],
  ["Reset", "reset"],
];

/** What was last typed, for whichever zone: a person fills zone after zone with the same. */
const typed = { length: "4K", pattern: "0xcd" };

export function ZoneControls({ zones, zone }: { zones: ZoneModel; zone: number }) {
  const app = useApp();
  const size = useFormat();
  const past = useAppState((state) => state.moment !== null);
  const locked = useAppState((state) => state.attached?.facts.image.readOnly ?? true);
  const readOnly = locked || past;
  const steps = useSteps(zone);
  const [length, setLength] = useState(typed.length);
  const [pattern, setPattern] = useState(typed.pattern);
  const [offset, setOffset] = useState("");
  const lengthBytes = parseSize(length);
  const patternByte = parseByte(pattern);
  const offsetBytes = offset.trim() === "" ? null : parseSize(offset);
  const badOffset = offset.trim() !== "" && (offsetBytes === null || !isInZone(zones, zone, offsetBytes));
  const conventional = zones.isConventional(zone);

  const perform = (operation: ZoneOperationName): void => {
    const io = operation === "append" || operation === "write" || operation === "read";
    if (io && (lengthBytes === null || patternByte === null || badOffset)) return;
    void app.zones.perform({ operation, zone, offset: offsetBytes, lengthBytes: lengthBytes ?? 0, pattern: patternByte ?? 0 });
  };
  const fieldsBad = lengthBytes === null || patternByte === null;
  const problem =
    lengthBytes === null ? "A length is a number of bytes: 4096, 4K or 1M." : patternByte === null ? "A pattern is one byte: 0 to 255, or 0x0 to 0xff." : badOffset ? outsideOf(zones, zone, size) : null;
  const condition = zones.conditionOf(zone);
  const at = (operation: "write" | "read", chosen: number | null = null): string => size(chosen ?? defaultOffset(zones, zone, operation));
  const write = steps?.find(({ operation }) => operation === "write");
  const refusedWrite = write === undefined || write.refusal === null ? null : textOf(write.refusal).why;

  return (
    <div className="zone-controls">
      {condition === Condition.NOT_WP ? (
        <p className="conventional-note">A conventional zone: written at any offset, in any order. It has no write pointer and no condition to change.</p>
      ) : (
        <StateMachine condition={condition} steps={past ? null : steps} note={past ? "This is the past: nothing can be done to it." : locked ? "The image is open read-only." : null} onArrow={perform} />
      )}
      <div className="button-row four">
        {MANAGEMENT.map(([name, operation]) => (
          <Tip key={operation} text={whatOf(steps, operation)} side="top">
            <button type="button" className="button" disabled={readOnly} onClick={() => perform(operation)}>
              {name}
            </button>
          </Tip>
        ))}
      </div>
      <div className="button-row three">
        <TextField
          label="Length"
          value={length}
          wrong={lengthBytes === null}
          onChange={(value) => {
            typed.length = value;
            setLength(value);
          }}
        />
        <TextField
          label="Pattern"
          value={pattern}
          wrong={patternByte === null}
          onChange={(value) => {
            typed.pattern = value;
            setPattern(value);
          }}
        />
        <TextField
          label="Offset"
          value={offset}
          wrong={badOffset}
          placeholder={conventional ? size(zones.start(zone)) : "pointer"}
          title={badOffset ? outsideOf(zones, zone, size) : wayOf(conventional)}
          onChange={setOffset}
        />
      </div>
      {problem !== null && (
        <p className="form-note" role="status">
          {problem}
        </p>
      )}
      <div className="button-row three">
        <Tip text={refusedWrite ?? (conventional ? "A conventional zone takes no append" : `At the write pointer, ${at("write")}`)} side="top">
          <button type="button" className="button primary" disabled={readOnly || fieldsBad} onClick={() => perform("append")}>
            Append
          </button>
        </Tip>
        <Tip text={(offsetBytes === null ? refusedWrite : null) ?? `At ${at("write", offsetBytes)}`} side="top">
          <button type="button" className="button" disabled={readOnly || fieldsBad || badOffset} onClick={() => perform("write")}>
            Write
          </button>
        </Tip>
        <Tip text={past ? "The bytes of the past are not kept: Now leads back to those of today" : `From ${at("read", offsetBytes)}`} side="top">
          <button type="button" className="button" disabled={past || lengthBytes === null || badOffset} onClick={() => perform("read")}>
            Read
          </button>
        </Tip>
      </div>
    </div>
  );
}

const wayOf = (conventional: boolean): string =>
  conventional
    ? "Where write and read start; left empty, the zone's start."
    : "Where write and read start; left empty, a write goes to the write pointer and a read to the zone's start.";

function outsideOf(zones: ZoneModel, zone: number, size: FormatBytes): string {
  const start = zones.start(zone);
  return `An offset in this zone is one from ${size(start)} up to, not including, ${size(start + zones.length(zone))}.`;
}

/** What a button would lead to, in a sentence. */
function whatOf(steps: readonly ZoneStep[] | null, operation: ZoneOperationName): string {
  const step = steps?.find((other) => other.operation === operation);
  if (step === undefined) return "A command of the console";
  if (step.refusal !== null) return textOf(step.refusal).why;
  if (step.to === null) return "Nothing would change";
  const closes = step.implicitlyCloses === null ? "" : `, closing zone ${step.implicitlyCloses} to make room`;
  return `Leads to ${conditionName(step.to)}${closes}`;
}
