/**
 * The page of a remote image: first who would be asked and for what, and a button; then the inspector over what is read piece by
 * piece, with the map and the console where the image opens as a disk.
 */
import { Globe } from "lucide-react";
import { Tooltip } from "radix-ui";
import { useEffect } from "react";
import { useStore } from "zustand/react";
import { displayName } from "../state/device.ts";
import { visibleText } from "../state/visible-text.ts";
import { partsOf } from "../state/remote-address.ts";
import type { Remote } from "../state/remote.ts";
import { formatCount, formatRoughBytes } from "../state/units.ts";
import { BannerList } from "./banners.tsx";
import { ConsolePanel } from "./console-panel.tsx";
import { useAppState } from "./context.ts";
import { DropTarget } from "./drop-target.tsx";
import { EventsPanel } from "./events-panel.tsx";
import { Inspector } from "./inspector.tsx";
import { keepFocus } from "./keep-focus.ts";
import { MapPanel } from "./map-panel.tsx";
import { ResourcesPanel } from "./resources-panel.tsx";
import { Themed, ThemeSwitch } from "./theme.tsx";
import { Wordmark } from "./wordmark.tsx";
import { ZonePanel } from "./zone-panel.tsx";
import { ZoneTable } from "./zone-table.tsx";

export function RemotePage({ remote }: { remote: Remote }) {
  useEffect(keepFocus, []);
  const phase = useStore(remote.store, (state) => state.phase);
  const sizeBytes = useStore(remote.store, (state) => state.sizeBytes);
  return (
    <Tooltip.Provider delayDuration={350} skipDelayDuration={200}>
      <Themed />
      <div className="shell">
        <RemoteBar remote={remote} sizeBytes={phase === "open" ? sizeBytes : null} />
        {phase === "open" ? (
          <DropTarget>
            <Opened />
          </DropTarget>
        ) : (
          <main className="remote-gate">
            <Gate remote={remote} />
          </main>
        )}
      </div>
    </Tooltip.Provider>
  );
}

function RemoteBar({ remote, sizeBytes }: { remote: Remote; sizeBytes: number | null }) {
  const parts = partsOf(remote.url);
  const file = useAppState((state) => state.inspector.file);
  return (
    <header className="top-bar">
      <Wordmark />
      {sizeBytes !== null && (
        <p className="remote-told" title={visibleText(remote.url)}>
          <strong>{file === null ? "" : visibleText(displayName(file))}</strong> at {parts?.host ?? ""}: {formatRoughBytes(sizeBytes)} ({formatCount(sizeBytes)} bytes), read-only, fetched in pieces as you look
        </p>
      )}
      <div className="top-actions">
        <a className="button" href="./">
          Your own images
        </a>
        <ThemeSwitch />
      </div>
    </header>
  );
}

/** Who would be asked, and the buttons that do; before one of them nothing leaves this page. */
function Gate({ remote }: { remote: Remote }) {
  const { phase, sizeBytes, failure } = useStore(remote.store);
  const parts = partsOf(remote.url);
  const asking = phase === "asking";
  if (parts === null) {
    return (
      <section className="remote-card" aria-label="Remote image">
        <h2>This link names no file on the web</h2>
        <p>{remote.url === "" ? "An address of a file is expected behind ?image=." : `“${visibleText(remote.url)}” is no http or https address.`}</p>
      </section>
    );
  }
  return (
    <section className="remote-card" aria-label="Remote image">
      <Globe size={28} aria-hidden="true" />
      <h2>
        Open a disk image from <strong>{parts.host}</strong>?
      </h2>
      <dl className="remote-facts">
        <dt>Server</dt>
        <dd className="mono">{parts.host}</dd>
        <dt>File</dt>
        <dd className="mono">{visibleText(parts.path)}</dd>
        <dt>Size</dt>
        <dd>{sizeBytes === null ? (asking ? "asking…" : failure === null ? "not known: the server was not asked anything yet" : "not known") : `${formatRoughBytes(sizeBytes)} (${formatCount(sizeBytes)} bytes)`}</dd>
      </dl>
      <p>
        It is read in pieces, those that you look at, and never written. The server sees your address and which pieces you ask for; no cookies are sent, and what the image names is not fetched. Your own images are out of its reach.
      </p>
      {failure !== null && (
        <p className="remote-failure" role="alert">
          <strong>{failure.title}.</strong> {failure.why} {failure.instead ?? ""}
        </p>
      )}
      <div className="remote-actions">
        <button type="button" className="button primary" disabled={asking} onClick={() => void remote.open()}>
          Open it
        </button>
        {sizeBytes === null && (
          <button type="button" className="button" disabled={asking} onClick={() => void remote.ask()}>
            Ask for its size first
          </button>
        )}
      </div>
    </section>
  );
}

function Opened() {
  const zoned = useAppState((state) => (state.attached?.zones ?? null) !== null);
  const attached = useAppState((state) => state.attached !== null);
  return (
    <div className="remote-opened">
      <BannerList />
      <main className={zoned ? "regions" : "regions plain"}>
        {zoned && (
          <>
            <MapPanel />
            <div className="side">
              <ZonePanel />
              <ResourcesPanel />
            </div>
            <ZoneTable />
          </>
        )}
        <Inspector />
        {attached && <ConsolePanel />}
        {zoned && <EventsPanel />}
      </main>
    </div>
  );
}
