/** The page's entry: the houses that it shows, and one React root. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { connectHouses } from "../state/connect.ts";
import { remotePageFor } from "../state/remote-address.ts";
import { Root } from "./root.tsx";
import "./styles.ts";
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
