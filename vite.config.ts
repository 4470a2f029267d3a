import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import type { Plugin } from "vite";
import { VitePWA } from "vite-plugin-pwa";
import { docsSite } from "./scripts/docs-site.mjs";
import { headersFile, headersOf } from "./scripts/policy.mjs";

/** Sends the headers of scripts/policy.mjs with what is served of a build, and writes them beside it for static hosts. */
const headers = (): Plugin => ({
  name: "zonescope-headers",
  configurePreviewServer(server) {
    server.middlewares.use((request, response, next) => {
      const path = (request.url ?? "/").split(/[?#]/, 1)[0] ?? "/";
      for (const [name, value] of Object.entries(headersOf(path))) response.setHeader(name, value);
      next();
    });
  },
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "_headers", source: headersFile() });
  },
});

/**
 * The files of the guest's machine, as the guest's worker holds what it fetched against them: those of public/guest by the checksums that
 * are committed there, and the emulator's WebAssembly, which has a folder of its own among the packages.
 */
function guestFiles() {
  const emulator = "node_modules/v86/build/v86.wasm";
  const committed = readFileSync("public/guest/SHA256SUMS", "utf8").trim().split("\n").map((line) => line.split("  ") as [string, string]);
  const images = committed.filter(([, name]) => name.endsWith(".img")).map(([sha256, name]) => ({ name, sizeBytes: statSync(`public/guest/${name}`).size, sha256 }));
  return [...images, { name: basename(emulator), sizeBytes: statSync(emulator).size, sha256: createHash("sha256").update(readFileSync(emulator)).digest("hex") }];
}

/** Workers by the folder that they are built into, for the policies of scripts/policy.mjs; all others are in "worker". */
const FOLDERS: Readonly<Record<string, string>> = { remote: "remote", guest: "machine" };

/**
 * The service worker (workbox): after the first visit every file of the app is there without a network. A new version waits until
 * the person says so or every tab is closed (src/client/offline.ts).
 */
const offline = () =>
  VitePWA({
    injectRegister: null,
    registerType: "prompt",
    filename: "sw.js",
    includeAssets: [],
    workbox: {
      globPatterns: ["**/*.{html,js,css,wasm,woff2,svg,png,webmanifest}", "docs/*.json", "licences.txt"],
      // The guest's machine is fetched when one is wanted, and kept from then on: its files by its worker, its worker by the rule below.
      globIgnores: ["src/**", "machine/**", "assets/v86-*.wasm"],
      runtimeCaching: [{ urlPattern: /\/machine\/[^/]+\.js$/, handler: "CacheFirst", options: { cacheName: "zonescope-machine", expiration: { maxEntries: 4 } } }],
      // The files' names change with their content.
      dontCacheBustURLsMatching: /-[\w-]{8}\.\w+$/,
      ignoreURLParametersMatching: [/.*/],
      cleanupOutdatedCaches: true,
      sourcemap: false,
    },
    manifest: {
      name: "zonescope",
      short_name: "zonescope",
      description: "A zoned disk in a browser tab: every zone, write pointer and condition, live.",
      id: "./",
      start_url: "./",
      scope: "./",
      display: "standalone",
      background_color: "#ffffff",
      theme_color: "#0b7264",
      icons: [
        { src: "icon.svg", sizes: "any", type: "image/svg+xml" },
        { src: "icon-192.png", sizes: "192x192", type: "image/png" },
        { src: "icon-512.png", sizes: "512x512", type: "image/png" },
        { src: "icon-maskable-512.png", sizes: "512x512", type: "image/png", purpose: "maskable" },
      ],
    },
  });

/** The app. In mode "e2e" the browser harness of the conformance suites is built beside it, into a folder of its own. */
export default defineConfig(({ mode }) => ({
  base: "./",
  define: { GUEST_FILES: JSON.stringify(guestFiles()) },
  plugins: [react(), headers(), docsSite(), offline()],
  worker: {
    format: "es" as const,
    // A folder of their own: a worker obeys the policy of its own response.
    rollupOptions: { output: { entryFileNames: ({ name }) => `${FOLDERS[name] ?? "worker"}/[name]-[hash].js`, chunkFileNames: "worker/[name]-[hash].js" } },
  },
  build: {
    target: "es2023",
    outDir: mode === "e2e" ? "dist-e2e" : "dist",
    emptyOutDir: true,
    // What a first load may weigh is judged compressed, by test/house.
    chunkSizeWarningLimit: 700,
    rollupOptions: { input: ["index.html", "remote.html", "src/ui/docs.css", ...(mode === "e2e" ? ["src/testing/browser/harness.html"] : [])] },
  },
}));
