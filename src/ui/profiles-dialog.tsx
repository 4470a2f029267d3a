/** The dialog "Compare profiles": the last commands under every profile, and for each pair where they part. */
import { useEffect, useState } from "react";
import type { PairRow, ProfileTable } from "../state/profiles.ts";
import { useApp, useAppState } from "./context.ts";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./text-field.tsx";

const FIRST_COUNT = 20;

export function ProfilesDialog() {
  const app = useApp();
  const busy = useAppState((state) => state.busy !== null);
  const [count, setCount] = useState(String(FIRST_COUNT));
  const [table, setTable] = useState<ProfileTable | { readonly error: string } | null>(null);
  const wanted = /^[1-9]\d{0,3}$/.test(count.trim()) ? Number(count) : null;
  useEffect(() => {
    let shown = true;
    void app.profiles.compare(FIRST_COUNT).then((compared) => {
      if (shown) setTable(compared);
    });
    return () => {
      shown = false;
    };
  }, [app]);

  return (
    <Dialog
      title="Compare profiles"
      width="wide"
      leave="Done"
      onSubmit={() => {
        if (wanted !== null) void app.profiles.compare(wanted).then(setTable);
      }}
    >
      <p className="compare-note">The last commands run once more under the rules of each profile, and where their answers part is shown.</p>
      <div className="compare-form">
        <TextField label="Last commands" value={count} wrong={wanted === null} numeric onChange={setCount} />
        <button type="submit" className="button primary" disabled={wanted === null || busy}>
          Compare
        </button>
      </div>
      {table !== null && ("error" in table ? <p className="compare-note" role="alert">{sentence(table.error)}</p> : <Pairs table={table} />)}
    </Dialog>
  );
}

/** A program's words as a sentence. */
const sentence = (words: string): string => `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;

function Pairs({ table }: { table: ProfileTable }) {
  return (
    <>
      <p className="compare-note">
        {table.commandCount} {table.commandCount === 1 ? "command" : "commands"} on empty scratch disks: {table.disks}.
      </p>
      {table.leftOut.map((sentence) => (
        <p key={sentence} className="compare-note">
          {sentence}
        </p>
      ))}
      <div className="compare-scroll" tabIndex={0} role="region" aria-label="Where profiles part">
        <table className="compare-table" aria-label="Profiles">
          <thead>
            <tr>
              <th scope="col">They part at</th>
              <th scope="col">Profile</th>
              <th scope="col">Answer</th>
              <th scope="col">Zone afterwards</th>
            </tr>
          </thead>
          {table.pairs.map((pair) => (
            <Pair key={pair.profiles.join()} pair={pair} />
          ))}
        </table>
      </div>
    </>
  );
}

function Pair({ pair: { profiles, parting } }: { pair: PairRow }) {
  if (parting === null) {
    return (
      <tbody>
        <tr className="same">
          <td className="command">Nowhere</td>
          <td>{profiles.join(", ")}</td>
          <td colSpan={2}>the same throughout</td>
        </tr>
      </tbody>
    );
  }
  return (
    <tbody>
      {parting.answers.map((answer, index) => (
        <tr key={answer.profile}>
          {index === 0 && (
            <td rowSpan={parting.answers.length} className="code whole command">
              {parting.command}
            </td>
          )}
          <td className="whole">{answer.profile}</td>
          <td className="code">{answer.answer}</td>
          <td className="code whole afterwards">{answer.zone}</td>
        </tr>
      ))}
    </tbody>
  );
}
