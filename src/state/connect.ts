/** The page's houses over real engines in their workers. */
import { EngineClient, startLinkEngine } from "../client/engine-client.ts";
import { registerOffline } from "../client/offline.ts";
import { windowAddress } from "./address.ts";
import { createApp, flushOnPageHide } from "./app.ts";
import type { App } from "./app.ts";
import { openHouses } from "./houses.ts";
import type { Houses } from "./houses.ts";
import { openLinkHouse } from "./link-house.ts";

export function connectHouses(): Houses {
  const updates = registerOffline();
  const openOrdinary = (): App => {
    const client = new EngineClient();
    const app = createApp(client, updates);
    flushOnPageHide(app, client);
    void app.page.start();
    return app;
  };
  return openHouses({ address: windowAddress(), openOrdinary, openLink: (link) => openLinkHouse(startLinkEngine(), link) });
}
