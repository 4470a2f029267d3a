/** The built app on a web server of the test's own, with the headers of the product: it can be updated, and be switched off. */
import { readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import { extname, join } from "node:path";
import { headersOf } from "../../scripts/policy.mjs";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
  ".webmanifest": "application/manifest+json",
};

export class Site {
  /** Files that are served in place of those of the build, by their path. */
  readonly replaced = new Map<string, string>();
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  private readonly server: Server;
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    this.server = createServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://localhost").pathname;
      this.asked.push(path);
      const name = path.endsWith("/") ? `${path}index.html` : path;
      const file = join(this.folder, name);
      const replacement = this.replaced.get(name);
      if (replacement === undefined && (name.includes("..") || statSync(file, { throwIfNoEntry: false })?.isFile() !== true)) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { "Content-Type": TYPES[extname(name)] ?? "application/octet-stream", ...headersOf(path) });
      response.end(replacement ?? readFileSync(file));
    });
  }

  read(path: string): string {
    return readFileSync(join(this.folder, path), "utf8");
  }

  /** @returns the origin */
  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, "localhost", resolve));
    const address = this.server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    return `http://localhost:${address.port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
