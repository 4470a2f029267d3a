/** The region "Console": what was said, and the prompt with history (arrows) and completion (Tab). */
import { memo, useState } from "react";
import type { KeyboardEvent } from "react";
import type { ConsoleBlock } from "../state/console-log.ts";
import { useApp, useAppState, useLink } from "./context.ts";
import { useFollow } from "./follow.ts";

export function ConsolePanel() {
  const app = useApp();
  const blocks = useAppState((state) => state.console);
  const inFrame = useLink()?.link.embed === true;
  const zoned = useAppState((state) => (state.attached?.facts.zoned ?? null) !== null);
  return (
    <section className="panel panel-console" aria-label="Console">
      <div className="panel-head">
        <h2 className="panel-title">Console</h2>
        <p className="panel-note">qemu-img, qemu-io and blkzone</p>
        {!inFrame && (
          <>
            <button type="button" className="button quiet small push" disabled={!zoned} onClick={() => app.page.openDialog({ kind: "profiles" })}>
              Compare profiles
            </button>
            <button type="button" className="button quiet small" disabled={blocks.length === 0} onClick={() => app.console.clear()}>
              Clear
            </button>
          </>
        )}
      </div>
      <Output blocks={blocks} />
      <Prompt />
    </section>
  );
}

function Output({ blocks }: { blocks: readonly ConsoleBlock[] }) {
  const { box, onScroll } = useFollow();
  return (
    <div
      className="console-output"
      role="log"
      aria-label="Console output"
      tabIndex={0}
      ref={box}
      onScroll={onScroll}
    >
      <div>
        {blocks.map((block) => (
          <Block key={block.id} block={block} />
        ))}
      </div>
    </div>
  );
}

const Block = memo(function Block({ block }: { block: ConsoleBlock }) {
  return (
    <div>
      {block.lines.map((line) => (
        <div key={line.id} className={`line ${line.stream}`}>
          {line.stream === "offer" ? <ShowImage file={line.text} /> : line.text === "" ? "\u00a0" : line.text}
        </div>
      ))}
    </div>
  );
});

/** Has the page show an image that a line made beside the attached one. */
function ShowImage({ file }: { file: string }) {
  const app = useApp();
  const shown = useAppState((state) => state.attached?.file === file);
  const gone = useAppState((state) => !state.library.files.some(({ name }) => name === file));
  return (
    <button type="button" className="button small" disabled={shown || gone} title={gone ? "It is not in the library any more" : undefined} onClick={() => void app.device.attach(file)}>
      Show {file}
    </button>
  );
}

function Prompt() {
  const app = useApp();
  const history = useAppState((state) => state.history);
  const [text, setText] = useState("");
  /** How far back in the history the prompt is; 0 is the line being typed. */
  const [back, setBack] = useState(0);
  const [draft, setDraft] = useState("");
  const [offers, setOffers] = useState<readonly string[]>([]);

  const recall = (steps: number): void => {
    const next = Math.max(0, Math.min(history.length, back + steps));
    if (next === back) return;
    if (back === 0) setDraft(text);
    setBack(next);
    setText(next === 0 ? draft : (history[history.length - next] ?? ""));
  };
  const complete = (): boolean => {
    if (text.trim() === "") return false;
    const found = app.console.complete(text);
    if (found.length === 0) return false;
    setText(found.length === 1 ? finished(found[0]!) : commonStart(found));
    setOffers(found.length === 1 ? [] : found);
    return true;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      event.preventDefault();
      recall(event.key === "ArrowUp" ? 1 : -1);
    } else if (event.key === "Tab" && !event.shiftKey && complete()) {
      event.preventDefault();
    } else if (event.key === "Escape") setOffers([]);
    else if (event.key === "l" && event.ctrlKey) {
      event.preventDefault();
      app.console.clear();
    }
  };

  return (
    <form
      className="prompt"
      onSubmit={(event) => {
        event.preventDefault();
        const line = text.trim();
        setText("");
        setBack(0);
        setOffers([]);
        if (line !== "") void app.console.run(line);
      }}
    >
      {offers.length > 0 && (
        <p className="offers" role="status">
          {offers.map((offer) => (
            <span key={offer}>{lastWord(offer)}</span>
          ))}
        </p>
      )}
      <span className="prompt-mark" aria-hidden="true">
        ›
      </span>
      <input
        id="command"
        className="prompt-input"
        aria-label="Command"
        autoComplete="off"
        autoCapitalize="off"
        autoCorrect="off"
        spellCheck={false}
        placeholder="Type a command, or help"
        value={text}
        onKeyDown={onKeyDown}
        onChange={(event) => {
          setText(event.target.value);
          setBack(0);
          setOffers([]);
        }}
      />
    </form>
  );
}

const lastWord = (line: string): string => line.slice(line.lastIndexOf(" ") + 1);

/** A completed word is done, but for an option that waits for its value. */
const finished = (line: string): string => (line.endsWith("=") ? line : `${line} `);

/** What all the completions begin with. */
function commonStart(lines: readonly string[]): string {
  let start = lines[0] ?? "";
  for (const line of lines) while (!line.startsWith(start)) start = start.slice(0, -1);
  return start;
}
