/** The entry of remote.html: a remote image in a page of its own, over an engine that has no library. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@fontsource-variable/ibm-plex-sans/wght.css";
import "@fontsource/ibm-plex-mono/latin-400.css";
import "@fontsource/ibm-plex-mono/latin-500.css";
import "@fontsource/ibm-plex-mono/latin-600.css";
import { imageOf } from "../state/remote-address.ts";
import { connectRemote } from "../state/remote.ts";
import { AppContext } from "./context.ts";
import { RemotePage } from "./remote-page.tsx";
import "./tokens.css";
import "./base.css";
import "./layout.css";
import "./inspector.css";
import "./crash.css";
import "./controls.css";
import "./top-bar.css";
import "./map.css";
import "./table.css";
import "./zone.css";
import "./lists.css";
import "./time.css";
import "./palette.css";
import "./remote.css";

const remote = connectRemote(imageOf(window.location.search) ?? "");

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <AppContext value={remote.app}>
        <RemotePage remote={remote} />
      </AppContext>
    </StrictMode>,
  );
}
