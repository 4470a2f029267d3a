import { defineConfig } from "@playwright/test";

/**
 * End to end in a real Chromium, over the build of mode "e2e" (`vite build --mode e2e`, made by the test script beforehand).
 * Browsers are launched by test/e2e/fixtures.ts, each with a profile of its own.
 */
export const PORT = Number(process.env["E2E_PORT"] ?? 4179);

export default defineConfig({
  testDir: "test/e2e",
  testMatch: "**/*.test.ts",
  // A file each: every test has a browser, a profile and servers of its own, and most of its time is waiting.
  workers: 2,
  fullyParallel: false,
  forbidOnly: process.env["CI"] !== undefined,
  timeout: 180_000,
  // A test that passes the second time only is named in the closing lines of `npm test`.
  retries: 1,
  expect: { timeout: 30_000 },
  reporter: [["list"]],
  outputDir: "test-results",
  // An action that waits in vain ends long before its test.
  use: { actionTimeout: 45_000, baseURL: `http://localhost:${PORT}` },
  webServer: {
    command: `npx vite preview --outDir dist-e2e --port ${PORT} --strictPort`,
    url: `http://localhost:${PORT}/`,
    reuseExistingServer: false,
    timeout: 60_000,
  },
});
