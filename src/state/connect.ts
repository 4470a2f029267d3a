/** The app over the real engine in its worker. */
import { EngineClient } from "../client/engine-client.ts";
import { registerOffline } from "../client/offline.ts";
import { createApp, flushOnPageHide } from "./app.ts";
import type { App } from "./app.ts";

export function connectApp(): App {
  const client = new EngineClient();
  const app = createApp(client, registerOffline());
  flushOnPageHide(app, client);
  return app;
}
