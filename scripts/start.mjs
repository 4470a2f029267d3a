/** `npm start`: installs what is missing, builds, and serves the app to this computer's browsers until it is interrupted. */
import { buildApp } from "./build.mjs";
import { install } from "./install.mjs";
import { root } from "./run.mjs";

const DEFAULT_PORT = 4173;

/** $PORT, or the default; null for what is no port. */
function wantedPort() {
  const given = process.env["PORT"];
  if (given === undefined || given === "") return DEFAULT_PORT;
  const port = Number(given);
  return Number.isInteger(port) && port >= 1 && port <= 65535 ? port : null;
}

async function main() {
  const port = wantedPort();
  if (port === null) {
    console.error(`zonescope: PORT is "${process.env["PORT"]}", which is no port from 1 to 65535`);
    return false;
  }
  if (!install()) return false;
  console.log("zonescope: building");
  if (!buildApp()) return false;
  const { preview } = await import("vite");
  // A port that is taken is not fought for: the next free one is used and told.
  const server = await preview({ root, logLevel: "warn", preview: { port, strictPort: false, open: false } });
  const address = server.resolvedUrls?.local[0] ?? `http://localhost:${port}/`;
  console.log(`zonescope: ${address}`);
  console.log("zonescope: press Ctrl+C to stop");
  for (const signal of ["SIGINT", "SIGTERM"]) {
    process.once(signal, () => {
      void server.close().finally(() => process.exit(0));
    });
  }
  return true;
}

if (!(await main())) process.exitCode = 1;
