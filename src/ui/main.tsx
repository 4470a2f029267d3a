/** The page's entry: one engine, one app over it, one React root. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@fontsource-variable/ibm-plex-sans/wght.css";
import "@fontsource/ibm-plex-mono/latin-400.css";
import "@fontsource/ibm-plex-mono/latin-500.css";
import "@fontsource/ibm-plex-mono/latin-600.css";
import { connectApp } from "../state/connect.ts";
import { remotePageFor } from "../state/remote-address.ts";
import { AppContext } from "./context.ts";
import { Page } from "./page.tsx";
import "./tokens.css";
import "./base.css";
import "./layout.css";
import "./inspector.css";
import "./controls.css";
import "./top-bar.css";
import "./map.css";
import "./table.css";
import "./zone.css";
import "./lists.css";
import "./time.css";
import "./palette.css";

function start(): void {
  const app = connectApp();
  void app.page.start();
  const root = document.getElementById("root");
  if (root === null) return;
  createRoot(root).render(
    <StrictMode>
      <AppContext value={app}>
        <Page />
      </AppContext>
    </StrictMode>,
  );
}

// A remote image has a page of its own, which alone may ask other servers.
const elsewhere = remotePageFor(window.location.search);
if (elsewhere === null) start();
else window.location.replace(elsewhere);
