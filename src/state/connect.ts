/** The page's houses over real engines in their workers. */
import { EngineClient, startLinkEngine } from "../client/engine-client.ts";
import { registerOffline } from "../client/offline.ts";
import { windowAddress } from "./address.ts";
import { createApp, flushOnPageHide } from "./app.ts";
import type { App } from "./app.ts";
import { openHouses } from "./houses.ts";
import type { Houses } from "./houses.ts";
import type { LinkHouse } from "./link-house.ts";
import type { Link } from "../share/index.ts";
import { openLinkHouse } from "./link-house.ts";
import { warnWhileGuestRuns } from "./unload.ts";

export function connectHouses(): Houses {
  const updates = registerOffline();
  const openOrdinary = (): App => {
    const client = new EngineClient();
    const app = createApp(client, updates);
    flushOnPageHide(app, client);
    warnWhileGuestRuns(app);
    void app.page.start();
    return app;
  };
  const openLink = (link: Link): LinkHouse => {
    const house = openLinkHouse(startLinkEngine(), link);
    // A frame is not the reader's page to be kept from leaving.
    if (!link.embed) warnWhileGuestRuns(house.app);
    return house;
  };
  return openHouses({ address: windowAddress(), openOrdinary, openLink });
}
