/** The page's entry: the houses that it shows, and one React root. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@fontsource-variable/ibm-plex-sans/wght.css";
import "@fontsource/ibm-plex-mono/latin-400.css";
import "@fontsource/ibm-plex-mono/latin-500.css";
import "@fontsource/ibm-plex-mono/latin-600.css";
import { connectHouses } from "../state/connect.ts";
import { remotePageFor } from "../state/remote-address.ts";
import { Root } from "./root.tsx";
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
import "./print.css";
import "./link.css";
import "./lessons.css";
import "./share.css";

function start(): void {
  const houses = connectHouses();
  const root = document.getElementById("root");
  if (root === null) return;
  createRoot(root).render(
    <StrictMode>
      <Root houses={houses} />
    </StrictMode>,
  );
}

// A remote image has a page of its own, which alone may ask other servers.
const elsewhere = remotePageFor(window.location.search);
if (elsewhere === null) start();
else window.location.replace(elsewhere);
