import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import type { Plugin } from "vite";
import { VitePWA } from "vite-plugin-pwa";
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
      globPatterns: ["**/*.{html,js,css,wasm,woff2,svg,png,webmanifest}"],
      globIgnores: ["src/**"],
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
  plugins: [react(), headers(), offline()],
  worker: {
    format: "es" as const,
    // A folder of their own: a worker obeys the policy of its own response.
    rollupOptions: { output: { entryFileNames: ({ name }) => `${name === "remote" ? "remote" : "worker"}/[name]-[hash].js`, chunkFileNames: "worker/[name]-[hash].js" } },
  },
  build: {
    target: "es2023",
    outDir: mode === "e2e" ? "dist-e2e" : "dist",
    emptyOutDir: true,
    // What a first load may weigh is judged compressed, by test/house.
    chunkSizeWarningLimit: 700,
    rollupOptions: { input: ["index.html", "remote.html", ...(mode === "e2e" ? ["src/testing/browser/harness.html"] : [])] },
  },
}));
