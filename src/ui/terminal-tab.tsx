/** The tab "Terminal": a real Linux on the attached image. Before, what it takes and the button; then how far it is; then its prompt. */
import { AArrowDown, AArrowUp, Pause, Play, Plug, StepForward, Unplug, Zap } from "lucide-react";
import { useEffect, useId, useRef, useState } from "react";
import { displayName } from "../state/device.ts";
import type { FailureText } from "../state/failure-text.ts";
import type { GuestActions } from "../state/guest.ts";
import { diskName } from "../state/guest-state.ts";
import type { GuestState } from "../state/guest-state.ts";
import { SESSIONS, sessionNamed } from "../state/guest-session.ts";
import { visibleText } from "../state/visible-text.ts";
import { useApp, useAppState, useTheme } from "./context.ts";
import { screenOf } from "./terminal-screen.ts";
import type { TerminalScreen } from "./terminal-screen.ts";
import "./terminal.css";

const ICON = 14;
const MEGABYTE = 1e6;
const MIB = 2 ** 20;

export function TerminalTab() {
  const app = useApp();
  const [guest, setGuest] = useState<GuestActions | null>(null);
  const { phase, failure } = useAppState((state) => state.guest);
  useEffect(() => {
    let here = true;
    app.guest().then((actions) => here && setGuest(actions), () => undefined);
    return () => {
      here = false;
    };
  }, [app]);
  if (guest === null) return failure === null ? null : <Failed failure={failure} />;
  return (
    <div className="terminal inspector-column">
      {phase === "off" ? <Offer guest={guest} /> : <Bar guest={guest} />}
      <SessionStrip guest={guest} />
      <Screen guest={guest} />
    </div>
  );
}

/** What it is, how the last one ended, and the ways to have one: over the attached image, or a session over a disk of its own. */
function Offer({ guest }: { guest: GuestActions }) {
  const { ended, failure } = useAppState((state) => state.guest);
  return (
    <div className="terminal-offers" tabIndex={0} role="group" aria-label="Linux">
      {ended !== null && <p role="status">{ended}</p>}
      {failure !== null && <Failed failure={failure} />}
      <OwnDisk guest={guest} />
      <Sessions guest={guest} />
    </div>
  );
}

const Failed = ({ failure }: { failure: FailureText }) => (
  <p className="inspector-alert" role="alert">
    <strong>{failure.title}.</strong> {failure.why} {failure.instead ?? ""}
  </p>
);

function OwnDisk({ guest }: { guest: GuestActions }) {
  const attached = useAppState((state) => state.attached);
  const files = useAppState((state) => state.library.files);
  const [second, setSecond] = useState("");
  const [memory, setMemory] = useState(64);
  const others = files.filter(({ name }) => name !== attached?.file);
  const chosen = others.some(({ name }) => name === second) ? second : "";
  return (
    <form
      className="terminal-offer"
      onSubmit={(event) => {
        event.preventDefault();
        void guest.attach({ second: chosen === "" ? null : chosen, memoryBytes: memory * MIB });
      }}
    >
      <p className="terminal-about">
        A real Linux 6.12, emulated in this tab, with {attached === null ? "the attached image" : <strong>{visibleText(displayName(attached.file))}</strong>} as its disk /dev/vda{attached?.zones === null ? ", which has no zones: dd and f2fs" : ": blkzone, dd, zonefs and f2fs, and the map follows"}. It is fetched once, about 7 MB.
      </p>
      <div className="terminal-choices">
        <label>
          Second disk, /dev/vdb
          <select className="input" value={chosen} onChange={(event) => setSecond(event.target.value)}>
            <option value="">None</option>
            {others.map(({ name }) => (
              <option key={name} value={name}>
                {visibleText(name)}
              </option>
            ))}
          </select>
        </label>
        <label>
          Memory
          <select className="input" value={memory} onChange={(event) => setMemory(Number(event.target.value))}>
            <option value={64}>64 MiB</option>
            <option value={128}>128 MiB</option>
            <option value={256}>256 MiB</option>
          </select>
        </label>
        <button type="submit" className="button primary" disabled={attached === null}>
          <Plug size={ICON} aria-hidden="true" /> Attach Linux
        </button>
      </div>
      {chosen !== "" && <p className="terminal-about">The map shows /dev/vda. What becomes of /dev/vdb Linux tells, by blkzone report /dev/vdb; its map is there when Linux is gone.</p>}
    </form>
  );
}

/** Ready-made sessions; a link may have named one. */
function Sessions({ guest }: { guest: GuestActions }) {
  const named = useAppState((state) => state.guest.chosen);
  const [picked, setPicked] = useState<string | null>(null);
  const name = picked ?? (named === "" ? SESSIONS[0]?.name ?? "" : named);
  const session = sessionNamed(name);
  const begin = (playing: boolean): void => void guest.session.begin(name, playing);
  return (
    <form
      className="terminal-offer"
      onSubmit={(event) => {
        event.preventDefault();
        begin(true);
      }}
    >
      <div className="terminal-choices">
        <label>
          Or a session, on a disk of its own
          <select className="input" value={name} onChange={(event) => setPicked(event.target.value)}>
            {session === undefined && <option value={name}>No session is named “{visibleText(name)}”</option>}
            {SESSIONS.map((each) => (
              <option key={each.name} value={each.name}>
                {each.title}
              </option>
            ))}
          </select>
        </label>
        <button type="submit" className="button" disabled={session === undefined}>
          <Play size={ICON} aria-hidden="true" /> Play session
        </button>
        <button type="button" className="button" disabled={session === undefined} onClick={() => begin(false)}>
          <StepForward size={ICON} aria-hidden="true" /> Step through
        </button>
      </div>
      {session !== undefined && <p className="terminal-about">{session.summary}</p>}
    </form>
  );
}

/** What the next line of a session shows, and the line; typed at a click, or by itself. */
function SessionStrip({ guest }: { guest: GuestActions }) {
  const session = useAppState((state) => state.guest.session);
  if (session === null) return null;
  const { at, lines, says, line, running, playing, title } = session;
  const over = at >= lines;
  return (
    <div className="terminal-session" role="group" aria-label={`Session: ${title}`}>
      <p role="status">
        <strong>{over || line === "" ? title : `${at + 1} of ${lines}`}</strong> {says}
      </p>
      {line !== "" && <code>{line}</code>}
      <div className="head-tools">
        {!over && (
          <button type="button" className="button small" onClick={() => guest.session.play(!playing)}>
            {playing ? <Pause size={ICON} aria-hidden="true" /> : <Play size={ICON} aria-hidden="true" />} {playing ? "Pause" : "Play"}
          </button>
        )}
        {!over && (
          <button type="button" className="button small" disabled={running} onClick={() => guest.session.next()}>
            <StepForward size={ICON} aria-hidden="true" /> Type it
          </button>
        )}
        <button type="button" className="button quiet small" onClick={() => guest.session.end()}>
          End session
        </button>
      </div>
    </div>
  );
}

/** Which disk is which, how far it is, and the two ways to end it. */
function Bar({ guest }: { guest: GuestActions }) {
  const app = useApp();
  const state = useAppState((all) => all.guest);
  const { phase, loadedBytes, totalBytes } = state;
  const screen = screenOf(app, guest.serial);
  return (
    <div className="terminal-bar">
      <p className="terminal-disks">
        {state.disks.map((file, index) => (
          <span key={file}>
            <code>{diskName(index)}</code> {visibleText(displayName(file))}
            {index > 0 && <span className="quiet"> not on the map</span>}
          </span>
        ))}
      </p>
      <p className="terminal-phase" role="status">
        {words(state)}
      </p>
      {phase === "loading" && totalBytes > 0 && <progress max={totalBytes} value={loadedBytes} aria-label="Fetching the machine" />}
      <div className="push head-tools">
        <button type="button" className="button quiet icon small" aria-label="Smaller type" title="Smaller type" onClick={() => screen.resizeType(-1)}>
          <AArrowDown size={16} aria-hidden="true" />
        </button>
        <button type="button" className="button quiet icon small" aria-label="Larger type" title="Larger type" onClick={() => screen.resizeType(1)}>
          <AArrowUp size={16} aria-hidden="true" />
        </button>
        <button type="button" id="detach-linux" className="button small" disabled={phase === "detaching"} title="Linux syncs and powers off; then everything is flushed" onClick={() => void guest.detach()}>
          <Unplug size={ICON} aria-hidden="true" /> Detach
        </button>
        <button type="button" className="button small" title="The machine stops at once; what was not flushed is lost" onClick={() => void guest.cutPower()}>
          <Zap size={ICON} aria-hidden="true" /> Power cut
        </button>
      </div>
    </div>
  );
}

const megabytes = (bytes: number): string => (bytes / MEGABYTE).toFixed(1);

function words({ phase, loadedBytes, totalBytes, bootMs }: GuestState): string {
  switch (phase) {
    case "off":
      return "";
    case "loading":
      return totalBytes === 0 ? "Starting…" : `Fetching Linux: ${megabytes(loadedBytes)} of ${megabytes(totalBytes)} MB`;
    case "booting":
      return "Booting…";
    case "up":
      return bootMs === null ? "Running" : `Running, up in ${(bootMs / 1000).toFixed(1)} s`;
    case "detaching":
      return "Powering off…";
  }
}

/** The terminal itself; it stays, to be read, when the machine is gone. */
function Screen({ guest }: { guest: GuestActions }) {
  const app = useApp();
  const theme = useTheme();
  const phase = useAppState((state) => state.guest.phase);
  const box = useRef<HTMLDivElement>(null);
  const note = useId();
  const shown = phase !== "off" || guest.serial.said().length > 0;
  const screen: TerminalScreen | null = shown ? screenOf(app, guest.serial) : null;
  useEffect(() => (screen === null || box.current === null ? undefined : screen.showIn(box.current, () => document.getElementById("detach-linux")?.focus())), [screen]);
  useEffect(() => screen?.recolour(), [screen, theme]);
  useEffect(() => {
    if (screen === null) return;
    if (phase === "loading") screen.forgetSize();
    if (phase === "loading" || phase === "up") screen.focus();
    if (phase === "up") screen.tellSize();
  }, [screen, phase]);
  if (!shown) return null;
  return (
    <>
      <div className={phase === "off" ? "terminal-screen over" : "terminal-screen"} ref={box} role="group" aria-label="Terminal of Linux" aria-describedby={note} />
      <p className="visually-hidden" id={note}>
        Every key goes to Linux; F6 leaves the terminal.
      </p>
    </>
  );
}
