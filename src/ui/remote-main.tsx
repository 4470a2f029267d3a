/** The entry of remote.html: a remote image in a page of its own, over an engine that has no library. */
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { imageOf } from "../state/remote-address.ts";
import { connectRemote } from "../state/remote.ts";
import { AppContext } from "./context.ts";
import { RemotePage } from "./remote-page.tsx";
import "./styles.ts";
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
